"""TensorFlow.js in Node: ``tf.conv2dTranspose`` and ``tf.conv3dTranspose`` by backend, and its layers."""

from __future__ import annotations

from typing import ClassVar

from conformance.adapters.base import Declined, Limit, Program
from conformance.adapters.frameworks.common_limits import (
    no_complex,
    no_crop_for_invalid_cases,
    no_crop_outside,
    no_dtype,
    no_gradient,
    no_groups,
    no_output_padding_for_invalid_cases,
    no_periodic,
)
from conformance.adapters.frameworks.padding import geometry, named, tensorflow_padding, valid_sizes
from conformance.adapters.node.adapter import NodeAdapter, javascript
from conformance.cases.case import Case

__all__ = ["TfjsCpu", "TfjsLayersCpu", "TfjsWasm"]

_TREE = "https://github.com/tensorflow/tfjs/blob/tfjs-v4.22.0"
_OPERATION = "https://js.tensorflow.org/api/4.22.0/#conv2dTranspose"
_LAYERS = "https://js.tensorflow.org/api/4.22.0/#layers.conv2dTranspose"
_TENSOR = "https://js.tensorflow.org/api/4.22.0/#tensor"
_GRADIENTS = f"{_TREE}/tfjs-core/src/register_all_gradients.ts"
_WASM_KERNELS = f"{_TREE}/tfjs-backend-wasm/src/register_all_kernels.ts"


def _limits(source: str) -> tuple[Limit, ...]:
    return (
        no_groups(source),
        no_periodic(source),
        no_complex(_TENSOR),
        no_dtype(_TENSOR, "f64", "f16", "bf16"),
        Limit("inexpressible", "rank", lambda case: case.rank == 1, "it has two or three spatial axes", source),
        Limit(
            "inexpressible",
            "dilation",
            lambda case: set(case.dilation) != {1},
            "the interface has no parameter for dilation",
            source,
        ),
        no_output_padding_for_invalid_cases(source),
        no_crop_outside(source),
    )


class TfjsCpu(NodeAdapter):
    """``tf.conv2dTranspose`` and ``tf.conv3dTranspose`` on the backend in plain JavaScript."""

    name = "tfjs-cpu"
    packages: ClassVar[tuple[str, ...]] = ("npm:@tensorflow/tfjs",)
    documentation = _OPERATION
    limits: ClassVar[tuple[Limit, ...]] = (
        *_limits(_OPERATION),
        Limit(
            "unsupported",
            "direction",
            lambda case: case.rank == 3 and case.direction != "fwd",
            "no gradient is registered for Conv3DBackpropInputV2",
            _GRADIENTS,
        ),
    )
    setup: ClassVar[tuple[str, ...]] = (
        'const tf = require("@tensorflow/tfjs");',
        'await tf.setBackend("cpu");',
    )
    channels_last: ClassVar[bool] = True

    def convolution(self, case: Case) -> tuple[list[str], str]:
        """The lines before the call, and the call."""
        sizes, padding, slices = _placement(case)
        shape = javascript((case.batch, *sizes, case.out_channels))
        arguments = f"input, kernel, {shape}, {javascript(case.stride)}, {padding}"
        return [], f"tf.conv{case.rank}dTranspose({arguments}){slices}" + (".add(offset)" if case.bias else "")

    def program(self, case: Case) -> Program:
        """Write the call in a function that frees what it has allocated."""
        rank = case.rank
        axes = tuple(range(2, rank + 2))

        def permuted(text: str, order: tuple[int, ...]) -> str:
            return f"{text}.transpose({javascript(order)})"

        def moved(text: str, order: tuple[int, ...]) -> str:
            if not self.channels_last or case.layout == "channels_last":
                return text
            if case.batch:
                return permuted(text, order)
            # Transposing an empty tensor divides by zero in WebAssembly, which is not what a case is about.
            reshaped = f"t.reshape({javascript(order)}.map((axis) => t.shape[axis]))"
            return f"tf.tidy(() => {{ const t = {text}; return {reshaped}; }})"

        def to_last(text: str) -> str:
            return moved(text, (0, *axes, 1))

        def to_first(text: str) -> str:
            return moved(text, (0, rank + 1, *range(1, rank + 1)))

        kernel = permuted("tf.tensor(w.data, w.shape)", (*axes, 1, 0))
        before, call = self.convolution(case)
        lines = [
            f"const input = {to_last('tf.tensor(x.data, x.shape)')};",
            f"const kernel = {kernel}; // [...k, out, in]",
            *["const offset = tf.tensor(bias.data, bias.shape);"] * case.bias,
            *before,
        ]
        read = "{ data: output.dataSync(), shape: output.shape }"
        if case.direction == "fwd":
            body = ["const output = tf.tidy(() => {", *(f"  {line}" for line in lines)]
            body += [f"  return {to_first(call)};", "});", f"const y = {read};", "output.dispose();"]
            return Program(self.setup, tuple(body))
        names = "input, kernel, offset" if case.bias else "input, kernel"
        pulled = [to_first("gradients[0]"), permuted("gradients[1]", (rank + 1, rank, *range(rank)))]
        pulled += ["gradients[2]"] * case.bias
        body = [
            "const outputs = tf.tidy(() => {",
            *(f"  {line}" for line in lines),
            f"  const forward = ({names}) => {call};",
            f"  const along = {to_last('tf.tensor(dy.data, dy.shape)')};",
            f"  const gradients = tf.grads(forward)([{names}], along);",
            f"  return [{', '.join(pulled)}];",
            "});",
            f"const [{', '.join(case.outputs)}] = outputs.map((output) => ({read}));",
            "tf.dispose(outputs);",
        ]
        return Program(self.setup, tuple(body))


