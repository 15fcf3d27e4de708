"""What well-known functions and methods of tensors do to a shape and a dtype. A new one is one declaration here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import zip_longest
from typing import Any

import numpy as np

from conformance.calls.values import Opaque, TensorExpression

__all__ = ["FUNCTIONS", "METHODS", "combine", "dtype_label", "index_shape"]

Arguments = tuple[Any, ...]
Keywords = Mapping[str, Any]
Shape = tuple[int | None, ...]

_MAX_VALUES = 8
_MAX_ARRAY = 10_000

FUNCTIONS: dict[str, Callable[[str, Arguments, Keywords], Any]] = {}
"""By the last part of a name: the value, from the name, the arguments and the keywords; None if it is unknown."""
METHODS: dict[str, Callable[[TensorExpression, Arguments, Keywords], Any]] = {}
"""By name: the value of a method of a tensor."""

_DTYPES = {
    "float16": "float16", "half": "float16", "HalfTensor": "float16", "FLOAT16": "float16",
    "bfloat16": "bfloat16", "BFLOAT16": "bfloat16", "BFloat16Tensor": "bfloat16",
    "float32": "float32", "float": "float32", "single": "float32", "FloatTensor": "float32", "FLOAT": "float32",
    "float64": "float64", "double": "float64", "DoubleTensor": "float64", "DOUBLE": "float64",
    "float_": "float64", "complex64": "complex64", "cfloat": "complex64", "complex128": "complex128",
    "cdouble": "complex128", "complex": "complex128",
    **{name: name for name in ("int8", "uint8", "int16", "int32", "int64", "bool", "qint8", "quint8", "qint32")},
    "int": "int64", "long": "int64", "LongTensor": "int64", "IntTensor": "int32", "ByteTensor": "uint8",
    "float8_e4m3fn": "float8_e4m3fn", "float8_e5m2": "float8_e5m2",
}  # fmt: skip
_CODES = {1: "float32", 10: "float16", 11: "float64", 16: "bfloat16"}  # onnx.TensorProto.DataType
_SHORT = {"f2": "float16", "f4": "float32", "f8": "float64", "c8": "complex64", "c16": "complex128"}


def dtype_label(value: Any) -> str | None:
    """The name of a dtype written as ``torch.float16``, ``"float16"``, ``np.float32`` or ONNX's code of it."""
    if type(value) is int:
        return _CODES.get(value)
    if not isinstance(value, str | Opaque):
        return None
    last = (value.path or value.text if isinstance(value, Opaque) else value).rpartition(".")[2]
    return _DTYPES.get(last) or _SHORT.get(last.lstrip("<>=|"))


def _is_size(value: Any) -> bool:
    return value is None or isinstance(value, Opaque) or (type(value) is int and 0 <= value < 2**32)


def _sizes(values: Any) -> Shape | None:
    """A shape as given, sizes that are not known as None."""
    if isinstance(values, TensorExpression):
        values = values.values
    if type(values) is int:
        values = (values,)
    if not isinstance(values, tuple) or not all(map(_is_size, values)):
        return None
    return tuple(size if type(size) is int else None for size in values)


def _device(kwargs: Keywords) -> tuple[str, ...]:
    device = kwargs.get("device")
    return () if device is None else device_fact(device)


def device_fact(device: Any) -> tuple[str, ...]:
    """The fact that a tensor or layer is on a device, unless that is the CPU."""
    name = device if isinstance(device, str) else str(device)
    return () if name.startswith("cpu") else (f"the device ({name})",)


# Functions that make tensors from sizes, or from a shape.


def _is_numpy(name: str) -> bool:
    return name.startswith(("np.", "numpy."))


def _made(name: str, args: Arguments, kwargs: Keywords, *, fill: str = "", dtype: Any = None) -> Any:
    written = kwargs.get("size", kwargs.get("shape"))
    if written is None:
        # rand(2, 3) takes sizes, ones((2, 3)) a shape; a shape may follow another argument, as a random key.
        written = next((arg for arg in args if isinstance(arg, tuple)), None)
        if written is None and args and all(type(arg) is int or isinstance(arg, Opaque) for arg in args):
            opaque = [arg for arg in args if isinstance(arg, Opaque) and (dtype_label(arg) or "." in arg.text)]
            written = tuple(arg for arg in args if arg not in opaque)
    shape = _sizes(written)
    if shape is None or (not shape and written != ()):
        return None
    label = dtype_label(kwargs.get("dtype", dtype))
    if label is None:
        label = next((found for arg in args if not isinstance(arg, int) and (found := dtype_label(arg))), None)
    implied = label is None and _is_numpy(name)
    facts = (fill,) if fill else ()
    return TensorExpression(
        shape, dtype="float64" if implied else label, implied=implied, facts=facts + _device(kwargs)
    )


