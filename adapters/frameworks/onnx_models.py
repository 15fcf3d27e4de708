"""ONNX: per case one model with one ``ConvTranspose`` node, and the runtimes that take it.

A variant defines how the model is run; the model is shared, and can be saved.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from conformance.adapters.base import Adapter, Declined, Limit, Program, call
from conformance.adapters.facts import calls_with
from conformance.adapters.frameworks.common_limits import no_complex, no_dtype, no_gradient, no_periodic
from conformance.adapters.frameworks.padding import geometry
from conformance.adapters.frameworks.refusals import onnx_runtime_kernels
from conformance.cases.case import Case

__all__ = ["OPENVINO_CPU", "OnnxAdapter", "OnnxRuntime", "model_lines", "padding_attributes"]

_OPERATOR = "https://onnx.ai/onnx/operators/onnx__ConvTranspose.html"
_KERNELS = "https://github.com/microsoft/onnxruntime/blob/v1.31.1/docs/OperatorKernels.md"
_LEVELS = "https://onnxruntime.ai/docs/performance/model-optimizations/graph-optimizations.html"
_REFERENCE = "https://onnx.ai/onnx/api/reference.html"
OPENVINO_CPU = (
    "https://docs.openvino.ai/2026/openvino-workflow/running-inference/inference-devices-and-modes/cpu-device.html"
)
_OPENVINO_TYPES = (
    "https://github.com/openvinotoolkit/openvino/blob/master/src/bindings/python/src/pyopenvino/core/common.cpp"
)
_TYPES = {"f64": "DOUBLE", "f32": "FLOAT", "f16": "FLOAT16", "bf16": "BFLOAT16"}
# Version of the operator set, and the IR version of its time. ConvTranspose is unchanged since 11 except for
# bfloat16, which 22 added. Releases older than a set refuse it, so that cases use one that many releases support.
_OPSETS = {"bf16": (22, 10)}
_OPSET = (17, 8)

Attributes = list[tuple[str, Any]]


def _large_output_padding(case: Case) -> bool:
    return case.output_padding is not None and any(
        o >= max(s, d) for o, s, d in zip(case.output_padding, case.stride, case.dilation, strict=True)
    )


def _has_negative_pads(case: Case) -> bool:
    return not isinstance(case.padding, str) and min(min(pair) for pair in case.padding) < 0


def _output_shape(case: Case) -> tuple[int, ...] | None:
    """The attribute output_shape that places the output there, without auto_pad.

    What is cut is halved, and the odd position is cut at the start. What is added comes at the end.
    """
    found = geometry(case)
    if found is None or case.output_padding is not None:
        return None
    ends = zip(found.crop, (low + high for low, high in found.crop), strict=True)
    fits = all(low == (max(total, 0) + 1) // 2 for (low, _), total in ends)
    return found.output_size if fits else None


_LIMITS = (
    no_periodic(_OPERATOR),
    no_gradient(_OPERATOR),
    no_complex(_OPERATOR),
    Limit(
        "unsupported",
        "output_padding",
        _large_output_padding,
        "each element in output_padding must be less than the corresponding stride or dilation",
        _OPERATOR,
    ),
    Limit(
        "unsupported",
        "padding",
        lambda case: _has_negative_pads(case) and _output_shape(case) is None,
        "pads should be greater than or equal to 0",
        _OPERATOR,
    ),
)


_IMPORTS = "from onnx import TensorProto, helper, numpy_helper"


class OnnxAdapter(Adapter):
    """What the adapters share: the model, which is channels_first."""

    documentation = _OPERATOR
    extra = "onnx"
    mixed_dtypes = True
    limits: ClassVar[tuple[Limit, ...]] = _LIMITS
    imports: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        super().__init__()
        importlib.import_module("onnx")

    def attributes(self, case: Case) -> Attributes:
        """The attributes that determine the output's start and size; raises Declined where none express it."""
        return padding_attributes(case)

    def run_lines(self, case: Case) -> list[str]:
        """The lines from ``model`` and ``x`` to ``y``."""
        raise NotImplementedError

    def program(self, case: Case) -> Program:
        """Write the lines that build the model and run it."""
        body = self._model_lines(case)
        if case.layout == "channels_last":
            body.append("x = np.ascontiguousarray(np.moveaxis(x, -1, 1))")
        body += self.run_lines(case)
        if case.layout == "channels_last":
            body.append(
                "shape = (shape[0], *shape[2:], shape[1])" if self.shape_only else "y = np.moveaxis(y, 1, -1)"
            )
        return Program((_IMPORTS, *self.imports), tuple(body))

    def save_model(self, case: Case, tensors: Mapping[str, np.ndarray]) -> tuple[str, bytes]:
        """The model with its weights, as a file."""
        namespace = dict(self._setup((_IMPORTS,)))
        namespace.update(tensors)
        exec("\n".join(self._model_lines(case)), namespace)
        return ".onnx", namespace["model"].SerializeToString()

    def _model_lines(self, case: Case) -> list[str]:
        return model_lines(case, self.attributes(case))


