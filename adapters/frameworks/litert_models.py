"""LiteRT (TensorFlow Lite): one model per case, converted from ``tf.nn.conv{2,3}d_transpose``."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from conformance.adapters.base import Adapter, Limit, Program, Tensor
from conformance.adapters.facts import calls_with
from conformance.adapters.frameworks.common_limits import no_crop_outside, no_dtype, no_gradient
from conformance.adapters.frameworks.tensorflow_nn import LIMITS, operation
from conformance.cases.case import Case

__all__ = [
    "LiteRT",
    "LiteRTReference",
    "LiteRTThreads",
    "LiteRTWithoutXnnpack",
    "TfLite",
    "TfLiteReference",
    "TfLiteThreads",
    "TfLiteWithoutXnnpack",
]

_OPERATORS = "https://ai.google.dev/edge/litert/conversion/tensorflow/op_compatibility"


class LiteRT(Adapter):
    """Operators TRANSPOSE_CONV and CONV_3D_TRANSPOSE, on the CPU with one thread."""

    name = "litert"
    packages: ClassVar[tuple[str, ...]] = ("ai-edge-litert", "tensorflow")
    extra = "litert"
    documentation = _OPERATORS
    environment: ClassVar[Mapping[str, str]] = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    limits: ClassVar[tuple[Limit, ...]] = (
        *LIMITS,
        no_crop_outside(_OPERATORS),
        no_gradient(_OPERATORS),
        no_dtype(_OPERATORS, "f64", "f16", "bf16"),
        Limit(
            "unsupported",
            "layout",
            lambda case: case.layout == "channels_first",
            "the operators take NHWC and NDHWC",
            _OPERATORS,
        ),
        Limit(
            "unsupported",
            "dilation",
            lambda case: max(case.dilation) > 1,
            "TRANSPOSE_CONV has no dilation",
            _OPERATORS,
        ),
    )

    facts = (calls_with(1),)
    # The lines that import Interpreter and OpResolverType, and the arguments of the interpreter beside the model.
    interpreter: ClassVar[tuple[str, ...]] = (
        "from ai_edge_litert.interpreter import Interpreter, OpResolverType",
    )
    arguments: ClassVar[str] = "num_threads=1"

    def __init__(self) -> None:
        super().__init__()
        importlib.import_module("tensorflow")
        if "ai-edge-litert" in self.packages:
            importlib.import_module("ai_edge_litert.interpreter")

    def export(self, value: Any) -> Tensor:
        """Outputs are NumPy arrays."""
        return Tensor.of(value)

    def program(self, case: Case) -> Program:
        """Write the lines that convert the model and run it."""
        body = [
            *self._model_lines(case),
            f"interpreter = Interpreter(model_content=model, {self.arguments})",
            "interpreter.allocate_tensors()",
            'interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)',
            "interpreter.invoke()",
            'y = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])',
        ]
        return Program(self._setup_lines(), tuple(body))

    def save_model(self, case: Case, tensors: Mapping[str, np.ndarray]) -> tuple[str, bytes]:
        """The model with its weights, as a file."""
        namespace = dict(self._setup(self._setup_lines()))
        namespace.update(tensors)
        exec("\n".join(self._model_lines(case)), namespace)
        return ".tflite", namespace["model"]

    def _setup_lines(self) -> tuple[str, ...]:
        variables = [f'os.environ["{name}"] = "{value}"' for name, value in self.environment.items()]
        return (
            "import os",
            *variables,
            "import tensorflow as tf",
            *self.interpreter,
        )

    def _model_lines(self, case: Case) -> list[str]:
        lines = [line for text in operation(case) for line in text.split("\n")]
        return [
            f"@tf.function(input_signature=[tf.TensorSpec({case.input_shape}, tf.float32)], autograph=False)",
            "def forward(x):",
            *(f"    {line}" for line in lines),
            "    return y",
            "",
            "concrete = forward.get_concrete_function()",
            "converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], forward)",
            "model = converter.convert()",
        ]


class LiteRTThreads(LiteRT):
    """Four threads."""

    name = "litert-threads"
    arguments = "num_threads=4"
    facts = (calls_with(4),)


class LiteRTWithoutXnnpack(LiteRT):
    """The built-in kernels, without XNNPACK, which takes operators over by default."""

    name = "litert-no-xnnpack"
    arguments = "num_threads=1, experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES"


class LiteRTReference(LiteRT):
    """The reference kernels."""

    name = "litert-reference"
    arguments = "num_threads=1, experimental_op_resolver_type=OpResolverType.BUILTIN_REF"


class TfLite(LiteRT):
    """TensorFlow's own ``tf.lite.Interpreter``, with one thread."""

    name = "tf-lite"
    packages = ("tensorflow",)
    extra = "tensorflow"
    documentation = "https://www.tensorflow.org/api_docs/python/tf/lite/Interpreter"
    interpreter = ("Interpreter, OpResolverType = tf.lite.Interpreter, tf.lite.experimental.OpResolverType",)


class TfLiteThreads(TfLite):
    """Four threads."""

    name = "tf-lite-threads"
    arguments = LiteRTThreads.arguments
    facts = LiteRTThreads.facts


class TfLiteWithoutXnnpack(TfLite):
    """The built-in kernels, without XNNPACK, which takes operators over by default."""

    name = "tf-lite-no-xnnpack"
    arguments = LiteRTWithoutXnnpack.arguments


class TfLiteReference(TfLite):
    """The reference kernels."""

    name = "tf-lite-reference"
    arguments = LiteRTReference.arguments
