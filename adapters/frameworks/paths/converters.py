"""The steps of paths: converters from a framework to a model file, and optimisers from one file to another."""

from __future__ import annotations

from conformance.adapters.base import call
from conformance.adapters.frameworks.paths.parts import Step
from conformance.cases.case import Case

__all__ = [
    "KERAS_LITERT",
    "KERAS_ONNX",
    "KERAS_OPENVINO",
    "KERAS_SAVED_MODEL",
    "KERAS_TORCH_ONNX",
    "ONNXOPTIMIZER",
    "ONNXRUNTIME_OFFLINE",
    "ONNXSIM",
    "ONNXSLIM",
    "OPENVINO_EXPORTED",
    "OPENVINO_TRACED",
    "PNNX",
    "TF2ONNX",
    "TFLITE",
    "TORCH_EXPORT",
    "TORCH_ONNX",
    "TORCH_ONNX_DYNAMIC",
    "TORCH_SCRIPT_ONNX",
    "TORCH_SCRIPT_ONNX_DYNAMIC",
]

_TORCH_ONNX = "https://docs.pytorch.org/docs/stable/onnx_export.html"
_TORCH_SCRIPT = "https://docs.pytorch.org/docs/stable/onnx.html"
_OPENVINO = "https://docs.openvino.ai/2026/openvino-workflow/model-preparation/convert-model-pytorch.html"
_KERAS_EXPORT = "https://keras.io/api/models/model_saving_apis/export/"


def _axes(case: Case) -> dict[int, str]:
    """The axes of the input that may change: the batch and the spatial ones."""
    return {0: "batch", **{axis: f"size{axis}" for axis in range(2, case.rank + 2)}}


def _torch_onnx(case: Case, source: str, target: str) -> list[str]:
    return [_exporter(target, [("dynamo", True)])]


def _torch_onnx_dynamic(case: Case, source: str, target: str) -> list[str]:
    axes = ", ".join(f"{axis}: torch.export.Dim.DYNAMIC" for axis in _axes(case))
    return [_exporter(target, [("dynamo", True), ("dynamic_shapes", f"({{{axes}}},)")])]


def _torch_script(case: Case, source: str, target: str) -> list[str]:
    return [_exporter(target, [("dynamo", False)])]


def _torch_script_dynamic(case: Case, source: str, target: str) -> list[str]:
    return [_exporter(target, [("dynamo", False), ("dynamic_axes", {"x": _axes(case)})])]


def _exporter(target: str, more: list[tuple[str, object]]) -> str:
    names = [("input_names", ["x"]), ("output_names", ["y"])]
    return call("torch.onnx.export", [("", "layer"), ("", "(torch.from_numpy(x),)"), ("", target), *names, *more])


_SCRIPT_PACKAGES = ("torch", "onnx")
_DYNAMO_PACKAGES = ("torch", "onnxscript", "onnx")

TORCH_ONNX = Step(
    name="torch.onnx",
    packages=_DYNAMO_PACKAGES,
    documentation=_TORCH_ONNX,
    imports=("import torch",),
    suffix=".onnx",
    lines=_torch_onnx,
)
TORCH_ONNX_DYNAMIC = Step(
    name="torch.onnx",
    packages=_DYNAMO_PACKAGES,
    documentation=_TORCH_ONNX,
    imports=("import torch",),
    suffix=".onnx",
    lines=_torch_onnx_dynamic,
)
TORCH_SCRIPT_ONNX = Step(
    name="torch.onnx-script",
    packages=_SCRIPT_PACKAGES,
    documentation=_TORCH_SCRIPT,
    imports=("import torch",),
    suffix=".onnx",
    lines=_torch_script,
)
TORCH_SCRIPT_ONNX_DYNAMIC = Step(
    name="torch.onnx-script",
    packages=_SCRIPT_PACKAGES,
    documentation=_TORCH_SCRIPT,
    imports=("import torch",),
    suffix=".onnx",
    lines=_torch_script_dynamic,
)
OPENVINO_TRACED = Step(
    name="openvino.convert_model",
    packages=("openvino",),
    documentation=_OPENVINO,
    imports=("import openvino as ov",),
    suffix=".xml",
    lines=lambda case, source, target: [
        "converted = ov.convert_model(layer, example_input=torch.from_numpy(x), input=[x.shape])",
        f"ov.save_model(converted, {target}, compress_to_fp16=False)",
    ],
)
OPENVINO_EXPORTED = Step(
    name="openvino.convert_model",
    packages=("openvino",),
    documentation=_OPENVINO,
    imports=("import openvino as ov",),
    suffix=".xml",
    lines=lambda case, source, target: [
        f"converted = ov.convert_model(torch.export.load({source}))",
        f"ov.save_model(converted, {target}, compress_to_fp16=False)",
    ],
)
TORCH_EXPORT = Step(
    name="torch.export",
    packages=("torch",),
    documentation="https://docs.pytorch.org/docs/stable/export.html",
    imports=("import torch",),
    suffix=".pt2",
    lines=lambda case, source, target: [
        f"torch.export.save(torch.export.export(layer, (torch.from_numpy(x),)), {target})",
    ],
)


