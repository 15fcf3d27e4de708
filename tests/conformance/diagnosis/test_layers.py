"""Mistakes of implementations that compute the first axis tap by tap, and outputs with an axis too many."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.adapters.base import Tensor
from conformance.adapters.host.client import Reply
from conformance.cases import Case
from conformance.cases.data import make_tensors
from conformance.diagnosis import Diagnosis, diagnose
from conformance.oracle.verdict import judge
from tests.faults.catalogue import FAULTS, Fault
from tests.faults.machine import Outputs, Work
from tests.faults.recorded import RECORDED, together
from tests.support.diagnosing import diagnosis_of_fault

_GROUPS = "3d-n2-c4x6-i3x2x2-k3x2x1-s2x1x1-g2-b1"


def diagnosis(fault: Fault, case: str) -> Diagnosis:
    found = diagnosis_of_fault(fault, Case.parse(case))
    assert found is not None
    return found


def diagnosed(case: str, y: list[float]) -> Diagnosis | None:
    """The diagnosis of an output of the expected shape."""
    parsed = Case.parse(case)
    tensors = make_tensors(parsed)
    output = np.array(y, dtype=np.float32).reshape(parsed.output_shape)
    reply = Reply("answer", {"y": Tensor.of(output)})
    return diagnose(parsed, tensors, reply, judge(parsed, tensors, reply))


@pytest.mark.parametrize("padding", ["valid", "p1.0x0x0"])
def test_a_bias_that_comes_with_the_last_tap(padding: str) -> None:
    found = diagnosis(
        RECORDED["mnn", "bias-with-the-last-tap-in-three-dimensions"], f"3d-i4x2x2-k3x2x2-s2x1x1-{padding}-b1"
    )
    assert (found.transform, found.axes) == ("bias_with_last_tap", ("D",))
    assert "layers along D that its last tap does not reach" in found.text


def test_other_numbers_in_place_of_the_bias_of_later_groups() -> None:
    recorded = RECORDED["mnn", "bias-of-other-groups-in-three-dimensions"]
    assert diagnosis(recorded, _GROUPS).transform == "bias_beyond_first_group"
    for planted in ("bias ignored", "kernel flipped on H", "output channels reversed"):
        found = diagnosis(together(recorded, FAULTS[planted]), _GROUPS)
        assert found.transform != "bias_beyond_first_group", planted


def test_a_different_number_in_each_place_is_no_other_bias() -> None:
    def after(work: Work, outputs: Outputs) -> None:
        outputs["y"][:, 3:] += np.arange(outputs["y"][:, 3:].size).reshape(outputs["y"][:, 3:].shape)

    found = diagnosis(Fault("counts", (3,), after=after), _GROUPS)
    assert found.transform != "bias_beyond_first_group"


def test_taps_read_with_the_row_length_of_dilation_1() -> None:
    """The output of MNN 3.6.1. From the fifth layer on, memory behind the columns is added."""
    case = "3d-i3x1x1-k3x1x1-d2x1x1"
    found = diagnosed(case, [-680, -512, -510, -1700, -1280, -918, 123])
    assert found is not None
    assert (found.transform, found.axes) == ("columns_misread", ("D",))
    other = diagnosed(case, [-680, -513, -510, -1700, -1280, -918, 123])
    assert other is not None
    assert other.transform != "columns_misread"


def test_one_axis_too_many() -> None:
    recorded = RECORDED["mnn", "one-axis-becomes-two"]
    for layout in ("cf", "cl"):
        case = f"1d-n2-c2x3-i5-k3-s2-{layout}-b1"
        assert diagnosis(recorded, case).transform == "axis_added"
        flipped = diagnosis(together(recorded, FAULTS["kernel flipped on W"]), case)
        assert (flipped.transform, flipped.axes) == ("axis_added+flip", ("W",))
        assert "without it: equals the expected output" in flipped.text


def test_the_largest_number_in_place_of_infinity_and_nan() -> None:
    recorded = RECORDED["mnn", "largest-number-for-infinity-and-nan"]
    case = "2d-n2-c2x3-i5x4-k3x2-s2x1-b1-naninput.0"
    assert diagnosis(recorded, case).transform == "nonfinite_clamped"
    flipped = diagnosis(together(recorded, FAULTS["kernel flipped on H"]), case)
    assert (flipped.transform, flipped.axes) == ("nonfinite_clamped+flip", ("H",))
