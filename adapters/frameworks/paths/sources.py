"""Where paths start: one layer in its framework, with all that it takes as its parameters.

A crop that the layer cannot express would be a second operation, whose place in a converted model is not that of
the layer, so that such a case is inexpressible here.
"""

from __future__ import annotations

from dataclasses import replace

from conformance.adapters.base import Limit, call
from conformance.adapters.frameworks.common_limits import no_complex, no_dtype, no_gradient, no_periodic
from conformance.adapters.frameworks.keras_backends import BACKENDS, LAYERS, padding_keyword, to_keras
from conformance.adapters.frameworks.keras_layers import KerasLayers
from conformance.adapters.frameworks.onnx_models import OnnxAdapter, model_lines, padding_attributes
from conformance.adapters.frameworks.padding import (
    SymmetricPadding,
    geometry,
    symmetric_padding,
    tensorflow_padding,
)
from conformance.adapters.frameworks.paths.parts import Source
from conformance.adapters.frameworks.tensorflow_nn import LIMITS, TensorFlowNN, operation
from conformance.cases.case import Case

__all__ = ["KERAS_DYNAMIC", "KERAS_TENSORFLOW", "KERAS_TORCH", "ONNX_MODEL", "TENSORFLOW_FUNCTION", "TORCH_MODULE"]

_MODULE = "https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose2d.html"
_FUNCTION = "https://www.tensorflow.org/api_docs/python/tf/nn/conv2d_transpose"


def _only_single(source: str) -> tuple[Limit, ...]:
    """Converted models take float32 in, and have no gradients."""
    return no_complex(source), no_gradient(source), no_dtype(source, "f64", "f16", "bf16", status="inexpressible")


def _padding(case: Case) -> SymmetricPadding:
    """Only an output_padding that a case has itself may reach the stride, which ONNX Runtime refuses."""
    return symmetric_padding(case, below_stride=True)


def _needs_crop(source: str) -> Limit:
    def applies(case: Case) -> bool:
        if geometry(case) is None:
            return not isinstance(case.padding, str) and any(low != high for low, high in case.padding)
        return not _padding(case).is_complete

    reason = "padding and output_padding of the layer cannot express this crop"
    return Limit("inexpressible", "padding", applies, reason, source)


def _torch_layer(case: Case) -> Case:
    padding = _padding(case)
    pairs = tuple((size, size) for size in padding.padding)
    return replace(case, padding=pairs, output_padding=padding.output_padding)


def _torch_lines(case: Case) -> list[str]:
    layer = _torch_layer(case)
    constructor = call(
        f"torch.nn.ConvTranspose{case.rank}d",
        [
            ("", case.in_channels),
            ("", case.out_channels),
            ("", case.kernel_size),
            ("stride", case.stride),
            ("padding", _padding(case).padding),
            ("output_padding", layer.output_padding),
            ("groups", case.groups),
            ("bias", case.bias),
            ("dilation", case.dilation),
        ],
    )
    return [
        f"layer = {constructor}",
        "layer.weight = torch.nn.Parameter(torch.from_numpy(w))",
        *["layer.bias = torch.nn.Parameter(torch.from_numpy(bias))"] * case.bias,
        "layer.eval()",
    ]


TORCH_MODULE = Source(
    name="torch.nn",
    packages=("torch",),
    documentation=_MODULE,
    imports=("import torch",),
    limits=(no_periodic(_MODULE), *_only_single(_MODULE), _needs_crop(_MODULE)),
    lines=_torch_lines,
    layer=_torch_layer,
    layout="channels_first",
)


def _keras_lines(case: Case, *, shape: tuple[int | None, ...] = ()) -> list[str]:
    sizes = shape or case.input_shape
    return [
        *KerasLayers.layer_lines(case),
        f'model = keras.Sequential([keras.Input(batch_shape={sizes}, dtype="float32"), layer])',
        f"layer.kernel.assign(np.ascontiguousarray(np.transpose(w, {to_keras(case)})))  # (*k, Cout, Cin)",
        *["layer.bias.assign(bias)"] * case.bias,
        "model(x)  # a model that was never called is not exported",
    ]


def _keras(backend: str, layout: str = "") -> Source:
    """``keras.layers.Conv{1,2,3}DTranspose`` as a model."""
    about = BACKENDS[backend]
    return Source(
        name="keras.layers",
        packages=("keras", *about.packages),
        documentation=LAYERS,
        imports=("import keras", *about.imports),
        environment={"KERAS_BACKEND": backend, **about.environment},
        limits=(
            *_only_single(LAYERS),
            *KerasLayers.interface_limits,
            Limit(
                "inexpressible",
                "padding",
                lambda case: padding_keyword(case) is None,
                "the layer has no explicit padding",
                LAYERS,
            ),
        ),
        refusals=about.refusals,
        lines=_keras_lines,
        layout=layout,
    )


def _dynamic_lines(case: Case) -> list[str]:
    """The model with sizes that are not known before it runs, but for the channels."""
    return _keras_lines(case, shape=(*(None,) * (case.rank + 1), case.in_channels))


# TensorFlow has no kernels on the CPU for channels_first but those of oneDNN.
KERAS_TENSORFLOW = _keras("tensorflow", "channels_last")
KERAS_DYNAMIC = replace(KERAS_TENSORFLOW, lines=_dynamic_lines)
KERAS_TORCH = _keras("torch")


def _needs_slices(case: Case) -> bool:
    solved = geometry(case)
    return solved is not None and tensorflow_padding(solved) is None


def _function_lines(case: Case) -> list[str]:
    lines = [line for text in operation(case) for line in text.split("\n")]
    return [
        f"@tf.function(input_signature=[tf.TensorSpec({case.input_shape}, tf.float32)], autograph=False)",
        "def forward(x):",
        *(f"    {line}" for line in lines),
        '    return tf.identity(y, name="y")',
        "",
        "concrete = forward.get_concrete_function()",
    ]


TENSORFLOW_FUNCTION = Source(
    name="tf.function",
    packages=("tensorflow",),
    documentation=_FUNCTION,
    imports=("import tensorflow as tf",),
    environment=TensorFlowNN.environment,
    limits=(
        *_only_single(_FUNCTION),
        *LIMITS,
        Limit("inexpressible", "padding", _needs_slices, "neither SAME nor VALID is this crop", _FUNCTION),
    ),
    refusals=TensorFlowNN.refusals,
    lines=_function_lines,
    layout="channels_last",
)


ONNX_MODEL = Source(
    name="onnx",
    packages=("onnx",),
    documentation=OnnxAdapter.documentation,
    imports=("import onnx", "from onnx import TensorProto, helper, numpy_helper"),
    limits=(*OnnxAdapter.limits, *_only_single(OnnxAdapter.documentation)),
    lines=lambda case: model_lines(case, padding_attributes(case)),
    layout="channels_first",
)