PNNX = Step(
    name="pnnx",
    packages=("pnnx", "torch"),
    documentation="https://github.com/pnnx/pnnx",
    imports=("import torch", "import pnnx"),
    suffix=".ncnn.param",
    # A net of ncnn takes one image; half precision of the weights is the default.
    lines=lambda case, source, target: [
        f'traced = {target}.replace(".ncnn.param", ".pt")',
        "pnnx.export(layer, traced, inputs=(torch.from_numpy(x[:1]),), fp16=False)",
    ],
)


def _keras(kind: str, suffix: str, *packages: str) -> Step:
    """``model.export`` of Keras in one of its formats."""
    return Step(
        name="keras.export",
        packages=("keras", *packages),
        documentation=_KERAS_EXPORT,
        imports=("import keras",),
        suffix=suffix,
        lines=lambda case, source, target: [f'model.export({target}, format="{kind}", verbose=False)'],
    )


KERAS_ONNX = _keras("onnx", ".onnx", "tf2onnx", "onnx")
KERAS_TORCH_ONNX = _keras("onnx", ".onnx", "onnxscript", "onnx")
KERAS_OPENVINO = _keras("openvino", ".xml", "openvino")
KERAS_LITERT = _keras("litert", ".tflite")
KERAS_SAVED_MODEL = _keras("tf_saved_model", "")

TFLITE = Step(
    name="TFLiteConverter",
    packages=("tensorflow",),
    documentation="https://www.tensorflow.org/api_docs/python/tf/lite/TFLiteConverter",
    imports=("import pathlib", "import tensorflow as tf"),
    suffix=".tflite",
    lines=lambda case, source, target: [
        f"converter = {_tflite_source(source)}",
        f"pathlib.Path({target}).write_bytes(converter.convert())",
    ],
)


def _tflite_source(source: str) -> str:
    if source:
        return f"tf.lite.TFLiteConverter.from_saved_model({source})"
    return "tf.lite.TFLiteConverter.from_concrete_functions([concrete], forward)"


TF2ONNX = Step(
    name="tf2onnx",
    packages=("tf2onnx", "onnx"),
    documentation="https://github.com/onnx/tensorflow-onnx",
    imports=("import tf2onnx", "import tensorflow as tf"),
    suffix=".onnx",
    lines=lambda case, source, target: [
        f"specification = tf.TensorSpec({case.input_shape}, tf.float32)",
        f"tf2onnx.convert.from_function(forward, input_signature=[specification], output_path={target})",
    ],
)


def _proto(source: str) -> str:
    """A model of ONNX as an object: what the step before wrote, or what the source has."""
    return f"onnx.load({source})" if source else "model"


ONNXSLIM = Step(
    name="onnxslim",
    packages=("onnxslim", "onnx"),
    documentation="https://github.com/inisis/OnnxSlim",
    imports=("import onnx", "import onnxslim"),
    suffix=".onnx",
    lines=lambda case, source, target: [f"onnx.save(onnxslim.slim({_proto(source)}), {target})"],
)
ONNXSIM = Step(
    name="onnxsim",
    packages=("onnxsim", "onnx"),
    documentation="https://github.com/onnxsim/onnxsim",
    imports=("import onnx", "import onnxsim"),
    suffix=".onnx",
    lines=lambda case, source, target: [f"onnx.save(onnxsim.simplify({_proto(source)})[0], {target})"],
)
ONNXOPTIMIZER = Step(
    name="onnxoptimizer",
    packages=("onnxoptimizer", "onnx"),
    documentation="https://github.com/onnx/optimizer",
    imports=("import onnx", "import onnxoptimizer"),
    suffix=".onnx",
    lines=lambda case, source, target: [
        "passes = onnxoptimizer.get_fuse_and_elimination_passes()",
        f"onnx.save(onnxoptimizer.optimize({_proto(source)}, passes), {target})",
    ],
)
ONNXRUNTIME_OFFLINE = Step(
    name="onnxruntime-offline",
    packages=("onnxruntime", "onnx"),
    documentation="https://onnxruntime.ai/docs/performance/model-optimizations/graph-optimizations.html",
    imports=("import onnx", "import onnxruntime as ort"),
    suffix=".onnx",
    lines=lambda case, source, target: [
        "offline = ort.SessionOptions()",
        f"offline.optimized_model_filepath, offline.log_severity_level = {target}, 3",
        "offline.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED",
        f'ort.InferenceSession({_proto(source)}.SerializeToString(), offline, ["CPUExecutionProvider"])',
    ],
)