def model_lines(case: Case, attributes: Attributes) -> list[str]:
    """The lines from the weights of a case to ``model``, whose one node has these attributes."""
    inputs = ["x", "w", "bias"][: 2 + case.bias]
    node = call(
        "helper.make_node",
        [
            ("", "'ConvTranspose'"),
            ("", inputs),
            ("", ["y"]),
            ("kernel_shape", case.kernel_size),
            ("strides", case.stride),
            ("dilations", case.dilation),
            ("group", case.groups),
            *attributes,
        ],
    )
    kinds = {name: f"TensorProto.{_TYPES[case.format_of(name).name]}" for name in (*inputs, "y")}
    uses_bfloat16 = [name for name in inputs if case.format_of(name).name == "bf16"]
    opset, ir_version = _OPSETS["bf16"] if uses_bfloat16 else _OPSET
    shape = [case.batch, case.in_channels, *case.input_size]
    weights = ", ".join(f'numpy_helper.from_array({name}, "{name}")' for name in inputs[1:])
    # A dtype that NumPy does not have, bfloat16, comes from ONNX.
    cast = [f"{name} = {name}.astype(helper.tensor_dtype_to_np_dtype({kinds[name]}))" for name in uses_bfloat16]
    return [
        *cast,
        f"node = {node}",
        f'inputs = [helper.make_tensor_value_info("x", {kinds["x"]}, {shape})]',
        f'outputs = [helper.make_tensor_value_info("y", {kinds["y"]}, {[None] * (case.rank + 2)})]',
        f"weights = [{weights}]",
        'graph = helper.make_graph([node], "conv_transpose", inputs, outputs, weights)',
        f'model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", {opset})], '
        f"ir_version={ir_version})",
    ]


def padding_attributes(case: Case) -> Attributes:
    """Attributes auto_pad, pads and output_padding for a case.

    SAME_UPPER without output_padding is ``same`` too (R13 and R6 agree). Elsewhere pads crop both ends as they
    state and output_padding gives back at the end: lo = pads at the start, hi = pads at the end - output_padding.
    """
    given: Attributes = [] if case.output_padding is None else [("output_padding", case.output_padding)]
    if case.given_output_size is not None:
        split: Attributes = [("auto_pad", "'SAME_UPPER'")] if case.padding == "shape_upper" else []
        return [*split, ("output_shape", case.given_output_size), *given]
    if case.padding in ("same_upper", "same_lower"):
        return [("auto_pad", repr(str(case.padding).upper())), *given]
    if case.padding == "same" and case.output_padding is None:
        return [("auto_pad", "'SAME_UPPER'")]
    if _has_negative_pads(case) and (size := _output_shape(case)) is not None:
        return [("output_shape", size)]
    if not isinstance(case.padding, str):
        return [("pads", (*(low for low, _ in case.padding), *(high for _, high in case.padding))), *given]
    solved = geometry(case)
    if solved is None:
        return [("auto_pad", "'VALID'"), *given]
    if not any(low or high for low, high in solved.crop):
        return [("auto_pad", "'VALID'")]
    output_padding = tuple(max(-high, 0) for _, high in solved.crop)
    if any(low < 0 for low, _ in solved.crop) or any(
        o >= max(s, d) for o, s, d in zip(output_padding, case.stride, case.dilation, strict=True)
    ):
        raise Declined("inexpressible", "pads and output_padding cannot express this output", _OPERATOR)
    pads = (*(low for low, _ in solved.crop), *(max(high, 0) for _, high in solved.crop))
    return [("pads", pads), ("output_padding", output_padding)]


class OnnxRuntime(OnnxAdapter):
    """ONNX Runtime on the CPU."""

    name = "onnxruntime"
    packages = ("onnxruntime", "onnx")
    facts = (calls_with(1),)
    limits = (*_LIMITS, no_dtype(_KERNELS, "f64", "f16", "bf16"))
    refusals = onnx_runtime_kernels(_KERNELS)
    imports: ClassVar[tuple[str, ...]] = ("import onnxruntime as ort",)
    level: ClassVar[str] = ""

    def run_lines(self, case: Case) -> list[str]:
        """One session, one thread."""
        level = f"options.graph_optimization_level = ort.GraphOptimizationLevel.{self.level}"
        return [
            "options = ort.SessionOptions()",
            "options.intra_op_num_threads, options.log_severity_level = 1, 3",
            *([level] if self.level else []),
            'session = ort.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])',
            'y = session.run(None, {"x": x})[0]',
        ]


