"""Two mistakes at once: the diagnosis names both, with the axes of both."""

from __future__ import annotations

import pytest

from conformance.cases import Case
from tests.faults.catalogue import FAULTS, Fault
from tests.faults.machine import Outputs, Work
from tests.support.diagnosing import diagnosis_of_fault

_1D = "1d-n2-c4x6-i5-k4-s2-d2-g1-p1.3-op1-cf-f32-b1-ints.0-fwd"
_2D = "2d-n2-c4x6-i4x5-k4x3-s2x3-d2x2-g1-p2.1x1.3-op1x1-cl-f32-b1-ints.0-fwd"
_3D = "3d-n2-c4x6-i3x4x3-k3x2x4-s3x2x2-d1x3x2-g1-p0.2x2.1x1.3-op1x1x1-cf-f32-b1-ints.0-fwd"

# The faults, the case that shows them, and the transformations and axes that their diagnosis must name.
COMBINATIONS: list[tuple[tuple[str, ...], str, str, str]] = [
    (("kernel flipped on W", "output starts one position late on H"), _2D, "flip+shift", "HW"),
    (("kernel flipped on H", "output starts one position early on W"), _3D, "flip+shift", "HW"),
    (("kernel flipped on W", "output starts one position late on W"), _1D, "flip+shift", "W"),
    (("stride of W used on H", "bias ignored"), _2D, "stride_of_another_axis+bias_ignored", "H"),
    (("kernel flipped on D", "bias ignored"), _3D, "flip+bias_ignored", "D"),
    (("dilation ignored on H", "bias doubled"), _2D, "dilation_ignored+bias_doubled", "H"),
    (("stride ignored on W", "bias of channel 0 for all"), _1D, "stride_ignored+bias_of_one_channel", "W"),
    (("kernel read with W and H swapped", "bias ignored"), _2D.replace("k4x3", "k3x3"),
     "kernel_axes_swapped+bias_ignored", "HW"),
    (("input channels reversed", "kernel flipped on W"), _2D, "channels_permuted+flip", "W"),
    (("output channels reversed", "crop at start and end swapped on H"), _2D.replace("p2.1", "p3.0"),
     "channels_permuted+crop_exchanged", "H"),
    (("batch items reversed", "bias laid along the last spatial axis"), _2D.replace("c4x6", "c4x5"),
     "batch_permuted+bias_on_another_axis", "W"),
    (("groups interleaved over the output channels", "output starts one position late on W"),
     _1D.replace("-g1-", "-g2-"), "groups_interleaved+shift", "W"),
    (("output_padding put in front on W", "kernel flipped on H"), _2D, "output_padding_in_front+flip", "HW"),
    (("weights read with input and output channels swapped", "bias ignored"), _3D.replace("c4x6", "c4x4"),
     "channels_swapped+bias_ignored", ""),
    (("last tap on W dropped", "bias doubled"), _1D, "tap_dropped+bias_doubled", "W"),
    (("input mirrored on H", "bias ignored"), _2D, "flip_input+bias_ignored", "H"),
]  # fmt: skip


def test_a_crop_taken_from_the_input_before_it_is_spread_out() -> None:
    def before(work: Work) -> None:
        (low, high), reach = work.case.geometry().crop[-1], work.dilation[-1] * (work.case.kernel_size[-1] - 1)
        front, back = max(low - reach, 0), max(high - reach, 0)
        if (front + back) * (work.stride[-1] - 1) >= work.size[-1]:
            return
        work.tensors["x"] = work.tensors["x"][..., front : work.case.input_size[-1] - back]
        work.low[-1] -= front
        work.size[-1] -= (front + back) * (work.stride[-1] - 1)

    found = diagnosis_of_fault(
        Fault("cut early", (1, 2, 3), before), Case.parse("2d-n2-c3x5-i4x7-k2x3-s2x3-p1.0x4.3-b1")
    )
    assert found is not None
    assert (found.transform, found.axes) == ("crop_before_spreading", ("W",)), found


def together(names: tuple[str, ...]) -> Fault:
    """An implementation with several faults."""
    faults = [FAULTS[name] for name in names]

    def before(work: Work) -> None:
        for fault in faults:
            if fault.before is not None:
                fault.before(work)

    def after(work: Work, outputs: Outputs) -> None:
        for fault in faults:
            if fault.after is not None:
                fault.after(work, outputs)

    return Fault(" and ".join(names), (1, 2, 3), before, after)


@pytest.mark.parametrize(
    ("names", "case", "transform", "axes"), COMBINATIONS, ids=lambda v: "+".join(v) if isinstance(v, tuple) else ""
)
def test_both_are_named(names: tuple[str, ...], case: str, transform: str, axes: str) -> None:
    found = diagnosis_of_fault(together(names), Case.parse(case))
    assert found is not None
    assert set(found.transform.split("+")) == set(transform.split("+")), found
    assert found.axes == tuple(axes), found
