"""What adapters are known to get wrong, planted in the open implementation.

Each is a `Fault` by the finding that it stands for, so that it can be combined with a planted one: the adapter is
wrong as recorded and has the fault as well.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from conformance.adapters.base import Tensor
from conformance.cases.directions import IMAGES
from tests.faults.machine import Fault, Outputs, Work

__all__ = ["RECORDED", "Refused", "together"]


class Refused(Exception):
    """What the adapter gets wrong leaves it without an output."""


def _spare(work: Work) -> list[int]:
    """By how much the stride and the output_padding leave each axis short of its kernel."""
    case = work.case
    sizes = zip(case.kernel_size, case.stride, case.dilation, strict=True)
    given = case.output_padding or (0,) * case.rank
    return [d * (k - 1) + 1 - s + o for (k, s, d), o in zip(sizes, given, strict=True)]


def _too_short(work: Work) -> None:
    """SAME ends with the full result, where the rules add zeros at the end."""
    for axis, spare in enumerate(_spare(work)):
        work.size[axis] += min(spare, 0)


def _zeros_in_front(work: Work) -> None:
    """SAME puts half of the zeros in front."""
    for axis, spare in enumerate(_spare(work)):
        if spare < 0:
            work.low[axis] = spare // 2


def _first_bias(work: Work) -> None:
    work.tensors["bias"] = np.full_like(work.tensors["bias"], work.tensors["bias"][0])


def _bias_on_the_last_axis(work: Work, outputs: Outputs) -> None:
    bias = work.tensors["bias"]
    if "y" in outputs and outputs["y"].shape[-1] == len(bias):
        y, channels = outputs["y"], bias.reshape(-1, *(1,) * work.case.rank)
        outputs["y"] = y - channels + bias
    if "db" in outputs and work.tensors["dy"].shape[-1] == len(bias):
        outputs["db"] = work.tensors["dy"].sum(axis=tuple(range(work.case.rank + 1)))


def _single_precision(work: Work, outputs: Outputs) -> None:
    tensors = {}
    for name, array in outputs.items():
        moved = np.moveaxis(array, 1, -1) if work.case.layout == "channels_last" and name in IMAGES else array
        with np.errstate(over="ignore"):
            tensors[name] = Tensor(moved.astype(np.float32), "f32")
    work.reply["tensors"] = tensors


def _clipped(work: Work, outputs: Outputs) -> None:
    largest = float(np.finfo(np.float32).max)
    for name, array in outputs.items():
        outputs[name] = np.where(np.isinf(array), np.copysign(largest, array), array)


def _clipped_weights(work: Work) -> None:
    largest = float(np.finfo(np.float32).max)
    weights = work.tensors["w"]
    work.tensors["w"] = np.where(np.isinf(weights), np.copysign(largest, weights), weights)


def _short_gradient(work: Work, outputs: Outputs) -> None:
    """The gradient of the input loses a position for every one that output_padding added."""
    if "dx" not in outputs:
        return  # a gradient of a gradient is refused
    dx = outputs["dx"]
    for axis, (low, high) in enumerate(work.case.geometry().crop):
        if high < 0 <= low and work.case.stride[axis] > 1:
            keep = max(dx.shape[axis + 2] + high, 0)
            dx = np.take(dx, range(keep), axis=axis + 2)
    outputs["dx"] = dx


def _stride_ignored_where_empty(work: Work) -> None:
    if work.case.direction != "fwd":
        raise Refused("the output has a different shape from its gradient")
    for axis, size in enumerate(work.tensors["x"].shape[2:]):
        if size == 0:
            work.size[axis] += work.stride[axis] - 1
            work.stride[axis] = 1


def _one_more_axis(work: Work, outputs: Outputs) -> None:
    if work.case.rank == 1:
        outputs["y"] = outputs["y"][..., np.newaxis]


def _largest_numbers(work: Work, outputs: Outputs) -> None:
    largest = float(np.finfo(np.float32).max)
    outputs["y"] = np.clip(np.where(np.isnan(outputs["y"]), largest, outputs["y"]), -largest, largest)
    _one_more_axis(work, outputs)


def _kernel_alone(work: Work) -> None:
    """SAME starts where half of kernel - stride is cut, rounded towards zero."""
    for axis, (kernel, stride) in enumerate(zip(work.case.kernel_size, work.stride, strict=True)):
        work.low[axis] = int((kernel - stride) / 2)


def _at_stride_1(work: Work) -> None:
    """SAME crops as at stride 1: half of the kernel at the start, and ends with the last position."""
    given = work.case.output_padding or (0,) * work.case.rank
    for axis, (size, extra) in enumerate(zip(work.case.input_size, given, strict=True)):
        work.low[axis] = max(work.dilation[axis] * (work.case.kernel_size[axis] - 1) - extra, 0) // 2
        work.size[axis] = (size - 1) * work.stride[axis] + 1 + extra


def _at_stride_and_dilation_1(work: Work) -> None:
    """The same as at dilation 1, and without a crop at the start where the stride is larger than the kernel."""
    _at_stride_1(work)
    given = work.case.output_padding or (0,) * work.case.rank
    for axis, (kernel, stride, extra) in enumerate(zip(work.case.kernel_size, work.stride, given, strict=True)):
        work.low[axis] = 0 if stride > kernel else max(kernel - 1 - extra, 0) // 2


def _nothing_cut(work: Work) -> None:
    work.low[:] = [0] * work.case.rank
    work.size[:] = work.case.geometry().full_size


def _bias_with_last_tap(work: Work, outputs: Outputs) -> None:
    """The bias only in those layers of the first axis that its last tap reaches."""
    if "bias" not in work.tensors:
        return
    y, bias = outputs["y"], work.tensors["bias"].reshape(-1, *(1,) * work.case.rank)
    last = (work.case.kernel_size[0] - 1) * work.dilation[0] - work.low[0]
    layers = np.arange(work.case.input_size[0]) * work.stride[0] + last
    missing = ~np.isin(np.arange(y.shape[2]), layers).reshape(-1, *(1,) * (work.case.rank - 1))
    outputs["y"] = np.where(missing, y - bias, y)


def _bias_of_first_group(work: Work) -> None:
    if "bias" not in work.tensors:
        return
    bias = work.tensors["bias"]
    work.tensors["bias"] = np.where(np.arange(len(bias)) < len(bias) // work.case.groups, bias, 0.5)


def _before(change: Callable[[Work], None]) -> Fault:
    return Fault("as recorded", (1, 2, 3), before=change)


def _after(change: Callable[[Work, Outputs], None]) -> Fault:
    return Fault("as recorded", (1, 2, 3), after=change)


RECORDED: dict[tuple[str, str], Fault] = {
    ("onnxruntime", "same-with-a-stride-over-the-kernel"): (short := _before(_too_short)),
    ("openvino", "same-with-a-stride-over-the-kernel"): short,
    ("onnx-infer-shapes", "same-with-a-stride-over-the-kernel"): short,
    ("onnx-reference", "same-with-a-stride-over-the-kernel"): (front := _before(_zeros_in_front)),
    ("onnx-reference", "same-with-a-stride-far-over-the-kernel"): front,
    ("onnx-reference", "bias-of-the-first-group"): _before(_first_bias),
    ("keras-tensorflow", "bias-added-along-the-last-axis"): _after(_bias_on_the_last_axis),
    ("keras-ops-numpy", "float64-taken-for-float32"): _after(_single_precision),
    ("litert", "infinity-clipped-to-the-largest-number"): _after(_clipped),
    ("litert", "infinity-clipped-where-zeros-meet-it"): Fault(
        "as recorded", (1, 2, 3), _clipped_weights, _clipped
    ),
    ("cv2-dnn", "auto-pad-by-the-kernel-alone"): _before(_at_stride_1),
    ("cv2-dnn-classic", "auto-pad-by-the-kernel-alone"): (older := _before(_at_stride_and_dilation_1)),
    ("cv2-dnn-classic", "dilations-ignored-by-auto-pad"): older,
    ("mnn", "one-axis-becomes-two"): _after(_one_more_axis),
    ("mnn", "largest-number-for-infinity-and-nan"): _after(_largest_numbers),
    ("mnn", "auto-pad-by-the-kernel-alone"): Fault("as recorded", (1, 2, 3), _kernel_alone, _one_more_axis),
    ("mnn", "auto-pad-ignored-in-three-dimensions"): Fault(
        "as recorded", (1, 2, 3), _nothing_cut, _bias_with_last_tap
    ),
    ("mnn", "bias-with-the-last-tap-in-three-dimensions"): _after(_bias_with_last_tap),
    ("mnn", "bias-of-other-groups-in-three-dimensions"): Fault(
        "as recorded", (1, 2, 3), _bias_of_first_group, _bias_with_last_tap
    ),
    ("mlx", "input-gradient-with-output-padding"): _after(_short_gradient),
    ("jax-lax", "dilating-an-empty-axis"): (empty := _before(_stride_ignored_where_empty)),
    ("keras-ops-numpy", "dilating-an-empty-axis"): empty,
}
"""By the adapter whose file holds the entry, and the finding."""


def together(recorded: Fault, planted: Fault) -> Fault:
    """Both at once: the planted fault inside of the recorded one."""

    def before(work: Work) -> None:
        for fault in (recorded, planted):
            if fault.before is not None:
                fault.before(work)

    def after(work: Work, outputs: Outputs) -> None:
        for fault in (planted, recorded):
            if fault.after is not None:
                fault.after(work, outputs)

    return Fault(planted.name, planted.ranks, before, after)
