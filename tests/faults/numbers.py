"""Faults of arithmetic: precision, special values, memory, and those that show on some cases only."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from conformance.adapters.base import Tensor
from conformance.cases import Case
from conformance.cases.dtypes import DTYPES, round_to
from tests.faults.machine import Outputs, Work, after, before

_HALVES = ("f16", "bf16")


def round_inputs(work: Work, bits: int) -> None:
    """Round x, w and dy to a significand of so many bits."""
    for name in {"x", "w", "dy"} & work.tensors.keys():
        array = work.tensors[name]
        if not np.iscomplexobj(array):
            fraction, exponent = np.frexp(array)
            work.tensors[name] = np.ldexp(np.round(fraction * 2.0**bits), exponent - bits)


def _through(array: np.ndarray, dtype: str) -> np.ndarray:
    if np.iscomplexobj(array):
        return array
    return np.asarray(round_to(DTYPES[dtype], array), dtype=np.float64)


@after("output all zeros", diagnosed_as="zero")
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs:
        outputs["y"] = np.zeros_like(outputs["y"])


@after("output negated", diagnosed_as="negated")
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs:
        outputs["y"] = -outputs["y"]


@after("output doubled", diagnosed_as="scaled")
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs:
        outputs["y"] = outputs["y"] * 2


@after("negative outputs replaced by zero", diagnosed_as="relu")
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs:
        outputs["y"] = np.maximum(outputs["y"], 0)


@before("float32 inputs rounded to TF32", diagnosed_as="tf32", shown_by="normal.0")
def _(work: Work) -> None:
    if work.case.dtype == "f32":
        round_inputs(work, 11)


@before("float32 inputs rounded to bfloat16", diagnosed_as="bfloat16_inputs", shown_by="normal.0")
def _(work: Work) -> None:
    if work.case.dtype == "f32":
        round_inputs(work, 8)


@after("float32 result rounded to bfloat16", diagnosed_as="bfloat16_output", shown_by="normal.0")
def _(work: Work, outputs: Outputs) -> None:
    if work.case.dtype == "f32":
        outputs.update({name: _through(array, "bf16") for name, array in outputs.items()})


@after("float32 result rounded to float16", diagnosed_as="float16_output", shown_by="normal.0")
def _(work: Work, outputs: Outputs) -> None:
    if work.case.dtype == "f32":
        outputs.update({name: _through(array, "f16") for name, array in outputs.items()})


@after("bfloat16 computed by way of float16", diagnosed_as="float16_output", shown_by="i5x7x9 bf16 normal.0")
def _(work: Work, outputs: Outputs) -> None:
    if work.case.dtype == "bf16":
        outputs.update({name: _through(array, "f16") for name, array in outputs.items()})


@after("float64 computed in float32", diagnosed_as="float32_output", shown_by="f64 normal.0")
def _(work: Work, outputs: Outputs) -> None:
    if work.case.dtype == "f64":
        outputs.update({name: _through(array, "f32") for name, array in outputs.items()})


@after("result truncated instead of rounded", diagnosed_as="truncated", shown_by="f16 normal.0")
def _(work: Work, outputs: Outputs) -> None:
    if work.case.dtype in _HALVES:
        for name, array in outputs.items():
            rounded = np.asarray(round_to(work.case.format, array))
            # The next number towards zero is one less in the bits; bfloat16 has the upper half of float32's.
            bits = rounded.view(np.uint16 if rounded.dtype.itemsize == 2 else np.uint32)
            below = (bits - (1 if rounded.dtype.itemsize == 2 else 1 << 16)).view(rounded.dtype)
            outputs[name] = np.where(np.abs(rounded) > np.abs(array), below, rounded).astype(np.float64)


@after("accumulated in the storage format", diagnosed_as="bfloat16_accumulation", shown_by="i5x7x9 bf16 normal.0")
def _(work: Work, outputs: Outputs) -> None:
    case, t = work.case, work.tensors
    if "y" not in outputs or case.dtype not in _HALVES:
        return
    total = np.zeros_like(outputs["y"])
    for channel in range(case.in_channels):
        for tap in np.ndindex(*case.kernel_size):
            alone = np.zeros_like(t["w"])
            alone[(channel, slice(None), *tap)] = t["w"][(channel, slice(None), *tap)]
            part = Work(
                case, {"x": t["x"], "w": alone}, work.stride, work.dilation, work.groups, work.low, work.size
            )
            total = _through(total + part.compute()["y"], case.dtype)
    bias = t["bias"].reshape(-1, *(1,) * case.rank) if "bias" in t else 0
    outputs["y"] = total + bias


@after("one product lost at one element", diagnosed_as="unexplained")
def _(work: Work, outputs: Outputs) -> None:
    taps = work.taps() if "y" in outputs else np.zeros(0)
    if taps.any():
        where = np.unravel_index(taps.argmax(), taps.shape)
        # The mean product there, as a typical one.
        without_bias = work.tensors.get("bias", np.zeros(work.case.out_channels))[where[1]]
        outputs["y"][where] -= (outputs["y"][where] - without_bias) / taps[where]


@after("one element off by one unit in the last place", diagnosed_as="unexplained")
def _(work: Work, outputs: Outputs) -> None:
    for array in outputs.values():
        if array.size and not np.iscomplexobj(array):
            array.flat[0] += np.abs(array.flat[0]) * 2 * work.case.format.unit_roundoff


@after("stale memory where no tap reaches", diagnosed_as="not_computed", shown_by="k1x2x1 s3x4x2 d1x1x1 p0x0x0")
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs:
        outputs["y"] = np.where(work.taps() == 0, 7.0, outputs["y"])


# Of one axis, the row is one element.
_LAST_ROW = {1: "unexplained", 2: "not_computed", 3: "not_computed"}


@after("last row of the output never written", diagnosed_as=_LAST_ROW)
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs and outputs["y"].size:
        outputs["y"][-1, -1, ..., -1] = -123.0


# --- special values


@before("NaN swallowed", diagnosed_as="nan_replaced", shown_by="naninput.0")
def _(work: Work) -> None:
    work.tensors = {name: np.where(np.isnan(array), 0, array) for name, array in work.tensors.items()}


@before("infinity clamped to the largest number", diagnosed_as="inf_replaced", shown_by="infbias.2")
def _(work: Work) -> None:
    largest = 2.0**work.case.format.max_exponent
    for name, array in work.tensors.items():
        work.tensors[name] = np.where(np.isinf(array), np.sign(np.real(array)) * largest, array)


@after("infinity turned into NaN", diagnosed_as="inf_to_nan", shown_by="infbias.2")
def _(work: Work, outputs: Outputs) -> None:
    outputs.update({name: np.where(np.isinf(array), np.nan, array) for name, array in outputs.items()})


@after("NaN turned into infinity", diagnosed_as="nan_to_inf", shown_by="nanbias.0")
def _(work: Work, outputs: Outputs) -> None:
    outputs.update({name: np.where(np.isnan(array), np.inf, array) for name, array in outputs.items()})


@after("sign of an infinity lost", diagnosed_as="inf_sign_lost", shown_by="infbias.2")
def _(work: Work, outputs: Outputs) -> None:
    outputs.update({name: np.where(np.isinf(array), np.inf, array) for name, array in outputs.items()})


@after("NaN spread over the whole output", diagnosed_as="nan_spread", shown_by="naninput.0")
def _(work: Work, outputs: Outputs) -> None:
    for name, array in outputs.items():
        if np.isnan(array).any():
            outputs[name] = np.full_like(array, np.nan)


@after("NaN spread to the next batch item", diagnosed_as="nan_spread", shown_by="naninput.0")
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs and len(outputs["y"]) > 1:
        nan = np.isnan(outputs["y"])
        outputs["y"] = np.where(nan | np.roll(nan, 1, axis=0), np.nan, outputs["y"])


@after("a NaN bias spread to every channel", diagnosed_as="nan_spread", shown_by="nanbias.0")
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs and np.isnan(work.tensors.get("bias", np.zeros(1))).any():
        outputs["y"] = np.full_like(outputs["y"], np.nan)


@after("zeros come out negative", diagnosed_as="zero_sign", shown_by="signedzero.0")
def _(work: Work, outputs: Outputs) -> None:
    if not work.case.format.is_complex:
        outputs.update({name: np.where(array == 0, -0.0, array) for name, array in outputs.items()})


@before("negative zero taken for minus one", diagnosed_as="unexplained", shown_by="signedzero.0")
def _(work: Work) -> None:
    x = work.tensors["x"]
    if not np.iscomplexobj(x):
        work.tensors["x"] = np.where((x == 0) & np.signbit(x), -1.0, x)


@before(
    "subnormals rounded up to the smallest normal number", diagnosed_as="subnormals_raised", shown_by="subnormal.0"
)
def _(work: Work) -> None:
    smallest = work.case.format.smallest_normal
    x = work.tensors["x"]
    if not np.iscomplexobj(x):
        work.tensors["x"] = np.where((x != 0) & (np.abs(x) < smallest), np.copysign(smallest, x), x)


@after("large values saturate", diagnosed_as="clipped")
def _(work: Work, outputs: Outputs) -> None:
    if not work.case.format.is_complex:
        outputs.update({name: np.clip(array, -(2.0**14), 2.0**14) for name, array in outputs.items()})


@after("small values flushed to zero", diagnosed_as="small_flushed", shown_by="small.0")
def _(work: Work, outputs: Outputs) -> None:
    if not work.case.format.is_complex:
        outputs.update({name: np.where(np.abs(array) < 2.0**-20, 0, array) for name, array in outputs.items()})


# --- the reply itself


@after("a different output the second time", diagnosed_as="nondeterministic")
def _(work: Work, outputs: Outputs) -> None:
    work.reply["changing"] = tuple(outputs)


@after("a different output the second time only with groups", diagnosed_as="nondeterministic", shown_by="g2")
def _(work: Work, outputs: Outputs) -> None:
    work.reply["changing"] = tuple(outputs) if work.case.groups > 1 else ()


@after("output in float32 whatever the dtype", diagnosed_as="dtype", shown_by="f16 normal.0")
def _(work: Work, outputs: Outputs) -> None:
    case = work.case
    if case.dtype != "f32" and case.layout == "channels_first" and not case.format.is_complex:
        work.reply["tensors"] = {name: Tensor(array.astype(np.float32), "f32") for name, array in outputs.items()}


@after("one output position too many on the last axis", diagnosed_as="output_size", on="last")
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs:
        y = outputs["y"]
        outputs["y"] = np.concatenate([y, np.zeros((*y.shape[:-1], 1), y.dtype)], axis=-1)


@after("batch of one squeezed away", diagnosed_as="batch_missing", shown_by="n1")
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs and work.case.batch == 1 and work.case.layout == "channels_first":
        work.reply["tensors"] = {"y": Tensor(round_to(work.case.format, outputs["y"][0]), work.case.dtype)}


def _refuses(name: str, applies: Callable[[Case], bool], *, shown_by: str) -> None:
    @after(name, diagnosed_as="rejected", shown_by=shown_by)
    def _(work: Work, outputs: Outputs) -> None:
        if applies(work.case):
            work.reply |= {"kind": "raised", "detail": "RuntimeError: not implemented"}


_refuses("groups with dilation refused", lambda case: case.groups > 1 and max(case.dilation) > 1,
         shown_by="d2x2x2 g2 opauto")  # fmt: skip
_refuses("asymmetric padding refused", lambda case: not isinstance(case.padding, str) and case.padding[0] != (0, 0)
         and case.padding[0][0] != case.padding[0][1],
         shown_by="p1.2x2.1x3.1")  # fmt: skip
_refuses("gradient in bfloat16 refused", lambda case: case.dtype == "bf16" and case.direction == "grad",
         shown_by="bf16 grad")  # fmt: skip


# --- wrong only on some cases


CONDITIONS: dict[str, tuple[Callable[[Case], bool], tuple[int, ...]]] = {}
"""When each of these faults shows, and on which ranks."""


def _only(name: str, applies: Callable[[Case], bool], ranks: tuple[int, ...] = (1, 2, 3)) -> None:
    CONDITIONS[name] = applies, ranks

    @after(f"wrong only {name}", ranks=ranks, diagnosed_as="unexplained", where=applies)
    def _(work: Work, outputs: Outputs) -> None:
        for array in outputs.values():
            if array.size:
                array.flat[-1] = array.flat[-1] * 2 + 3


def _any(case: Case, left: str, right: str, compare: Callable[[int, int], bool]) -> bool:
    return any(map(compare, getattr(case, left), getattr(case, right)))


def _output(case: Case) -> tuple[int, ...]:
    return case.geometry().output_size


_only("where the output width equals the filters", lambda case: _output(case)[-1] == case.out_channels)
_only("where the channels in equal the channels out", lambda case: case.in_channels == case.out_channels)
_only("where the batch equals the channels in", lambda case: case.batch == case.in_channels > 1)
_only("where the batch equals the channels out", lambda case: case.batch == case.out_channels > 1)
_only("where the input width equals the channels in", lambda case: case.input_size[-1] == case.in_channels)
_only("where the kernel equals the input", lambda case: case.kernel_size == case.input_size)
_only("where the stride equals the kernel", lambda case: case.stride == case.kernel_size)
_only("where all axes are alike", lambda case: len(set(zip(case.input_size, case.kernel_size, case.stride,
      strict=True))) == 1, (2, 3))  # fmt: skip
_only("where the stride is above the kernel", lambda case: _any(case, "stride", "kernel_size", int.__gt__))
_only(
    "where output_padding reaches the stride",
    lambda case: case.output_padding is not None and _any(case, "output_padding", "stride", int.__ge__),
)
_only("with a kernel of one", lambda case: max(case.kernel_size) == 1)
_only("with an input of one element", lambda case: max(case.input_size) == 1)
_only("with an output of one element", lambda case: max(_output(case)) == 1)
_only("where dilation exceeds the input", lambda case: _any(case, "dilation", "input_size", int.__ge__))
_only("depthwise", lambda case: case.groups == case.in_channels > 1)
_only(
    "depthwise with a multiplier",
    lambda case: case.groups == case.in_channels > 1 and case.out_channels > case.groups,
)
_only("with eight groups or more", lambda case: case.groups >= 8)
_only("from sixteen channels on", lambda case: case.in_channels >= 16)
_only("where the channels are not a multiple of sixteen beyond it", lambda case: case.out_channels > 16 and
      case.out_channels % 16 > 0)  # fmt: skip
_only("from 512 positions on", lambda case: max(case.input_size) >= 512, (1,))
_only("with a stride above eight", lambda case: max(case.stride) > 8)
_only("with a dilation above eight", lambda case: max(case.dilation) > 8)
_only("with groups, dilation and a stride together", lambda case: case.groups > 1 and max(case.dilation) > 1
      and max(case.stride) > 1)  # fmt: skip
_only("in channels_last with groups and a bias", lambda case: case.layout == "channels_last" and case.groups > 1
      and case.bias)  # fmt: skip


@after(
    "wrong only where no tap reaches any output",
    diagnosed_as="offset",
    shown_by="i1x1x1 k1x1x1 s1x1x1 d1x1x1 p1.m2x1.m2x1.m2 opauto",
)
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs and not work.taps().any():
        outputs["y"] = outputs["y"] + 1


@after("batch of zero gives one item", diagnosed_as="empty_filled", shown_by="n0")
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs and work.case.batch == 0:
        outputs["y"] = np.zeros((1, *outputs["y"].shape[1:]))


@after(
    "empty output gives one position",
    diagnosed_as="empty_filled",
    shown_by="i1x1x1 k2x2x2 s1x1x1 d1x1x1 p1x1x1 opauto",
)
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs and min(work.size) == 0:
        outputs["y"] = np.zeros((*outputs["y"].shape[:2], *(max(size, 1) for size in work.size)))