class OnnxRuntimeOutputShape(OnnxRuntime):
    """ONNX Runtime with the attribute output_shape, from which it computes the pads.

    total = F + output_padding - O is split according to auto_pad: SAME_UPPER puts the odd one at the end, every
    other value at the start.
    """

    name = "onnxruntime-output-shape"

    def attributes(self, case: Case) -> Attributes:
        """The size, and the value of auto_pad whose split starts the output where the rules do."""
        solved = geometry(case)
        if solved is None or case.given_output_size is not None:
            return padding_attributes(case)
        for auto_pad, extra in (("NOTSET", 1), ("SAME_UPPER", 0)):
            totals = [low + high for low, high in solved.crop]
            if all(t >= 0 and low == (t + extra) // 2 for (low, _), t in zip(solved.crop, totals, strict=True)):
                return [("auto_pad", repr(auto_pad)), ("output_shape", solved.output_size)]
        raise Declined("inexpressible", "no split of the pads starts the output there", _OPERATOR)


class OnnxRuntimeDisableAll(OnnxRuntime):
    """No graph optimisation; the default is all of them."""

    name = "onnxruntime-no-optimization"
    documentation = _LEVELS
    level = "ORT_DISABLE_ALL"


class OnnxRuntimeBasic(OnnxRuntime):
    """Optimisations that keep the graph's operators."""

    name = "onnxruntime-basic"
    documentation = _LEVELS
    level = "ORT_ENABLE_BASIC"


class OnnxRuntimeExtended(OnnxRuntime):
    """Fusions too, without the changes of layout."""

    name = "onnxruntime-extended"
    documentation = _LEVELS
    level = "ORT_ENABLE_EXTENDED"


class OnnxRuntimeStrided(OnnxRuntime):
    """The input is a read-only view of a larger array: backwards, every other element, NaN between them."""

    name = "onnxruntime-strided"
    imports = (
        *OnnxRuntime.imports,
        "",
        "def strided(a):\n"
        "    room = np.full([2 * n + 1 for n in reversed(a.shape)], np.nan, a.dtype)\n"
        "    view = room.T[tuple(slice(2 * n, 0, -2) for n in a.shape)]\n"
        "    view[...] = a\n"
        "    view.flags.writeable = False\n"
        "    return view",
        "",
    )

    def run_lines(self, case: Case) -> list[str]:
        """The lines of the runtime, with that view."""
        return ["x = strided(x)", *super().run_lines(case)]


class OnnxReference(OnnxAdapter):
    """The reference evaluator of the onnx package."""

    name = "onnx-reference"
    packages = ("onnx",)
    documentation = _REFERENCE
    # It computes with NumPy in the dtype of the tensors, product by product.
    promises: ClassVar[Mapping[str, str]] = {**Adapter.promises, "f16": "storage-acc", "bf16": "storage-acc"}
    imports = ("from onnx.reference import ReferenceEvaluator",)

    def run_lines(self, case: Case) -> list[str]:
        """Evaluate the model."""
        return ['y = ReferenceEvaluator(model).run(None, {"x": x})[0]']


class OnnxInferShapes(OnnxAdapter):
    """``onnx.shape_inference.infer_shapes``: the output shape that ONNX infers."""

    name = "onnx-infer-shapes"
    packages = ("onnx",)
    documentation = "https://onnx.ai/onnx/api/shape_inference.html"
    imports = ("import onnx.shape_inference",)
    shape_only = True

    def run_lines(self, case: Case) -> list[str]:
        """Infer, strictly."""
        return [
            "inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)",
            "shape = tuple(axis.dim_value for axis in inferred.graph.output[0].type.tensor_type.shape.dim)",
        ]


class Openvino(OnnxAdapter):
    """OpenVINO on the CPU, reading the ONNX model, at the precision of the case."""

    name = "openvino"
    packages = ("openvino", "onnx")
    facts = (calls_with(1),)
    extra = "openvino"
    limits = (
        *_LIMITS,
        no_dtype(OPENVINO_CPU, "f64"),
        Limit(
            "inexpressible",
            "dtype",
            lambda case: case.dtype == "bf16",
            "its Python interface hands bfloat16 to NumPy as float16",
            _OPENVINO_TYPES,
        ),
    )
    imports = ("import io", "import openvino as ov")

    def run_lines(self, case: Case) -> list[str]:
        """Compile the model and infer, one thread."""
        return [
            "core = ov.Core()",
            "network = core.read_model(io.BytesIO(model.SerializeToString()))",
            'settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}',
            'y = core.compile_model(network, "CPU", settings)(x)[0]',
        ]
