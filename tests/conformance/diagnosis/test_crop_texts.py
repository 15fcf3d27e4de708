"""A crop taken from the wrong place says where it was taken, in place of where it should be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from conformance.cases import Case
from tests.support.diagnosing import diagnosis_of
from tests.support.planted import Planted, Work, forward


def cropped_as(**changes: Any) -> Planted:
    """Takes the start of the crop from another case: field by field, a function of the case."""

    def compute(case: Case, tensors: Any) -> Any:
        other = replace(case, **{name: value(case) for name, value in changes.items()})

        def fault(work: Work) -> None:
            work.low = [low for low, _ in other.geometry().crop]

        return {"y": forward(case, tensors, fault)}

    return Planted(compute)


def test_a_crop_computed_with_another_stride() -> None:
    """The `same` of Keras on PyTorch once cropped as if the stride were one less."""
    host = cropped_as(stride=lambda case: tuple(max(s - 1, 1) for s in case.stride))
    found = diagnosis_of("2d-i5x7-k3-s2-same", host)
    assert found is not None
    assert found.text.startswith("the crop is (1, 0) where (0, 1) is expected along H and W")
    assert "stride -1" not in str(found)


def test_a_negative_crop_in_units_of_the_stride_names_both_places() -> None:
    host = cropped_as(dilation=lambda case: 1)
    found = diagnosis_of("2d-i5x7-k5x3-s2-d2-same", host)
    assert found is not None
    assert found.transform == "dilation_ignored"
    assert " is expected along " in found.text
    assert found.text.endswith(", as with the dilation ignored along H and W")


def test_a_crop_clipped_at_the_effective_kernel() -> None:
    """As who pads the zero-inserted input by e - 1 - p, and by nothing where that is below 0."""

    def clipped(case: Case) -> Any:
        if isinstance(case.padding, str):
            return case.padding
        most = [d * (k - 1) for k, d in zip(case.kernel_size, case.dilation, strict=True)]
        return tuple((min(low, n), min(high, n)) for (low, high), n in zip(case.padding, most, strict=True))

    found = diagnosis_of("2d-c2x3-i6x7-k2x3-s2-p3x4", Planted(
        lambda case, tensors: {"y": forward(replace(case, padding=clipped(case)), tensors)}
    ))  # fmt: skip
    assert found is not None
    assert (found.transform, found.axes) == ("padding_clipped", ("H", "W")), found


@pytest.mark.parametrize(
    ("case", "dilated", "text"),
    [
        ("2d-c2x3-i6x7-k3x4-s2-same_upper", True, "padding `same_upper` computed as at stride 1"),
        ("1d-c2x3-i6-k4-s2-same_lower", True, "padding `same_lower` computed as at stride 1"),
        ("2d-c2x3-i6x7-k5x4-s2-same_upper-op1", True, "padding `same_upper` computed as at stride 1"),
        ("2d-c2x3-i6x7-k3x4-s2-d2x3-same", False, "padding `same` computed as at stride 1 and dilation 1"),
    ],
)
def test_the_pads_of_same_at_stride_1(case: str, dilated: bool, text: str) -> None:
    """As OpenCV computes the pads of ConvTranspose: half of the kernel is cropped at the start."""

    def at_stride_1(case: Case) -> Case:
        sizes = zip(case.kernel_size, case.dilation, case.output_padding or (0,) * case.rank, strict=True)
        crop = [(((d if dilated else 1) * (k - 1) - o) // 2, d * (k - 1) - o) for k, d, o in sizes]
        padding = tuple((low, total - low) for low, total in crop)
        return replace(case, padding=padding, output_padding=None)

    host = Planted(lambda case, tensors: {"y": forward(at_stride_1(case), tensors)})
    found = diagnosis_of(case, host)
    assert found is not None
    assert (found.transform, found.text) == ("same_at_stride_1", f"equals the expected output with {text}")
    right = diagnosis_of(case, Planted(lambda case, tensors: {"y": forward(case, tensors)}))
    assert right is None