def _maker(*names: str, fill: str = "", dtype: str | None = None) -> None:
    for each in names:
        FUNCTIONS[each] = lambda name, args, kwargs: _made(name, args, kwargs, fill=fill, dtype=dtype)


_maker("randn", "rand", "empty", "standard_normal", "random_sample")
_maker("zeros", fill="values (all 0)")
_maker("ones", fill="values (all 1)")
_maker("FloatTensor", "DoubleTensor", "HalfTensor")
for _label in ("FloatTensor", "DoubleTensor", "HalfTensor", "BFloat16Tensor"):
    _maker(_label, dtype=_label)


def _drawn(name: str, args: Arguments, kwargs: Keywords) -> Any:
    """Numbers in the arguments are those of the distribution; the shape is a tuple."""
    return _made(name, tuple(arg for arg in args if not isinstance(arg, int | float)), kwargs)


for _name in ("normal", "uniform", "random_normal", "truncated_normal", "random_uniform", "glorot_uniform"):
    FUNCTIONS[_name] = _drawn


def _integers(name: str, args: Arguments, kwargs: Keywords) -> Any:
    made = _made(name, tuple(arg for arg in args if isinstance(arg, tuple)), kwargs)
    if isinstance(made, TensorExpression) and (made.dtype is None or made.implied):
        made = made.but(dtype="int64", implied=True)
    return made


FUNCTIONS.update(randint=_integers, random_integers=_integers, integers=_integers)


def _full(name: str, args: Arguments, kwargs: Keywords) -> Any:
    value = kwargs.get("fill_value", kwargs.get("value", args[1] if len(args) > 1 else None))
    made = _made(name, args[:1], kwargs)
    return _filled(made, value) if isinstance(made, TensorExpression) else None


FUNCTIONS.update(full=_full, fill=_full)


def _filled(tensor: TensorExpression, value: Any) -> TensorExpression:
    tensor.special = _special(value)
    tensor.facts = tuple(fact for fact in tensor.facts if not fact.startswith("values"))
    tensor.add_fact(f"values (all {value!s})")
    return tensor


