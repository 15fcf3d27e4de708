"""Methods and functions that change the shape or the dtype of a tensor. A new one is one declaration here."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.calls.dtype_names import DTYPE_LABELS, dtype_label
from conformance.calls.tensors import (
    FUNCTIONS,
    METHODS,
    Keywords,
    Positional,
    filled,
    is_size,
    read_sizes,
    rearranged,
    size_tuple,
)
from conformance.calls.values import Opaque, TensorExpression

__all__ = ["METHODS"]


# Methods, which are functions of the tensor as well.


def _method(*names: str, function: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(read: Callable[..., Any]) -> Callable[..., Any]:
        for each in names:
            METHODS[each] = read
            if function:
                FUNCTIONS.setdefault(
                    each,
                    lambda name, args, kwargs: (
                        read(args[0], args[1:], kwargs) if args and isinstance(args[0], TensorExpression) else None
                    ),
                )
        return read

    return register


@_method(
    "clone", "contiguous", "detach", "requires_grad_", "numpy", "copy", "retain_grad", "share_memory_",
    "pin_memory", "cpu", "realize", "data_ptr", "positive", "block_until_ready", "coalesce", "set_shape",
    function=False,
)  # fmt: skip
def _kept(tensor: TensorExpression, args: Positional, kwargs: Keywords) -> Any:
    return tensor


@_method(
    "copy_", "relu", "relu_", "abs", "neg", "exp", "sigmoid", "tanh", "sqrt", "rsqrt", "square", "pow", "log",
    "dequantize", "clamp", "clip", "round", "values", "roll", "cumsum", "masked_fill", "masked_fill_", "floor",
    "ceil", "trunc", "sign", "softmax", "log_softmax", "expm1", "log1p", "sin", "cos", "nan_to_num", "gelu",
    "silu", "add", "sub", "mul", "div", "add_", "sub_", "mul_", "div_", function=False,
)  # fmt: skip
def _computed(tensor: TensorExpression, args: Positional, kwargs: Keywords) -> Any:
    tensor.numbers = None
    return tensor


for _accelerator in ("cuda", "xpu", "mps", "npu"):

    @_method(_accelerator, function=False)
    def _moved(tensor: TensorExpression, args: Positional, kwargs: Keywords, _name: str = _accelerator) -> Any:
        tensor = tensor.but(values=tensor.values, numbers=tensor.numbers)
        tensor.add_fact(f"the device ({_name})")
        return tensor


@_method("to", "astype", "type", "type_as", "cast", "view_as", "reshape_as", "expand_as", "as_type")
def _converted(tensor: TensorExpression, args: Positional, kwargs: Keywords) -> Any:
    made = tensor.but(values=tensor.values, numbers=tensor.numbers)
    for value in (*args, *kwargs.values()):
        label = dtype_label(value)
        if label is not None:
            made = made.but(values=made.values, numbers=made.numbers, dtype=label, implied=False)
        elif isinstance(value, TensorExpression):
            made = made.but(values=made.values, numbers=made.numbers, dtype=value.dtype, implied=value.implied)
    device = kwargs.get("device", args[0] if args else None)
    if isinstance(device, str | Opaque) and dtype_label(device) is None:
        text = str(device)
        if any(word in text for word in ("cuda", "mps", "xpu", "gpu", "GPU", "tpu")):
            made.add_fact(f"the device ({text.strip()})")
    if "memory_format" in kwargs and "channels_last" in str(kwargs["memory_format"]):
        made.add_fact(f"the memory format ({kwargs['memory_format']})")
    return made


for _dtype in ("half", "float", "double", "bfloat16", "cfloat", "cdouble", "int", "long"):

    @_method(_dtype, function=False)
    def _as_dtype(
        tensor: TensorExpression, args: Positional, kwargs: Keywords, _label: str = DTYPE_LABELS[_dtype]
    ) -> Any:
        return tensor.but(values=tensor.values, numbers=tensor.numbers, dtype=_label, implied=False)


@_method("view", "reshape", "resize", "resize_", "unflatten_to")
def _reshaped(tensor: TensorExpression, args: Positional, kwargs: Keywords) -> Any:
    if len(args) == 1 and dtype_label(args[0]):
        return tensor.but(dtype=dtype_label(args[0]))
    given: Any = kwargs.get("shape", kwargs.get("newshape", args[0] if len(args) == 1 else args))
    shape = read_sizes(given)
    if shape is None:
        given = (given,) if isinstance(given, int) else given
        if not isinstance(given, tuple) or not all(is_size(size) or size == -1 for size in given):
            return tensor.but(shape=None)
        own = tensor.shape or (None,) * 2
        sizes = [size if type(size) is int else None for size in given]
        rest = math.prod(size for size in sizes if size is not None and size > 0)
        # One size that is not known, of the tensor and of its new shape, is taken for the same, such as the batch.
        if sizes.count(-1) == 1 and sizes.count(None) == own.count(None) <= 1 and rest:
            sizes[sizes.index(-1)] = math.prod(size for size in own if size is not None) // rest
        shape = tuple(None if size == -1 else size for size in sizes)
    return tensor.but(shape=shape, numbers=tensor.numbers)


@_method("expand", "broadcast_to")
def _expanded(tensor: TensorExpression, args: Positional, kwargs: Keywords) -> Any:
    given = args[0] if len(args) == 1 and isinstance(args[0], tuple) else args
    if tensor.shape is None or not all(type(size) is int for size in given):
        return tensor.but(shape=None)
    own = (1,) * (len(given) - len(tensor.shape)) + tensor.shape
    if len(own) != len(given):
        return tensor.but(shape=None)
    return tensor.but(shape=tuple(size if new == -1 else new for size, new in zip(own, given, strict=True)))


@_method("repeat", "tile")
def _repeated(tensor: TensorExpression, args: Positional, kwargs: Keywords) -> Any:
    given = args[0] if len(args) == 1 and isinstance(args[0], tuple) else args
    if tensor.shape is None or not all(type(size) is int for size in given):
        return tensor.but(shape=None)
    own = (1,) * (len(given) - len(tensor.shape)) + tensor.shape
    if len(own) != len(given):
        return tensor.but(shape=None)
    sizes = (None if size is None else size * times for size, times in zip(own, given, strict=True))
    return tensor.but(shape=tuple(sizes))


@_method("unsqueeze", "unsqueeze_", "expand_dims")
def _unsqueezed(tensor: TensorExpression, args: Positional, kwargs: Keywords) -> Any:
    axis = kwargs.get("dim", kwargs.get("axis", args[0] if args else None))
    if tensor.shape is None or type(axis) is not int or not -len(tensor.shape) - 1 <= axis <= len(tensor.shape):
        return tensor.but(shape=None)
    axis %= len(tensor.shape) + 1
    return tensor.but(shape=(*tensor.shape[:axis], 1, *tensor.shape[axis:]), numbers=tensor.numbers)


@_method("squeeze", "squeeze_")
def _squeezed(tensor: TensorExpression, args: Positional, kwargs: Keywords) -> Any:
    axis = kwargs.get("dim", kwargs.get("axis", args[0] if args else None))
    if tensor.shape is None:
        return tensor
    if axis is None:
        return tensor.but(shape=tuple(size for size in tensor.shape if size != 1))
    if type(axis) is not int or not -len(tensor.shape) <= axis < len(tensor.shape):
        return tensor.but(shape=None)
    axis %= len(tensor.shape)
    return tensor.but(shape=(*tensor.shape[:axis], *tensor.shape[axis + 1 :]))


@_method("permute", "transpose", "swapaxes", "moveaxis_to")
def _permuted(tensor: TensorExpression, args: Positional, kwargs: Keywords) -> Any:
    order: Any = kwargs.get("perm", kwargs.get("axes", kwargs.get("dims", args[0] if len(args) == 1 else args)))
    if tensor.shape is None:
        return tensor
    rank = len(tensor.shape)
    if not order:
        return tensor.but(shape=tensor.shape[::-1])
    if not isinstance(order, tuple) or not all(type(axis) is int and -rank <= axis < rank for axis in order):
        return tensor.but(shape=None)
    axes = list(range(rank))
    if len(order) == 2 != rank or (len(order) == 2 and "perm" not in kwargs):
        one, other = order[0] % rank, order[1] % rank
        axes[one], axes[other] = axes[other], axes[one]
    elif len(order) == rank:
        axes = [axis % rank for axis in order]
    else:
        return tensor.but(shape=None)
    shape = tuple(tensor.shape[axis] for axis in axes)
    return rearranged(tensor, shape, lambda array: array.transpose(axes))


@_method("flip", "reverse")
def _flipped(tensor: TensorExpression, args: Positional, kwargs: Keywords) -> Any:
    given: Any = kwargs.get("dims", kwargs.get("axis", args[0] if len(args) == 1 else args or None))
    axes = (given,) if type(given) is int else given
    rank = len(tensor.shape or ())
    fits = axes is None or (
        isinstance(axes, tuple) and all(type(axis) is int and -rank <= axis < rank for axis in axes)
    )
    if not fits:
        return tensor.but(facts=(*tensor.facts, "values (reversed)"))
    return rearranged(tensor, tensor.shape, lambda array: np.flip(array, axes))


@_method("flatten", "ravel")
def _flattened(tensor: TensorExpression, args: Positional, kwargs: Keywords) -> Any:
    start = kwargs.get("start_dim", args[0] if args else 0)
    if tensor.shape is None or type(start) is not int or not 0 <= start <= len(tensor.shape):
        return tensor.but(shape=None)
    rest = tensor.shape[start:]
    size = None if None in rest else math.prod(size or 0 for size in rest)
    return tensor.but(shape=(*tensor.shape[:start], size))


@_method("sum", "mean", "max", "min", "norm", "prod", "std", "var", "item", "all", "any", "argmax",
         "reduce_sum", "reduce_mean", "reduce_max")  # fmt: skip
def _reduced(tensor: TensorExpression, args: Positional, kwargs: Keywords) -> Any:
    axes = kwargs.get("dim", kwargs.get("axis", args[0] if args else None))
    if axes is None or tensor.shape is None:
        return tensor.but(shape=None if args or tensor.shape is None else ())
    rank = len(tensor.shape)
    places = axes if isinstance(axes, tuple) else (axes,)
    if not all(type(axis) is int and -rank <= axis < rank for axis in places):
        return tensor.but(shape=None)
    gone = {axis % rank for axis in places}
    kept = kwargs.get("keepdim", kwargs.get("keepdims", args[1] if len(args) > 1 else False))
    sizes = (1 if axis in gone else size for axis, size in enumerate(tensor.shape) if kept or axis not in gone)
    return tensor.but(shape=tuple(sizes))


@_method("fill_", function=False)
def _fill_in_place(tensor: TensorExpression, args: Positional, kwargs: Keywords) -> Any:
    return filled(tensor, args[0] if args else None)


@_method("constant_")
def _constant_in_place(tensor: TensorExpression, args: Positional, kwargs: Keywords) -> Any:
    return filled(tensor, args[0] if args else kwargs.get("val"))


@_method("ones_")
def _ones_in_place(tensor: TensorExpression, args: Positional, kwargs: Keywords) -> Any:
    return filled(tensor, 1)


@_method("zero_", "zeros_")
def _zero_in_place(tensor: TensorExpression, args: Positional, kwargs: Keywords) -> Any:
    return filled(tensor, 0)


@_method("normal_", "uniform_", "random_", function=False)
def _random_in_place(tensor: TensorExpression, args: Positional, kwargs: Keywords) -> Any:
    tensor.facts = tuple(fact for fact in tensor.facts if not fact.startswith("values"))
    return tensor


@_method("size", function=False)
def _size(tensor: TensorExpression, args: Positional, kwargs: Keywords) -> Any:
    shape = size_tuple(tensor)
    if not args or shape is None:
        return shape
    fits = type(args[0]) is int and -len(shape) <= args[0] < len(shape)
    return shape[args[0]] if fits else None


@_method("dim", "ndimension", function=False)
def _dim(tensor: TensorExpression, args: Positional, kwargs: Keywords) -> Any:
    return None if tensor.shape is None else len(tensor.shape)


@_method("numel", "nelement", function=False)
def _numel(tensor: TensorExpression, args: Positional, kwargs: Keywords) -> Any:
    shape = tensor.known_shape()
    return None if shape is None else math.prod(shape)


for _name in ("shape", "get_shape", "int_shape", "as_list"):
    METHODS.setdefault(_name, lambda tensor, args, kwargs: size_tuple(tensor))
    FUNCTIONS[_name] = lambda name, args, kwargs: (
        size_tuple(args[0]) if args and isinstance(args[0], TensorExpression) else None
    )


def _sequence(name: str, args: Positional, kwargs: Keywords) -> Any:
    return args[0] if len(args) == 1 and isinstance(args[0], tuple) else None


def _stacked(name: str, args: Positional, kwargs: Keywords) -> Any:
    parts = args[0] if args and isinstance(args[0], tuple) else ()
    tensors = [part for part in parts if isinstance(part, TensorExpression)]
    if not tensors:
        return parts or None
    axis = kwargs.get("dim", kwargs.get("axis", args[1] if len(args) > 1 else 0))
    shape = tensors[0].shape
    if shape is None or type(axis) is not int or not -len(shape) - 1 <= axis <= len(shape):
        return tensors[0].but(shape=None)
    axis %= len(shape) + 1
    return tensors[0].but(shape=(*shape[:axis], len(parts), *shape[axis:]))


FUNCTIONS.update(Size=_sequence, TensorShape=_sequence, stack=_stacked, pack=_stacked)


def _concatenated(name: str, args: Positional, kwargs: Keywords) -> Any:
    parts = next((arg for arg in args if isinstance(arg, tuple)), kwargs.get("tensors", kwargs.get("values")))
    axis = kwargs.get("dim", kwargs.get("axis", next((arg for arg in args if type(arg) is int), 0)))
    if not isinstance(parts, tuple) or not parts or type(axis) is not int:
        return None
    shapes = [part.shape if isinstance(part, TensorExpression) else None for part in parts]
    first = shapes[0]
    if first is None or not all(shape is not None and len(shape) == len(first) for shape in shapes):
        return None
    if not -len(first) <= axis < len(first):
        return None
    axis %= len(first)
    lengths = [shape[axis] for shape in shapes if shape is not None]
    whole = None if None in lengths else sum(length or 0 for length in lengths)
    return parts[0].but(shape=(*first[:axis], whole, *first[axis + 1 :]))


for _name in ("cat", "concat", "concatenate"):
    FUNCTIONS[_name] = _concatenated


def _padded(name: str, args: Positional, kwargs: Keywords) -> Any:
    tensor, widths = (*args, None, None)[:2]
    widths = kwargs.get("pad", kwargs.get("paddings", kwargs.get("pad_width", widths)))
    if not isinstance(tensor, TensorExpression) or tensor.shape is None or not isinstance(widths, tuple):
        return tensor.but(shape=None) if isinstance(tensor, TensorExpression) else None
    rank = len(tensor.shape)
    if all(type(width) is int for width in widths) and len(widths) % 2 == 0 and len(widths) <= 2 * rank:
        ends = [(0, 0)] * (rank - len(widths) // 2) + list(zip(widths[::2], widths[1::2], strict=True))[::-1]
    elif len(widths) == rank and all(isinstance(pair, tuple) and len(pair) == 2 for pair in widths):
        ends = list(widths)
    else:
        return tensor.but(shape=None)
    if not all(type(end) is int for pair in ends for end in pair):
        return tensor.but(shape=None)
    sizes = (None if size is None else size + sum(pair) for size, pair in zip(tensor.shape, ends, strict=True))
    return tensor.but(shape=tuple(sizes))


FUNCTIONS["pad"] = _padded


@_method("moveaxis", "movedim")
def _axis_moved(tensor: TensorExpression, args: Positional, kwargs: Keywords) -> Any:
    start, end = (*args, None, None)[:2]
    shape = tensor.shape
    if shape is None or not all(type(axis) is int and -len(shape) <= axis < len(shape) for axis in (start, end)):
        return tensor.but(shape=None)
    axes = [axis for axis in range(len(shape)) if axis != start % len(shape)]
    axes.insert(end % len(shape), start % len(shape))
    return rearranged(tensor, tuple(shape[axis] for axis in axes), lambda array: array.transpose(axes))
