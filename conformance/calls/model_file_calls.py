"""Layers of model files that are text: Caffe's ``Deconvolution`` and ncnn's, read by their own numbers."""

from __future__ import annotations

from typing import Any

from conformance.calls.form import CallContext, CallError, Meaning, form, number, per_axis


def _both(parameters: dict[str, Any], name: str, default: int) -> tuple[int, int]:
    """A size of Caffe: one number for both axes, one per axis, or ``_h`` and ``_w``."""
    names = {"kernel": "kernel_size"}.get(name, name)
    plain = parameters.get(names, default)
    values = per_axis(names, plain, 2)
    low = {"kernel_size": "kernel"}.get(names, names)
    return (
        number(f"{low}_h", parameters.get(f"{low}_h", values[0])),
        number(f"{low}_w", parameters.get(f"{low}_w", values[1])),
    )


@form("caffe.Deconvolution", importable=False, ranks=(2,))
def caffe(context: CallContext, bottom: Any, **parameters: Any) -> Meaning:
    context.take_input(bottom)
    outputs = number("num_output", parameters.get("num_output"))
    groups = number("group", parameters.get("group", 1))
    pads = _both(parameters, "pad", 0)
    if context.input_shape is None:
        context.notes.append("the text does not say the input channels")
    return context.meaning(
        layout="channels_first",
        in_channels=None,
        out_channels=outputs,
        kernel_size=_both(parameters, "kernel", 0),
        stride=_both(parameters, "stride", 1),
        padding=tuple((pad, pad) for pad in pads),
        dilation=_both(parameters, "dilation", 1),
        groups=groups,
        bias=parameters.get("bias_term", True) in (True, "true"),
    )


# The numbers of ncnn's parameters: https://github.com/Tencent/ncnn/blob/master/docs/developer-guide/operators.md
_OUTPUTS, _BIAS, _WEIGHTS, _GROUP = 0, 5, 6, 7
_KERNEL, _DILATION, _STRIDE = (11, 1), (12, 2), (13, 3)
_TOP, _BOTTOM, _LEFT, _RIGHT = 14, 16, 4, 15
_OUTPUT_PAD, _OUTPUT_SIZE = (19, 18), (21, 20)
_SAME_UPPER, _SAME_LOWER = -233, -234


def _ncnn(rank: int, kind: str) -> None:
    name = f"ncnn.{kind}" + ("1D" if rank == 1 else "")

    @form(name, ranks=(rank,), importable=False)
    def read(context: CallContext, values: Any) -> Meaning:
        def axes(places: tuple[int, int], default: int) -> tuple[int, ...]:
            width = values.get(places[1], default)
            return (width,) if rank == 1 else (values.get(places[0], width), width)

        outputs, groups = values.get(_OUTPUTS, 0), values.get(_GROUP, 1)
        kernel = axes(_KERNEL, 0)
        taps = 1
        for size in kernel:
            taps *= max(size, 1)
        per_input = taps * max(outputs, 1) // max(groups, 1)
        inputs = values.get(_WEIGHTS, 0) // max(per_input, 1)
        if not inputs:
            raise CallError(f"{name}: 6 (the number of weights) does not fit 0 (num_output) and the kernel")
        if any(axes(_OUTPUT_SIZE, 0)):
            raise CallError(f"{name}: 20 and 21 (the output's size) cannot be read")
        left = values.get(_LEFT, 0)
        named = {_SAME_UPPER: "same_upper", _SAME_LOWER: "same_lower"}.get(left)
        ends: tuple[tuple[int, int], ...] = ((left, values.get(_RIGHT, left)),)
        if rank == 2:
            top = values.get(_TOP, left)
            ends = ((top, values.get(_BOTTOM, top)), *ends)
        extra = axes(_OUTPUT_PAD, 0)
        return context.meaning(
            layout="channels_first",
            in_channels=inputs,
            out_channels=outputs,
            kernel_size=kernel,
            stride=axes(_STRIDE, 1),
            padding=named or ends,
            output_padding=extra if any(extra) else None,
            dilation=axes(_DILATION, 1),
            groups=groups,
            bias=bool(values.get(_BIAS, 0)),
            unbatched=True,
        )


for _kind in ("Deconvolution", "DeconvolutionDepthWise"):
    for _rank in (1, 2):
        _ncnn(_rank, _kind)
