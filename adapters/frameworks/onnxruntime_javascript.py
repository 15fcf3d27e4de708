"""ONNX Runtime's packages for JavaScript, in Node: the native library, and the one in WebAssembly.

The program writes the bytes of the model itself, so that it needs no package but the runtime.
"""

from __future__ import annotations

from typing import ClassVar

from conformance.adapters.base import Program
from conformance.adapters.frameworks.onnx_models import OnnxRuntime, padding_attributes
from conformance.adapters.node.adapter import NodeAdapter, javascript
from conformance.cases.case import Case

__all__ = ["OnnxRuntimeNode", "OnnxRuntimeWeb"]

_API = "https://onnxruntime.ai/docs/api/js/index.html"
# A message of protocol buffers is a list of fields, each with its number.
_WRITER = r"""
// The numbers of fields and types are those of https://github.com/onnx/onnx/blob/v1.19.0/onnx/onnx.proto
const varint = (value) => {
  const bytes = [];
  for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
    if (rest < 128n) return Buffer.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 127n) | 128);
  }
};
const message = (...fields) =>
  Buffer.concat(
    fields.flatMap(([number, value]) => {
      if (typeof value === "number") return [varint(number * 8), varint(value)];
      const bytes = Buffer.from(value);
      return [varint(number * 8 + 2), varint(bytes.length), bytes];
    }),
  );
const FLOAT = 1;
const attribute = (name, value) => {
  if (Array.isArray(value)) return message([1, name], [20, 7], ...value.map((entry) => [8, entry]));
  if (typeof value === "number") return message([1, name], [20, 2], [3, value]);
  return message([1, name], [20, 3], [4, value]);
};
const axes = (shape) => message(...shape.map((size) => [1, size === null ? "" : message([1, size])]));
const valueInfo = (name, shape) => message([1, name], [2, message([1, message([1, FLOAT], [2, axes(shape)])])]);
const initializer = (name, { data, shape }) =>
  message(...shape.map((size) => [1, size]), [2, FLOAT], [8, name], [9, Buffer.from(data.buffer)]);
""".strip().split("\n")
_OPSET, _IR_VERSION = 17, 8


class OnnxRuntimeNode(NodeAdapter):
    """``onnxruntime-node``: ONNX Runtime on the CPU, one thread."""

    name = "onnxruntime-node"
    packages = ("npm:onnxruntime-node",)
    documentation = _API
    limits = OnnxRuntime.limits
    refusals = OnnxRuntime.refusals
    loading: ClassVar[tuple[str, ...]] = ('const ort = require("onnxruntime-node");',)
    options: ClassVar[str] = "{ intraOpNumThreads: 1, logSeverityLevel: 3 }"

    def program(self, case: Case) -> Program:
        """Write the lines that build the model and run it."""
        moved = case.layout == "channels_last"
        body = _model_lines(case)
        if moved:
            body += [*_moved("x", "first", (0, case.rank + 1, *range(1, case.rank + 1)))]
        given = "first" if moved else "x"
        body += [
            f"const session = await ort.InferenceSession.create(model, {self.options});",
            f'const inputs = {{ x: new ort.Tensor("float32", {given}.data, {given}.shape) }};',
            "const { y: output } = await session.run(inputs);",
            f"const {'result' if moved else 'y'} = {{ data: output.data, shape: output.dims }};",
            "await session.release();",
        ]
        if moved:
            body += [*_moved("result", "y", (0, *range(2, case.rank + 2), 1))]
        return Program((*self.loading, *(_MOVER if moved else ()), *_WRITER), tuple(body))

    def model_program(self, case: Case) -> tuple[str, Program]:
        """The model with its weights."""
        lines = _model_lines(case, into="bytes")
        lines.append("const model = { data: new Uint8Array(bytes), shape: [bytes.length] };")
        return ".onnx", Program(tuple(_WRITER), tuple(lines))


_MOVER = """
const permuted = ({ data, shape }, order) => {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  let places = [0];
  for (const axis of order) {
    places = places.flatMap((place) => Array.from({ length: shape[axis] }, (_, at) => place + at * strides[axis]));
  }
  return { data: Float32Array.from(places, (place) => data[place]), shape: order.map((axis) => shape[axis]) };
};
""".strip().split("\n")


def _moved(name: str, into: str, order: tuple[int, ...]) -> list[str]:
    return [f"const {into} = permuted({name}, {javascript(order)});"]


def _model_lines(case: Case, *, into: str = "model") -> list[str]:
    inputs = ["x", "w", "bias"][: 2 + case.bias]
    attributes = [
        ("kernel_shape", javascript(case.kernel_size)),
        ("strides", javascript(case.stride)),
        ("dilations", javascript(case.dilation)),
        ("group", javascript(case.groups)),
        *(
            (name, javascript(value) if isinstance(value, tuple) else value)
            for name, value in padding_attributes(case)
        ),
    ]
    shape = javascript((case.batch, case.in_channels, *case.input_size))
    unknown = f"[{', '.join(['null'] * (case.rank + 2))}]"
    return [
        "const node = message(",
        "  " + "".join(f'[1, "{name}"], ' for name in inputs) + '[2, "y"], [4, "ConvTranspose"],',
        *(f'  [5, attribute("{name}", {value})],' for name, value in attributes),
        ");",
        "const graph = message(",
        '  [1, node], [2, "conv_transpose"],',
        *(f'  [5, initializer("{name}", {name})],' for name in inputs[1:]),
        f'  [11, valueInfo("x", {shape})], [12, valueInfo("y", {unknown})],',
        ");",
        f'const {into} = message([1, {_IR_VERSION}], [8, message([1, ""], [2, {_OPSET}])], [7, graph]);',
    ]


class OnnxRuntimeWeb(OnnxRuntimeNode):
    """``onnxruntime-web``: ONNX Runtime in WebAssembly, one thread."""

    name = "onnxruntime-web"
    packages = ("npm:onnxruntime-web",)
    loading = ('const ort = require("onnxruntime-web");', "ort.env.wasm.numThreads = 1;")
    options = '{ executionProviders: ["wasm"], logSeverityLevel: 3 }'
