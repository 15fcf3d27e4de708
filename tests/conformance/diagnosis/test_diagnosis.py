"""Faults together, wrong gradients and outputs that nothing explains; a right output has no diagnosis.

The faults of the catalogue, one by one, are in `test_catalogue`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance.cases import Case
from conformance.diagnosis import Diagnosis
from tests.support.diagnosing import diagnosis_of
from tests.support.planted import Planted, Work, forward, gradients


@pytest.mark.parametrize(
    "case",
    ["1d-n2-c4x6-i5-k3-s2-g2-same-b1", "2d-c2x3-i4x3-k3x2-s2x3-p1x0-op1-cl-b1", "3d-c2x2-i3-k2-s2-d2-b1-normal.0"],
)
def test_right_outputs_get_no_diagnosis(case: str) -> None:
    assert diagnosis_of(case, Planted(lambda c, t: {"y": forward(c, t)})) is None


CASE = "2d-c2x3-i4x3-k3-s2-d2-p1-b1"


def flip_and_shift(work: Work) -> None:
    work.w = np.flip(work.w, 2)
    work.low[1] -= 1


def flip_without_bias(work: Work) -> None:
    work.w, work.bias = np.flip(work.w, 3), None


def flip_and_shift_without_stride(work: Work) -> None:
    work.w = np.flip(work.w, 2)
    work.low[1] -= 2
    work.stride[1] = 1


@pytest.mark.parametrize(
    ("fault", "transform", "axes", "text"),
    [
        (
            flip_and_shift,
            "flip+shift",
            ("H", "W"),
            "equals the expected output with the kernel flipped along H and the output shifted by +1 along W",
        ),
        (
            flip_without_bias,
            "flip+bias_ignored",
            ("W",),
            "equals the expected output with the kernel flipped along W and the bias ignored",
        ),
        (
            flip_and_shift_without_stride,
            "flip+stride+shift",
            ("H", "W"),
            "equals the expected output with the kernel flipped along H, the stride of the taps 1 along W and the "
            "output shifted by +2 along W",
        ),
    ],
    ids=["two, read out", "two, searched", "three, read out"],
)
def test_faults_together(fault: Any, transform: str, axes: tuple[str, ...], text: str) -> None:
    found = diagnosis_of(CASE, Planted(lambda c, t: {"y": forward(c, t, fault)}))
    assert found == Diagnosis(transform=transform, axes=axes, text=text)


GRADIENT = "2d-n2-c2x3-i4x3-k3-s2-p1-b1-grad"


def dw_of(case: Case, tensors: Any, items: list[float]) -> Any:
    masked = {**tensors, "x": tensors["x"] * np.array(items).reshape(-1, 1, 1, 1)}
    return gradients(case, masked)["dw"]


def flipped_dx(case: Case, tensors: Any) -> Any:
    return gradients(case, {**tensors, "w": np.flip(tensors["w"], (2, 3))})["dx"]


@pytest.mark.parametrize(
    ("wrong", "transform", "axes"),
    [
        (lambda c, t, g: g | {"db": 0 * g["db"]}, "gradient_missing", ()),
        (lambda c, t, g: {"dx": g["dx"], "dw": g["dw"]}, "gradient_missing", ()),
        (lambda c, t, g: g | {"dw": dw_of(c, t, [1, 0])}, "batch_not_summed", ()),
        (lambda c, t, g: g | {"dw": dw_of(c, t, [0, 1])}, "batch_not_summed", ()),
        (lambda c, t, g: g | {"dw": g["dw"] / 2}, "gradient_scaled", ()),
        (lambda c, t, g: g | {"dw": -g["dw"]}, "gradient_negated", ()),
        (lambda c, t, g: g | {"dw": np.flip(g["dw"], (2, 3))}, "flip", ("H", "W")),
        (lambda c, t, g: g | {"dx": flipped_dx(c, t)}, "flip", ("H", "W")),
        (lambda c, t, g: gradients(c, t, lambda w: w.low.__setitem__(0, w.low[0] - 1)), "shift", ("H",)),
        (lambda c, t, g: g | {"dx": flipped_dx(c, t), "dw": g["dw"] / 2}, "flip+scaled", ("H", "W")),
    ],
)
def test_wrong_gradients(wrong: Any, transform: str, axes: tuple[str, ...]) -> None:
    found = diagnosis_of(GRADIENT, Planted(lambda c, t: wrong(c, t, gradients(c, t))))
    assert found is not None
    assert (found.transform, found.axes) == (transform, axes), found


def test_right_gradients_get_no_diagnosis() -> None:
    assert diagnosis_of(GRADIENT, Planted(gradients)) is None


def test_what_nothing_explains_is_not_guessed() -> None:
    def noisy(case: Case, tensors: Any) -> Any:
        y = forward(case, tensors)
        return {"y": y + (np.arange(y.size).reshape(y.shape) % 7 == 3)}

    found = diagnosis_of("2d-c2x3-i4x3-k3-s2-p1-b1", Planted(noisy))
    assert found is not None
    assert found.transform == "unexplained"
    assert "15 of 105 elements" in found.text


def test_elements_that_hold_one_number() -> None:
    def seven(case: Case, tensors: Any) -> Any:
        y = forward(case, tensors)
        y[:, :, :, 0] = 7
        return {"y": y}

    found = diagnosis_of("2d-c2x3-i4x3-k3-s2-p1", Planted(seven))
    assert found is not None
    assert (found.transform, found.axes) == ("not_computed", ("W",))
    assert found.text == "equals the expected output except for the first position along W, which hold 7"


def test_gradients_of_channels_last_are_diagnosed_too() -> None:
    case = GRADIENT.replace("-p1-", "-p0.1-cl-")
    host = Planted(lambda c, t: gradients(c, t, lambda w: w.low.__setitem__(0, c.geometry().crop[0][1])))
    found = diagnosis_of(case, host)
    assert found is not None
    assert (found.transform, found.axes) == ("crop_exchanged", ("H",)), found
    assert host.calls > 1


def test_memory_that_was_never_written() -> None:
    rng = np.random.default_rng(0)

    def stale(case: Case, tensors: Any) -> Any:
        y = forward(case, tensors)
        y[:, :, -1] = rng.random(y[:, :, -1].shape)
        return {"y": y}

    found = diagnosis_of("2d-c2x3-i4x3-k3-s2-p1", Planted(stale, steady=False))
    assert found is not None
    assert (found.transform, found.axes) == ("stale_memory", ("H",))
    assert "the last position along H" in found.text
    assert found.text.endswith("which change from run to run (not written, or left over from an earlier call)")


def test_a_gradient_that_was_never_written_is_named_where_another_has_a_wrong_shape() -> None:
    rng = np.random.default_rng(0)

    def stale(case: Case, tensors: Any) -> Any:
        found = gradients(case, tensors)
        return found | {"dx": found["dx"][:, :1], "dw": rng.random(found["dw"].shape)}

    found = diagnosis_of(GRADIENT, Planted(stale, steady=False))
    assert found is not None
    assert found.transform == "nondeterministic"
    assert found.text == "54 of 54 elements of dw change from run to run on the same data"


def truncated(array: np.ndarray, bits: int) -> np.ndarray:
    mask = np.uint32(0xFFFFFFFF << bits & 0xFFFFFFFF)
    return (np.asarray(array, np.float32).view(np.uint32) & mask).view(np.float32)


@pytest.mark.parametrize(
    ("compute", "case", "transform"),
    [
        (
            lambda c, t: forward(c, {n: truncated(a, 13) for n, a in t.items()}),
            "2d-c8x3-i8-k3-s2-p1-normal.0",
            "tf32",
        ),
        (lambda c, t: truncated(forward(c, t), 16), "2d-c8x3-i8-k3-s2-p1-normal.0", "bfloat16_output"),
        (
            lambda c, t: forward(c, {n: truncated(a, 16) for n, a in t.items()}),
            "2d-c8x3-i8-k3-s2-p1-normal.0",
            "bfloat16_inputs",
        ),
        (
            lambda c, t: forward(c, t).astype(np.float16).astype(np.float32),
            "2d-c8x3-i8-k3-s2-p1-normal.0",
            "float16_output",
        ),
        (
            lambda c, t: forward(c, t).astype(np.float32).astype(float),
            "2d-c8x3-i8-k3-s2-p1-f64-normal.0",
            "float32_output",
        ),
        (
            lambda c, t: forward(c, {n: a.astype(np.float32) for n, a in t.items()}),
            "2d-c8x3-i8-k3-s2-p1-f64-normal.0",
            "float32_inputs",
        ),
        (
            lambda c, t: forward(c, t, lambda w: w.low.__setitem__(1, w.low[1] - 1)),
            "2d-c8x3-i8-k3-s2-p1-normal.0",
            "shift",
        ),
        (
            lambda c, t: forward(c, t, lambda w: setattr(w, "bias", None)),
            "2d-c2x3-i4-k3-s2-b1-normal.0",
            "bias_ignored",
        ),
    ],
)
def test_precision_and_structure_on_real_numbers(compute: Any, case: str, transform: str) -> None:
    found = diagnosis_of(case, Planted(lambda c, t: {"y": compute(c, t)}))
    assert found is not None
    assert found.transform == transform, found


def test_without_the_adapter_explanations_stand_side_by_side() -> None:
    host = Planted(lambda c, t: {"y": forward(c, t, lambda w: w.low.__setitem__(0, c.geometry().crop[0][1]))})
    alone = diagnosis_of("1d-c2x3-i5-k4-s3-p0.1", host, alone=True)
    assert alone is not None
    assert {alone.transform, *(other.transform for other in alone.also)} >= {"shift", "crop_exchanged"}
    with_more = diagnosis_of("1d-c2x3-i5-k4-s3-p0.1", host)
    assert with_more is not None
    assert (with_more.transform, with_more.axes) == ("crop_exchanged", ("W",))


def test_rounding_is_not_blamed_for_an_output_of_a_different_shape() -> None:
    found = diagnosis_of(
        "1d-n2-c4x6-i5-k3-s3-g2-same-f16-normal.0",
        Planted(lambda c, t: {"y": forward(c, t)[..., :-1]}),
    )
    assert found is not None
    assert found.text == "equals the expected output with the output's size -1 along W at its end"
