"""Keras: ``keras.layers.Conv{1,2,3}DTranspose``, on each of its backends."""

from __future__ import annotations

from conformance.adapters.base import Limit, Program, call
from conformance.adapters.frameworks.keras_backends import (
    LAYERS,
    KerasAdapter,
    common_limits,
    crop_slices,
    padding_keyword,
    to_keras,
)
from conformance.cases.case import Case
from conformance.cases.data import DATA_KINDS

__all__ = ["KerasLayers"]


class KerasLayers(KerasAdapter):
    """The layers."""

    documentation = LAYERS
    interface_limits = (
        *common_limits(LAYERS),
        Limit(
            "unsupported",
            "dilation",
            lambda case: max(case.stride) > 1 and max(case.dilation) > 1,
            "strides > 1 is incompatible with dilation_rate > 1",
            LAYERS,
        ),
    )

    @staticmethod
    def layer_lines(case: Case) -> list[str]:
        """The line that constructs the layer."""
        keyword = padding_keyword(case)
        arguments = [
            ("filters", case.out_channels),
            ("kernel_size", case.kernel_size),
            ("strides", case.stride),
            ("padding", repr(keyword or "valid")),
            ("output_padding", case.output_padding if keyword else None),
            ("data_format", repr(case.layout)),
            ("dilation_rate", case.dilation),
            ("use_bias", case.bias),
            ("dtype", repr(case.format.label)),
        ]
        return ["layer = " + call(f"keras.layers.Conv{case.rank}DTranspose", arguments)]

    def program(self, case: Case) -> Program:
        """Write the call."""
        body = [
            *self.layer_lines(case),
            f'x = keras.ops.convert_to_tensor(x, dtype="{case.format.label}")',
            "layer.build(x.shape)",
            f"layer.kernel.assign(np.ascontiguousarray(np.transpose(w, {to_keras(case)})))  # (*k, Cout, Cin)",
            *["layer.bias.assign(bias)"] * case.bias,
        ]
        if case.direction == "grad2":
            body.append(f"vw = np.ascontiguousarray(np.transpose(vw, {to_keras(case)}))")
        ends = "" if padding_keyword(case) else crop_slices(case)
        weights = "[w, bias]" if case.bias else "[w]"
        body += self.finish(
            case,
            f"layer(x){ends}",
            ("x", "layer.kernel.value", "layer.bias.value"),
            f"layer.stateless_call({weights}, [], x)[0]{ends}",
        )
        if case.direction != "fwd":
            kernel = "dw" if case.direction == "grad" else "ddw"
            body.append(
                f"{kernel} = keras.ops.transpose({kernel}, {(case.rank + 1, case.rank, *range(case.rank))})"
            )
        return Program(self.setup_lines(), tuple(body))


class KerasTensorFlow(KerasLayers):
    """The layers on TensorFlow."""

    name = "keras-tensorflow"
    backend = "tensorflow"


class KerasTorch(KerasLayers):
    """The layers on PyTorch."""

    name = "keras-torch"
    backend = "torch"


class KerasJax(KerasLayers):
    """The layers on JAX."""

    name = "keras-jax"
    backend = "jax"


class KerasNumpy(KerasLayers):
    """The layers on NumPy."""

    name = "keras-numpy"
    backend = "numpy"


class KerasOpenvino(KerasLayers):
    """The layers on OpenVINO."""

    name = "keras-openvino"
    backend = "openvino"


class KerasComputeOutputShape(KerasLayers):
    """``compute_output_shape`` of the layers: the output shape that Keras infers."""

    name = "keras-compute-output-shape"
    documentation = "https://keras.io/api/layers/base_layer/"
    backend = "jax"
    interface_limits = (
        *KerasLayers.interface_limits,
        Limit(
            "inexpressible",
            "padding",
            lambda case: padding_keyword(case) is None,
            "it computes no shape of a crop",
            LAYERS,
        ),
        Limit(
            "inexpressible",
            "data",
            lambda case: DATA_KINDS[case.data].misfit is not None or case.bias_size is not None,
            "its only argument is the shape of the input",
            documentation,
        ),
    )
    shape_only = True

    def program(self, case: Case) -> Program:
        """Call the layer's shape inference."""
        body = [*self.layer_lines(case), f"shape = layer.compute_output_shape({case.input_shape})"]
        return Program(self.setup_lines(), tuple(body))
