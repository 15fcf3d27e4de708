"""The porting table: calls of one group ask for one size, and the pixel that ports lose shows in their crops."""

from __future__ import annotations

from conformance.porting.equivalent_calls import wordings

WORDINGS = wordings()
FAMILIES = ("torch", "keras", "tf", "jax", "flax", "haiku", "equinox", "onnx")


def test_calls_of_one_group_give_one_size() -> None:
    for group, calls in WORDINGS.items():
        assert len({item.output_size for item in calls}) == 1, group
    assert {item.call.split(".")[0] for calls in WORDINGS.values() for item in calls} == set(FAMILIES)


def test_the_well_known_pixel_is_in_it() -> None:
    crops = {item.call.split(".")[0]: item.crop[0] for item in WORDINGS["twice the size of the input"]}
    assert crops["torch"] == (1, 0)
    assert crops["keras"] == crops["tf"] == crops["jax"] == (0, 1)