def _placement(case: Case) -> tuple[tuple[int, ...], str, str]:
    """The sizes in the output shape, the argument pad, and the slice that cuts what pad cannot.

    In two dimensions explicit pads cut the start as they say. Three have ``same`` and ``valid`` only.
    """
    solved = geometry(case)
    if solved is None:
        return _invalid_placement(case)
    if case.padding in ("same", "valid") and case.output_padding is None:
        return solved.output_size, javascript(case.padding), ""
    keyword = tensorflow_padding(solved)
    if keyword is not None and (named(case) or case.rank == 3):
        return solved.output_size, javascript(keyword.lower()), ""
    if case.rank == 2:
        if any(-high >= stride for (_, high), stride in zip(solved.crop, case.stride, strict=True)):
            raise Declined("inexpressible", "the output shape fits no convolution of it back to x", _OPERATION)
        ends = [(low, max(high, 0)) for low, high in solved.crop]
        return solved.output_size, javascript(((0, 0), *ends, (0, 0))), ""
    sizes = valid_sizes(solved)
    if sizes is None:
        raise Declined("inexpressible", "neither same nor valid reaches that far", _OPERATION)
    start = (0, *(low for low, _ in solved.crop), 0)
    shape = (case.batch, *solved.output_size, case.out_channels)
    return sizes, '"valid"', f".slice({javascript(start)}, {javascript(shape)})"


def _invalid_placement(case: Case) -> tuple[tuple[int, ...], str, str]:
    """The arguments of an invalid case, as a user's formula for the output shape gives them."""
    if isinstance(case.padding, str) or case.rank == 3:
        return case.input_size, '"same"', ""
    axes = zip(case.input_size, case.kernel_size, case.stride, case.padding, strict=True)
    sizes = tuple((i - 1) * s + k - low - high for i, k, s, (low, high) in axes)
    return sizes, javascript(((0, 0), *case.padding, (0, 0))), ""


class TfjsWasm(TfjsCpu):
    """The same on the backend in WebAssembly, with SIMD and one thread."""

    name = "tfjs-wasm"
    packages = ("npm:@tensorflow/tfjs", "npm:@tensorflow/tfjs-backend-wasm")
    limits = (
        *TfjsCpu.limits,
        Limit(
            "unsupported",
            "direction",
            lambda case: case.direction != "fwd",
            "the backend has no kernel Conv2DBackpropFilter",
            _WASM_KERNELS,
        ),
    )
    setup = (
        'const tf = require("@tensorflow/tfjs");',
        'require("@tensorflow/tfjs-backend-wasm");',
        'await tf.setBackend("wasm");',
    )


class TfjsLayersCpu(TfjsCpu):
    """``tf.layers.conv2dTranspose`` and ``conv3dTranspose`` on the backend in plain JavaScript."""

    name = "tfjs-layers-cpu"
    documentation = _LAYERS
    limits = (*_limits(_LAYERS), no_crop_for_invalid_cases(_LAYERS), no_gradient(_LAYERS))
    channels_last = False

    def convolution(self, case: Case) -> tuple[list[str], str]:
        """The layer with its weights, and its call; crops are cut from the output of ``valid``."""
        keyword = case.padding if case.padding in ("same", "valid") and case.output_padding is None else None
        data_format = "channelsLast" if case.layout == "channels_last" else "channelsFirst"
        settings = {
            "filters": case.out_channels,
            "kernelSize": case.kernel_size,
            "strides": case.stride,
            "padding": keyword or "valid",
            "dataFormat": data_format,
            "useBias": case.bias,
        }
        arguments = ", ".join(f"{name}: {javascript(value)}" for name, value in settings.items())
        lines = [
            f"const layer = tf.layers.conv{case.rank}dTranspose({{ {arguments} }});",
            "layer.build(input.shape);",
            f"layer.setWeights([{'kernel, offset' if case.bias else 'kernel'}]);",
        ]
        solved = geometry(case)
        if keyword or solved is None:
            return lines, "layer.apply(input)"
        available = [a.input_size * a.stride + max(a.effective_kernel - a.stride, 0) for a in solved.axes]
        ends = [low + size for (low, _), size in zip(solved.crop, solved.output_size, strict=True)]
        if any(end > length for end, length in zip(ends, available, strict=True)):
            raise Declined("inexpressible", "valid does not reach that far", _LAYERS)
        start = case.shape(0, tuple(low for low, _ in solved.crop))
        first = (0, *start[1:])
        return lines, f"layer.apply(input).slice({javascript(first)}, {javascript(case.output_shape)})"
