"""What other layers around a transposed convolution do to a shape. A new one is one declaration here."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping
from typing import Any

from conformance.calls.tensor_methods import METHODS
from conformance.calls.tensors import FUNCTIONS
from conformance.calls.values import TensorExpression
from conformance.calls.windows import SAME_CHANNELS, axes_of, named, windowed

__all__ = ["LAYERS", "MERGES"]

Effect = Callable[[TensorExpression], TensorExpression]
Maker = Callable[[tuple[Any, ...], Mapping[str, Any]], Effect]

Merge = Callable[[tuple[Any, ...], Mapping[str, Any]], Any]

LAYERS: dict[str, Maker] = {}
"""By the last part of a class's name, with its library where others differ: its effect on a tensor."""


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
    "QuantStub", "DeQuantStub", "SyncBatchNorm", "FrozenBatchNorm2d", "RMSNorm", "GroupNormalization",
    "InstanceNormalization", "InstanceNorm", "Hardswish", "Hardsigmoid", "ReLU6", "RReLU", "CELU", "LogSigmoid",
    "Softsign", "Softshrink", "Tanhshrink", "ThresholdedReLU", "AlphaDropout", "Dropout1d", "GaussianDropout",
    "SpatialDropout1D", "SpatialDropout3D", "LazyBatchNorm1d", "LazyBatchNorm2d", "LazyBatchNorm3d", "BatchNorm2D",
)  # fmt: skip
def _keeps(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Effect:
    return lambda tensor: tensor


def _torch_window(rank: int, pool: bool, first: bool = True) -> Maker:
    window = "kernel_size stride padding dilation"
    names = window if pool else f"in_channels out_channels {window}"

    def make(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Effect:
        values = named(args, kwargs, names, padding=0, dilation=1, stride=None if pool else 1)
        kernel, stride, padding, dilation = values[-4:]
        channels = SAME_CHANNELS if pool else values[1]
        return lambda tensor: windowed(
            tensor, rank=rank, kernel=kernel, stride=kernel if stride is None else stride, padding=padding,
            dilation=dilation, channels=channels, first=first,
        )  # fmt: skip

    return make


def _keras_window(rank: int, pool: bool) -> Maker:
    names = "pool_size strides padding" if pool else "filters kernel_size strides padding"

    def make(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Effect:
        values = named(args, kwargs, names, pool_size=2, strides=None if pool else 1, padding="valid")
        kernel, strides, padding = values[-3:]
        return lambda tensor: windowed(
            tensor, rank=rank, kernel=kernel, stride=kernel if strides is None else strides, padding=padding,
            dilation=kwargs.get("dilation_rate", 1), channels=SAME_CHANNELS if pool else values[0],
            first=kwargs.get("data_format") == "channels_first",
        )  # fmt: skip

    return make


def _flax_window(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Effect:
    names = "features kernel_size strides padding"
    if "in_features" in kwargs or "rngs" in kwargs:  # nnx
        names = f"in_features {names.replace('features', 'out_features', 1)}"
    *_, channels, kernel, strides, padding = named(args, kwargs, names, strides=1, padding="SAME")
    rank = len(kernel) if isinstance(kernel, tuple) else 1
    stride = 1 if strides is None else strides
    return lambda tensor: windowed(
        tensor, rank=rank, kernel=kernel, stride=stride, padding=padding, channels=channels, first=False
    )


def _haiku_window(rank: int) -> Maker:
    def make(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Effect:
        channels, kernel, stride, rate, padding = named(
            args, kwargs, "output_channels kernel_shape stride rate padding", stride=1, rate=1, padding="SAME"
        )
        return lambda tensor: windowed(
            tensor, rank=rank, kernel=kernel, stride=stride, padding=padding, dilation=rate,
            channels=channels, first=False,
        )  # fmt: skip

    return make


LAYERS["Conv"] = _flax_window
for _rank in (1, 2, 3):
    LAYERS[f"Conv{_rank}d"] = _torch_window(_rank, pool=False)
    LAYERS[f"mlx.Conv{_rank}d"] = _torch_window(_rank, pool=False, first=False)
    LAYERS[f"haiku.Conv{_rank}D"] = _haiku_window(_rank)
    LAYERS[f"Conv{_rank}D"] = LAYERS[f"Convolution{_rank}D"] = _keras_window(_rank, pool=False)
    LAYERS[f"MaxPooling{_rank}D"] = LAYERS[f"MaxPool{_rank}D"] = _keras_window(_rank, pool=True)
    LAYERS[f"AveragePooling{_rank}D"] = _keras_window(_rank, pool=True)
    for _kind in ("MaxPool", "AvgPool"):
        LAYERS[f"{_kind}{_rank}d"] = _torch_window(_rank, pool=True)
        LAYERS[f"mlx.{_kind}{_rank}d"] = _torch_window(_rank, pool=True, first=False)


@_layer("GLU")
def _gated(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Effect:
    axis = kwargs.get("dim", kwargs.get("axis", args[0] if args else -1))

    def effect(tensor: TensorExpression) -> TensorExpression:
        shape = tensor.shape or ()
        if type(axis) is not int or not -len(shape) <= axis < len(shape):
            return tensor.but(shape=None)
        place = axis % len(shape)
        size = shape[place]
        half = None if size is None else size // 2
        return tensor.but(shape=(*shape[:place], half, *shape[place + 1 :]))

    return effect


_UNITS = ("units", "out_features", "features", "output_size", "output_dims")


@_layer("Linear", "Dense")
def _dense(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Effect:
    named = next((kwargs[name] for name in _UNITS if name in kwargs), None)
    sizes = [arg for arg in args[:2] if type(arg) is int]
    units = sizes[-1] if named is None and sizes else named
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


def _padding_layer(rank: int) -> Maker:
    """A layer of PyTorch that adds to both ends of each axis, the widths from the last axis to the first."""

    def make(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Effect:
        width = kwargs.get("padding", args[0] if args else None)
        widths = (width,) * 2 * rank if type(width) is int else width

        def effect(tensor: TensorExpression) -> TensorExpression:
            made = FUNCTIONS["pad"]("pad", (tensor, widths), {})
            return made if isinstance(made, TensorExpression) else tensor.but(shape=None)

        return effect

    return make


def _keras_ends(name: str, sign: int) -> Maker:
    """A layer of Keras that adds to or cuts the ends of each spatial axis."""

    def make(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Effect:
        return lambda tensor: _spatially(
            tensor, kwargs, lambda rank: _ends(kwargs.get(name, (*args, 1)[0]), rank, sign)
        )

    return make


def _ends(given: Any, rank: int, sign: int) -> list[Callable[[int], int]] | None:
    pairs = given if isinstance(given, tuple) else (given,) * rank
    if rank == 1 and isinstance(given, tuple) and len(given) == 2:
        pairs = (given,)
    sums = [sum(pair) if isinstance(pair, tuple) else 2 * pair for pair in pairs if type(pair) in (int, tuple)]
    return [functools.partial(operator.add, sign * total) for total in sums] if len(sums) == rank else None


@_layer("UpSampling1D", "UpSampling2D", "UpSampling3D")
def _repeated(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Effect:
    def factors(rank: int) -> list[Callable[[int], int]] | None:
        given = kwargs.get("size", args[0] if args else 2)
        times = axes_of(given, rank)
        fits = len(times) == rank and all(type(factor) is int for factor in times)
        return [functools.partial(operator.mul, factor) for factor in times] if fits else None

    return lambda tensor: _spatially(tensor, kwargs, factors)


def _spatially(
    tensor: TensorExpression,
    kwargs: Mapping[str, Any],
    changes: Callable[[int], list[Callable[[int], int]] | None],
) -> TensorExpression:
    """A tensor of Keras whose spatial sizes change."""
    shape = tensor.shape
    if shape is None or len(shape) < 3:
        return tensor.but(shape=None)
    by_axis = changes(len(shape) - 2)
    if by_axis is None:
        return tensor.but(shape=None)
    first = kwargs.get("data_format") == "channels_first"
    spatial = shape[2:] if first else shape[1:-1]
    sizes = tuple(None if size is None else change(size) for size, change in zip(spatial, by_axis, strict=True))
    return tensor.but(shape=(*shape[:2], *sizes) if first else (shape[0], *sizes, shape[-1]))


@_layer("Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d")
def _resized(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Effect:
    size, factor = named(args, kwargs, "size scale_factor")

    def effect(tensor: TensorExpression) -> TensorExpression:
        made = FUNCTIONS["torch.interpolate"]("interpolate", (tensor, size, factor), {})
        return made if isinstance(made, TensorExpression) else tensor.but(shape=None)

    return effect


@_layer("PixelShuffle")
def _shuffled(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Effect:
    factor = kwargs.get("upscale_factor", args[0] if args else None)

    def effect(tensor: TensorExpression) -> TensorExpression:
        shape = tensor.known_shape()
        if shape is None or len(shape) < 3 or type(factor) is not int or factor < 1:
            return tensor.but(shape=None)
        *batch, channels, height, width = shape
        return tensor.but(shape=(*batch, channels // factor**2, height * factor, width * factor))

    return effect


def _adaptive(rank: int) -> Maker:
    def make(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Effect:
        sizes = axes_of(kwargs.get("output_size", args[0] if args else None), rank)

        def effect(tensor: TensorExpression) -> TensorExpression:
            shape = tensor.shape
            if shape is None or len(shape) <= rank or len(sizes) != rank:
                return tensor.but(shape=None)
            own = (size if type(size) is int else old for size, old in zip(sizes, shape[-rank:], strict=True))
            return tensor.but(shape=(*shape[:-rank], *own))

        return effect

    return make


def _depthwise(rank: int) -> Maker:
    """A convolution of each channel by itself."""

    def make(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Effect:
        kernel, strides, padding = named(args, kwargs, "kernel_size strides padding", strides=1, padding="valid")
        times = kwargs.get("depth_multiplier", 1)

        def effect(tensor: TensorExpression) -> TensorExpression:
            channels = tensor.shape[-1] if tensor.shape else None
            return windowed(
                tensor, rank=rank, kernel=kernel, stride=strides, padding=padding, first=False,
                channels=channels * times if type(channels) is int and type(times) is int else None,
            )  # fmt: skip

        return effect

    return make


for _rank in (1, 2, 3):
    for _kind in ("Reflection", "Replication", "Zero", "Constant", "Circular"):
        LAYERS[f"{_kind}Pad{_rank}d"] = _padding_layer(_rank)
    LAYERS[f"ZeroPadding{_rank}D"] = _keras_ends("padding", 1)
    LAYERS[f"Cropping{_rank}D"] = _keras_ends("cropping", -1)
    LAYERS[f"SeparableConv{_rank}D"] = LAYERS[f"Conv{_rank}D"]
    LAYERS[f"DepthwiseConv{_rank}D"] = _depthwise(_rank)
    for _kind in ("Avg", "Max"):
        LAYERS[f"Adaptive{_kind}Pool{_rank}d"] = _adaptive(_rank)


@_layer("Lambda", "Embedding")
def _unknown(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Effect:
    return lambda tensor: tensor.but(shape=None)


def _joined(parts: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    return FUNCTIONS["concatenate"]("concatenate", (parts,), {"axis": kwargs.get("axis", -1)})


def _of_one_shape(parts: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    tensors = [part for part in parts if isinstance(part, TensorExpression)]
    return max(tensors, key=lambda tensor: sum(size is not None for size in tensor.shape or ()), default=None)


_ELEMENTWISE = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")
for _name in _ELEMENTWISE:  # Keras has each as a function of a list, too
    FUNCTIONS.setdefault(
        f"keras.{_name.lower()}",
        lambda name, args, kwargs: _of_one_shape(args[0], kwargs) if args and isinstance(args[0], tuple) else None,
    )
MERGES: dict[str, Merge] = {"Concatenate": _joined, **dict.fromkeys(_ELEMENTWISE, _of_one_shape)}
"""By the last part of a class's name: what a layer makes of a list of tensors."""