def _special(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf"
    return ""


def _placeholder(name: str, args: Arguments, kwargs: Keywords) -> Any:
    shape = _sizes(kwargs.get("shape", next((arg for arg in args if isinstance(arg, tuple)), None)))
    dtype = kwargs.get("dtype", next((arg for arg in args if not isinstance(arg, tuple)), None))
    return None if shape is None else TensorExpression(shape, dtype=dtype_label(dtype))


for _name in ("placeholder", "ShapeDtypeStruct", "TensorSpec", "get_variable", "add_weight", "Placeholder"):
    FUNCTIONS[_name] = _placeholder


def _keras_input(name: str, args: Arguments, kwargs: Keywords) -> Any:
    whole = kwargs.get("batch_shape", kwargs.get("batch_input_shape"))
    shape = _sizes(whole if whole is not None else kwargs.get("shape", kwargs.get("input_shape", (*args, None)[0])))
    if shape is None:
        return None
    batch = kwargs.get("batch_size")
    return TensorExpression(
        shape if whole is not None else (batch if type(batch) is int else None, *shape),
        dtype=dtype_label(kwargs.get("dtype")),
    )


FUNCTIONS.update(Input=_keras_input, InputLayer=_keras_input)


def _value_info(name: str, args: Arguments, kwargs: Keywords) -> Any:
    code, shape = (*args, None, None, None)[1:3]
    sizes = _sizes(kwargs.get("shape", shape))
    dtype = dtype_label(kwargs.get("elem_type", code))
    return None if sizes is None else TensorExpression(sizes, dtype=None if dtype == "float32" else dtype)


def _make_tensor(name: str, args: Arguments, kwargs: Keywords) -> Any:
    _, code, dims = (*args, None, None, None)[:3]
    sizes = _sizes(kwargs.get("dims", dims))
    dtype = dtype_label(kwargs.get("data_type", code))
    return None if sizes is None else TensorExpression(sizes, dtype=None if dtype == "float32" else dtype)


FUNCTIONS.update(make_tensor_value_info=_value_info, make_tensor=_make_tensor)


# Functions that make a tensor from numbers or from another tensor.


def _wrap(name: str, args: Arguments, kwargs: Keywords) -> Any:
    last = name.rpartition(".")[2]
    value = args[0] if args else kwargs.get("value", kwargs.get("data", kwargs.get("object")))
    dtype = kwargs.get("dtype", next((arg for arg in args[1:] if dtype_label(arg)), None))
    label = dtype_label(dtype) or ("float32" if last == "Tensor" and name.endswith("torch.Tensor") else None)
    if last == "Tensor" and len(args) > 1 and all(type(arg) is int for arg in args):
        return TensorExpression(args, dtype=label)
    made = value if isinstance(value, TensorExpression) else _from_numbers(value, _is_numpy(name))
    if made is None:
        return None
    shape = _sizes(kwargs.get("shape", next((arg for arg in args[1:] if isinstance(arg, tuple)), None)))
    # tf.constant takes the shape as an argument; jax.numpy and torch.Tensor make float32 of NumPy's float64.
    narrowed = made.implied and made.dtype == "float64" and name.startswith(("jnp.", "jax.", "mx.", "mlx.", "Tensor"))
    return made.but(
        shape=shape if shape is not None and last in ("constant", "constant_initializer") else made.shape,
        values=made.values,
        dtype=label or (None if narrowed else made.dtype),
        implied=made.implied and label is None and not narrowed,
        facts=tuple(dict.fromkeys((*made.facts, *_device(kwargs)))),
    )


def _from_numbers(value: Any, numpy: bool) -> TensorExpression | None:
    """The tensor of a number or of nested lists of numbers."""
    if isinstance(value, bool | int | float | complex):
        array = np.asarray(value) if not isinstance(value, int) or abs(value) < 2**63 else np.asarray(0.0)
    elif isinstance(value, tuple):
        if _count(value) > _MAX_ARRAY:
            return None
        try:
            array = np.asarray(value)
        except (ValueError, TypeError, OverflowError):
            return None
    else:
        return None
    if array.dtype.kind not in "biufc":
        return None
    kind = array.dtype.kind
    dtype = "int64" if kind in "biu" else None if not numpy else "complex128" if kind == "c" else "float64"
    special = ""
    if kind in "fc" and not np.isfinite(array).all():
        special = "nan" if np.isnan(array).any() else "inf"
    values = value if array.ndim == 1 and array.size <= _MAX_VALUES and isinstance(value, tuple) else None
    facts = ("values (given numbers)",) if array.size else ()
    return TensorExpression(array.shape, values, dtype, True, special, facts)


def _count(value: Any, most: int = _MAX_ARRAY) -> int:
    """How many numbers nested lists hold, counted up to a most."""
    left, count = [value], 0
    while left and count <= most:
        item = left.pop()
        count += 1
        if isinstance(item, tuple):
            left.extend(item[: most + 1])
    return count


for _name in ("tensor", "array", "asarray", "constant", "convert_to_tensor", "Tensor", "to_tensor", "as_tensor"):
    FUNCTIONS[_name] = _wrap
FUNCTIONS["constant_initializer"] = _wrap


def _same(name: str, args: Arguments, kwargs: Keywords) -> Any:
    value = args[0] if args else next(iter(kwargs.values()), None)
    if isinstance(value, TensorExpression):
        return value
    return _from_numbers(value, _is_numpy(name)) if isinstance(value, tuple) else None


for _name in (
    "identity", "from_numpy", "stop_gradient", "device_put", "Parameter", "Variable", "from_dlpack", "Param",
    "relu", "tanh", "sigmoid", "leaky_relu", "elu", "gelu", "silu", "swish", "softmax", "dropout", "abs", "exp",
    "sqrt", "square", "negative", "sin", "cos", "log", "ascontiguousarray", "copy",     "from_array", "batch_norm", "batch_normalization", "normalize", "clip", "clamp", "round", "block_until_ready",
    "nan_to_num", "convert_to_numpy",
):  # fmt: skip
    FUNCTIONS[_name] = _same


def _like(fill: str) -> Callable[[str, Arguments, Keywords], Any]:
    def make(name: str, args: Arguments, kwargs: Keywords) -> Any:
        if not args or not isinstance(args[0], TensorExpression):
            return None
        label = dtype_label(kwargs.get("dtype"))
        facts = tuple(fact for fact in args[0].facts if not fact.startswith("values"))
        return TensorExpression(
            args[0].shape, None, label or args[0].dtype, args[0].implied and label is None, "",
            facts + ((fill,) if fill else ()),
        )  # fmt: skip

    return make


for _name, _fill in (("zeros", "values (all 0)"), ("ones", "values (all 1)"), ("rand", ""), ("randn", "")):
    FUNCTIONS[f"{_name}_like"] = _like(_fill)
FUNCTIONS["empty_like"] = _like("")


def _full_like(name: str, args: Arguments, kwargs: Keywords) -> Any:
    made = _like("")(name, args, kwargs)
    value = kwargs.get("fill_value", args[1] if len(args) > 1 else None)
    return None if made is None else _filled(made, value)


FUNCTIONS["full_like"] = _full_like


def _range(name: str, args: Arguments, kwargs: Keywords) -> Any:
    numbers = [arg for arg in args if not isinstance(arg, Opaque)]
    if len(numbers) != len(args) or not numbers or not all(isinstance(arg, int | float) for arg in numbers):
        return None
    start, stop, step = (0, numbers[0], 1) if len(numbers) == 1 else (*numbers, 1)[:3]
    if name.endswith("linspace"):
        count: Any = numbers[2] if len(numbers) > 2 else kwargs.get("steps", kwargs.get("num"))
    elif step == 0 or not all(math.isfinite(number) for number in (start, stop, step)):
        return None
    else:
        count = max(math.ceil((stop - start) / step), 0)
    if type(count) is not int or not 0 <= count < 2**32:
        return None
    whole = all(isinstance(number, int) for number in numbers) and not name.endswith("linspace")
    label = dtype_label(kwargs.get("dtype")) or next((found for arg in args if (found := dtype_label(arg))), None)
    implied = "int64" if whole else "float64" if _is_numpy(name) else None
    return TensorExpression((count,), None, label or implied, label is None, "", ("values (counting up)",))


FUNCTIONS.update(arange=_range, linspace=_range)


# Methods, which are functions of the tensor as well.


def _method(*names: str, function: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(read: Callable[..., Any]) -> Callable[..., Any]:
        for each in names:
            METHODS[each] = read
            if function:
                FUNCTIONS.setdefault(
                    each,
                    lambda name, args, kwargs: read(args[0], args[1:], kwargs)
                    if args and isinstance(args[0], TensorExpression)
                    else None,
                )
        return read

    return register


@_method(
    "clone", "contiguous", "detach", "requires_grad_", "numpy", "copy", "copy_", "relu", "relu_", "abs", "neg",
    "exp", "sigmoid", "tanh", "sqrt", "retain_grad", "share_memory_", "pin_memory", "cpu", "realize", "data_ptr",
    "positive", "block_until_ready", "coalesce", "dequantize", "clamp", "clip", "round", "set_shape", "values",
    function=False,
)  # fmt: skip
def _kept(tensor: TensorExpression, args: Arguments, kwargs: Keywords) -> Any:
    return tensor


for _accelerator in ("cuda", "xpu", "mps", "npu"):

    @_method(_accelerator, function=False)
    def _moved(
        tensor: TensorExpression, args: Arguments, kwargs: Keywords, _name: str = _accelerator
    ) -> Any:
        tensor = tensor.but(values=tensor.values)
        tensor.add_fact(f"the device ({_name})")
        return tensor


@_method("to", "astype", "type", "type_as", "cast", "view_as", "reshape_as", "expand_as", "as_type")
def _converted(tensor: TensorExpression, args: Arguments, kwargs: Keywords) -> Any:
    made = tensor.but(values=tensor.values)
    for value in (*args, *kwargs.values()):
        label = dtype_label(value)
        if label is not None:
            made = made.but(values=made.values, dtype=label, implied=False)
        elif isinstance(value, TensorExpression):
            made = made.but(values=made.values, dtype=value.dtype, implied=value.implied)
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
        tensor: TensorExpression, args: Arguments, kwargs: Keywords, _label: str = _DTYPES[_dtype]
    ) -> Any:
        return tensor.but(values=tensor.values, dtype=_label, implied=False)


@_method("view", "reshape", "resize", "resize_", "unflatten_to")
def _reshaped(tensor: TensorExpression, args: Arguments, kwargs: Keywords) -> Any:
    if len(args) == 1 and dtype_label(args[0]):
        return tensor.but(dtype=dtype_label(args[0]))
    given: Any = kwargs.get("shape", kwargs.get("newshape", args[0] if len(args) == 1 else args))
    shape = _sizes(given)
    if shape is None:
        given = (given,) if isinstance(given, int) else given
        if not isinstance(given, tuple) or not all(_is_size(size) or size == -1 for size in given):
            return tensor.but(shape=None)
        known = tensor.known_shape()
        sizes = [size if type(size) is int else None for size in given]
        rest = math.prod(size for size in sizes if size is not None and size > 0)
        if sizes.count(-1) == 1 and None not in sizes and known is not None and rest:
            sizes[sizes.index(-1)] = math.prod(known) // rest
        shape = tuple(None if size == -1 else size for size in sizes)
    return tensor.but(shape=shape)


@_method("expand", "broadcast_to")
def _expanded(tensor: TensorExpression, args: Arguments, kwargs: Keywords) -> Any:
    given = args[0] if len(args) == 1 and isinstance(args[0], tuple) else args
    if tensor.shape is None or not all(type(size) is int for size in given):
        return tensor.but(shape=None)
    own = (1,) * (len(given) - len(tensor.shape)) + tensor.shape
    if len(own) != len(given):
        return tensor.but(shape=None)
    return tensor.but(shape=tuple(size if new == -1 else new for size, new in zip(own, given, strict=True)))


@_method("repeat", "tile")
def _repeated(tensor: TensorExpression, args: Arguments, kwargs: Keywords) -> Any:
    given = args[0] if len(args) == 1 and isinstance(args[0], tuple) else args
    if tensor.shape is None or not all(type(size) is int for size in given):
        return tensor.but(shape=None)
    own = (1,) * (len(given) - len(tensor.shape)) + tensor.shape
    if len(own) != len(given):
        return tensor.but(shape=None)
    sizes = (None if size is None else size * times for size, times in zip(own, given, strict=True))
    return tensor.but(shape=tuple(sizes))


@_method("unsqueeze", "unsqueeze_", "expand_dims")
def _unsqueezed(tensor: TensorExpression, args: Arguments, kwargs: Keywords) -> Any:
    axis = kwargs.get("dim", kwargs.get("axis", args[0] if args else None))
    if tensor.shape is None or type(axis) is not int or not -len(tensor.shape) - 1 <= axis <= len(tensor.shape):
        return tensor.but(shape=None)
    axis %= len(tensor.shape) + 1
    return tensor.but(shape=(*tensor.shape[:axis], 1, *tensor.shape[axis:]))


@_method("squeeze", "squeeze_")
def _squeezed(tensor: TensorExpression, args: Arguments, kwargs: Keywords) -> Any:
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
def _permuted(tensor: TensorExpression, args: Arguments, kwargs: Keywords) -> Any:
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
    return tensor.but(shape=tuple(tensor.shape[axis] for axis in axes))


@_method("flatten", "ravel")
def _flattened(tensor: TensorExpression, args: Arguments, kwargs: Keywords) -> Any:
    start = kwargs.get("start_dim", args[0] if args else 0)
    if tensor.shape is None or type(start) is not int or not 0 <= start <= len(tensor.shape):
        return tensor.but(shape=None)
    rest = tensor.shape[start:]
    size = None if None in rest else math.prod(size or 0 for size in rest)
    return tensor.but(shape=(*tensor.shape[:start], size))


@_method("sum", "mean", "max", "min", "norm", "prod", "std", "var", "item", "all", "any", "argmax",
         "reduce_sum", "reduce_mean", "reduce_max")  # fmt: skip
def _reduced(tensor: TensorExpression, args: Arguments, kwargs: Keywords) -> Any:
    return tensor.but(shape=None if args or kwargs else ())


@_method("fill_", function=False)
def _fill_in_place(tensor: TensorExpression, args: Arguments, kwargs: Keywords) -> Any:
    return _filled(tensor, args[0] if args else None)


@_method("constant_")
def _constant_in_place(tensor: TensorExpression, args: Arguments, kwargs: Keywords) -> Any:
    return _filled(tensor, args[0] if args else kwargs.get("val"))


@_method("ones_")
def _ones_in_place(tensor: TensorExpression, args: Arguments, kwargs: Keywords) -> Any:
    return _filled(tensor, 1)


@_method("zero_", "zeros_")
def _zero_in_place(tensor: TensorExpression, args: Arguments, kwargs: Keywords) -> Any:
    return _filled(tensor, 0)


@_method("normal_", "uniform_", "random_", function=False)
def _random_in_place(tensor: TensorExpression, args: Arguments, kwargs: Keywords) -> Any:
    tensor.facts = tuple(fact for fact in tensor.facts if not fact.startswith("values"))
    return tensor


@_method("size", function=False)
def _size(tensor: TensorExpression, args: Arguments, kwargs: Keywords) -> Any:
    shape = size_tuple(tensor)
    if not args or shape is None:
        return shape
    fits = type(args[0]) is int and -len(shape) <= args[0] < len(shape)
    return shape[args[0]] if fits else None


@_method("dim", "ndimension", function=False)
def _dim(tensor: TensorExpression, args: Arguments, kwargs: Keywords) -> Any:
    return None if tensor.shape is None else len(tensor.shape)


@_method("numel", "nelement", function=False)
def _numel(tensor: TensorExpression, args: Arguments, kwargs: Keywords) -> Any:
    shape = tensor.known_shape()
    return None if shape is None else math.prod(shape)


def size_tuple(tensor: TensorExpression) -> tuple[Any, ...] | None:
    """The shape as a program sees it: sizes that are not known stay so."""
    if tensor.shape is None:
        return None
    return tuple(Opaque("an unknown size") if size is None else size for size in tensor.shape)


for _name in ("shape", "get_shape", "int_shape", "as_list"):
    METHODS.setdefault(_name, lambda tensor, args, kwargs: size_tuple(tensor))
    FUNCTIONS[_name] = lambda name, args, kwargs: (
        size_tuple(args[0]) if args and isinstance(args[0], TensorExpression) else None
    )


def _sequence(name: str, args: Arguments, kwargs: Keywords) -> Any:
    if len(args) == 1 and isinstance(args[0], tuple):
        tensors = [item for item in args[0] if isinstance(item, TensorExpression)]
        if not tensors:
            return args[0]
        if name.endswith("stack") and tensors[0].shape is not None:
            return tensors[0].but(shape=(len(args[0]), *tensors[0].shape))
    return None


for _name in ("stack", "pack", "Size", "TensorShape"):
    FUNCTIONS[_name] = _sequence


def _concatenated(name: str, args: Arguments, kwargs: Keywords) -> Any:
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


def _padded(name: str, args: Arguments, kwargs: Keywords) -> Any:
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


def combine(one: TensorExpression, other: Any) -> TensorExpression:
    """The result of arithmetic: the shapes broadcast; a plain number keeps the dtype."""
    if not isinstance(other, TensorExpression):
        return one.but(facts=_changed(one))
    shape: Shape | None = None
    if one.shape is not None and other.shape is not None:
        pairs = list(zip_longest(reversed(one.shape), reversed(other.shape), fillvalue=1))
        shape = tuple(b if a == 1 else a for a, b in reversed(pairs))
    first = other if one.dtype is None or one.implied else one
    return first.but(shape=shape, special=one.special or other.special, origin=one.origin | other.origin)


def _changed(tensor: TensorExpression) -> tuple[str, ...]:
    return tuple("values (computed)" if fact.startswith("values") else fact for fact in tensor.facts)


def index_shape(shape: Shape, index: Any) -> Shape | None:
    """The shape of a tensor indexed with ints, slices, None and an ellipsis."""
    items = list(index) if isinstance(index, tuple) else [index]
    consumed = sum(item is not None and item is not Ellipsis for item in items)
    if Ellipsis in [item for item in items if item is Ellipsis]:
        place = next(at for at, item in enumerate(items) if item is Ellipsis)
        items[place : place + 1] = [slice(None)] * (len(shape) - consumed)
    elif consumed <= len(shape):
        items += [slice(None)] * (len(shape) - consumed)
    result: list[int | None] = []
    axis = 0
    for item in items:
        if item is None:
            result.append(1)
            continue
        if axis >= len(shape):
            return None
        size = shape[axis]
        axis += 1
        if isinstance(item, slice):
            ends = (item.start, item.stop, item.step)
            if not all(end is None or type(end) is int for end in ends) or item.step == 0:
                result.append(None)
            elif size is None:
                result.append(None)
            else:
                result.append(len(range(*item.indices(size))))
        elif type(item) is not int:
            return None
    return tuple(result)
