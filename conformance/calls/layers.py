"""What other layers around a transposed convolution do to a shape. A new one is one declaration here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conformance.calls.tensor_methods import METHODS
from conformance.calls.values import TensorExpression

__all__ = ["LAYERS"]

Effect = Callable[[TensorExpression], TensorExpression]
Maker = Callable[[tuple[Any, ...], Mapping[str, Any]], Effect]

LAYERS: dict[str, Maker] = {}
"""By the last part of a class's name: from its arguments, what it does to a tensor."""


def _layer(*names: str) -> Callable[[Maker], Maker]:
    def register(make: Maker) -> Maker:
        LAYERS.update(dict.fromkeys(names, make))
        return make

    return register


@_layer(
    "ReLU", "LeakyReLU", "PReLU", "ELU", "GELU", "SiLU", "SELU", "Tanh", "Sigmoid", "Softplus", "Softmax",
    "Hardtanh", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d",
    "GroupNorm",
    "LayerNorm", "BatchNormalization", "LayerNormalization", "Activation", "Dropout", "Dropout2d", "Dropout3d",
    "SpatialDropout2D", "Identity", "InputLayer", "ActivityRegularization", "GaussianNoise", "BatchNorm", "Mish",
    "QuantStub", "DeQuantStub",
)  # fmt: skip
def _keeps(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Effect:
    return lambda tensor: tensor


def _axes(value: Any, rank: int) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,) * rank


def _named(args: tuple[Any, ...], kwargs: Mapping[str, Any], names: str, defaults: Mapping[str, Any]) -> list[Any]:
    """The arguments of a layer by position or keyword."""
    values = dict(defaults) | dict(zip(names.split(), args, strict=False)) | dict(kwargs)
    return [values.get(name) for name in names.split()]


def _slide(size: Any, kernel: Any, stride: Any, padding: Any, dilation: Any) -> int | None:
    numbers = (size, kernel, stride, padding, dilation)
    if not all(type(number) is int and abs(number) < 2**32 for number in numbers) or stride < 1:
        return None
    return max((size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1, 0)


def _torch_window(rank: int, pool: bool) -> Maker:
    window = "kernel_size stride padding dilation"
    names = window if pool else f"in_channels out_channels {window}"

    def make(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Effect:
        values = _named(args, kwargs, names, {"padding": 0, "dilation": 1, "stride": None if pool else 1})
        kernel, stride, padding, dilation = values[-4:]
        stride = kernel if stride is None else stride

        def effect(tensor: TensorExpression) -> TensorExpression:
            if tensor.shape is None or len(tensor.shape) < rank + 1 or isinstance(padding, str):
                return tensor.but(shape=None)
            columns = [_axes(value, rank) for value in (kernel, stride, padding, dilation)]
            if any(len(column) != rank for column in columns):
                return tensor.but(shape=None)
            sizes = [_slide(*numbers) for numbers in zip(tensor.shape[-rank:], *columns, strict=True)]
            before = tensor.shape[:-rank]
            if not pool:
                before = (*before[:-1], values[1] if type(values[1]) is int else None)
            return tensor.but(shape=(*before, *sizes))

        return effect

    return make


for _rank in (1, 2, 3):
    LAYERS[f"Conv{_rank}d"] = _torch_window(_rank, pool=False)
    LAYERS[f"MaxPool{_rank}d"] = _torch_window(_rank, pool=True)
    LAYERS[f"AvgPool{_rank}d"] = _torch_window(_rank, pool=True)


def _keras_window(rank: int, pool: bool) -> Maker:
    names = "pool_size strides padding" if pool else "filters kernel_size strides padding"

    def make(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Effect:
        defaults = {"pool_size": 2, "strides": None if pool else 1, "padding": "valid"}
        *filters, kernel, strides, padding = _named(args, kwargs, names, defaults)
        strides = kernel if strides is None else strides

        def effect(tensor: TensorExpression) -> TensorExpression:
            first = kwargs.get("data_format") == "channels_first"
            if tensor.shape is None or len(tensor.shape) != rank + 2:
                return tensor.but(shape=None)
            spatial = tensor.shape[2:] if first else tensor.shape[1:-1]
            channels = tensor.shape[1] if first else tensor.shape[-1]
            if not pool:
                channels = filters[0] if filters and type(filters[0]) is int else None
            same = isinstance(padding, str) and padding.lower() == "same"
            sizes = []
            for size, k, s in zip(spatial, _axes(kernel, rank), _axes(strides, rank), strict=False):
                sizes.append(_slide(size, 1 if same else k, s, 0, 1))
            whole = (tensor.shape[0], channels, *sizes) if first else (tensor.shape[0], *sizes, channels)
            return tensor.but(shape=whole if len(sizes) == rank else None)

        return effect

    return make


for _rank in (1, 2, 3):
    LAYERS[f"Conv{_rank}D"] = LAYERS[f"Convolution{_rank}D"] = _keras_window(_rank, pool=False)
    LAYERS[f"MaxPooling{_rank}D"] = LAYERS[f"MaxPool{_rank}D"] = _keras_window(_rank, pool=True)
    LAYERS[f"AveragePooling{_rank}D"] = _keras_window(_rank, pool=True)


@_layer("Linear", "Dense")
def _dense(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Effect:
    units = kwargs.get("units", kwargs.get("out_features", args[-1] if len(args) < 3 and args else None))
    if len(args) > 2:
        units = args[1] if type(args[1]) is int else args[0]
    return lambda tensor: tensor.but(
        shape=None if tensor.shape is None else (*tensor.shape[:-1], units if type(units) is int else None)
    )


@_layer("Reshape", "Unflatten")
def _reshape(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Effect:
    target = kwargs.get("target_shape", kwargs.get("unflattened_size", args[-1] if args else None))
    if not isinstance(target, tuple) or not all(type(size) is int for size in target):
        return lambda tensor: tensor.but(shape=None)

    def effect(tensor: TensorExpression) -> TensorExpression:
        batch = tensor.shape[0] if tensor.shape else None
        shape = tuple(size if size >= 0 else None for size in target)
        known = tensor.known_shape()
        if batch is not None and known is not None and -1 in target:
            made = METHODS["reshape"](tensor, ((batch, *target),), {})
            return made if isinstance(made, TensorExpression) else tensor.but(shape=None)
        return tensor.but(shape=(batch, *shape))

    return effect


@_layer("Flatten")
def _flatten(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Effect:
    def effect(tensor: TensorExpression) -> TensorExpression:
        made = METHODS["flatten"](tensor, (1,), {})
        return made if isinstance(made, TensorExpression) else tensor

    return effect


@_layer("ZeroPadding2D", "Cropping2D", "UpSampling2D", "Upsample", "Lambda", "Embedding", "ZeroPad2d")
def _unknown(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Effect:
    return lambda tensor: tensor.but(shape=None)
