"""Functions that make a tensor: from sizes, from numbers, or like another. A new one is one line here."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.calls.dtype_names import device_fact, dtype_label
from conformance.calls.tensors import FUNCTIONS, Keywords, Positional, filled, read_sizes
from conformance.calls.values import Opaque, TensorExpression
from conformance.cases.literals import MOST_NUMBERS

__all__ = ["FUNCTIONS"]

_MAX_VALUES = 8
_MAX_ARRAY = 10_000


def _device(kwargs: Keywords) -> tuple[str, ...]:
    device = kwargs.get("device")
    return () if device is None else device_fact(device)


# Functions that make tensors from sizes, or from a shape.


def _is_numpy(name: str) -> bool:
    return name.startswith(("np.", "numpy."))


def _made(name: str, args: Positional, kwargs: Keywords, *, fill: str = "", dtype: Any = None) -> Any:
    written = kwargs.get("size", kwargs.get("shape"))
    if written is None:
        # rand(2, 3) takes sizes, ones((2, 3)) a shape; a shape may follow another argument, as a random key.
        written = next((arg for arg in args if isinstance(arg, tuple)), None)
        if written is None and args and all(type(arg) is int or isinstance(arg, Opaque) for arg in args):
            opaque = [arg for arg in args if isinstance(arg, Opaque) and (dtype_label(arg) or "." in arg.text)]
            written = tuple(arg for arg in args if arg not in opaque)
    shape = read_sizes(written)
    if shape is None or (not shape and written != ()):
        return None
    label = dtype_label(kwargs.get("dtype", dtype))
    if label is None:
        label = next((found for arg in args if not isinstance(arg, int) and (found := dtype_label(arg))), None)
    implied = label is None and _is_numpy(name)
    facts = (fill,) if fill else ()
    numbers = {"values (all 0)": (0.0,), "values (all 1)": (1.0,)}.get(fill)
    return TensorExpression(
        shape,
        dtype="float64" if implied else label,
        implied=implied,
        facts=facts + _device(kwargs),
        numbers=numbers,
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


def _drawn(name: str, args: Positional, kwargs: Keywords) -> Any:
    """Numbers in the arguments are those of the distribution; the shape is a tuple."""
    return _made(name, tuple(arg for arg in args if not isinstance(arg, int | float)), kwargs)


for _name in (
    "normal",
    "uniform",
    "random",
    "random_normal",
    "truncated_normal",
    "random_uniform",
    "glorot_uniform",
):
    FUNCTIONS[_name] = _drawn


def _integers(name: str, args: Positional, kwargs: Keywords) -> Any:
    made = _made(name, tuple(arg for arg in args if isinstance(arg, tuple)), kwargs)
    if isinstance(made, TensorExpression) and (made.dtype is None or made.implied):
        made = made.but(dtype="int64", implied=True)
    return made


FUNCTIONS.update(randint=_integers, random_integers=_integers, integers=_integers)


def _full(name: str, args: Positional, kwargs: Keywords) -> Any:
    value = kwargs.get("fill_value", kwargs.get("value", args[1] if len(args) > 1 else None))
    made = _made(name, args[:1], kwargs)
    return filled(made, value) if isinstance(made, TensorExpression) else None


FUNCTIONS.update(full=_full, fill=_full)


def _placeholder(name: str, args: Positional, kwargs: Keywords) -> Any:
    shape = read_sizes(kwargs.get("shape", next((arg for arg in args if isinstance(arg, tuple)), None)))
    dtype = kwargs.get("dtype", next((arg for arg in args if not isinstance(arg, tuple)), None))
    start = kwargs.get("initializer")
    if shape is None and isinstance(start, TensorExpression):
        return start
    return None if shape is None else TensorExpression(shape, dtype=dtype_label(dtype))


for _name in ("placeholder", "ShapeDtypeStruct", "TensorSpec", "get_variable", "add_weight", "Placeholder"):
    FUNCTIONS[_name] = _placeholder


def _paddle_data(name: str, args: Positional, kwargs: Keywords) -> Any:
    made = _placeholder(name, args, kwargs)
    if made is None or not name.endswith("layers.data") or kwargs.get("append_batch_size") is False:
        return made
    return made.but(shape=(None, *made.shape))


FUNCTIONS["paddle.data"] = FUNCTIONS["fluid.data"] = _paddle_data


def _keras_input(name: str, args: Positional, kwargs: Keywords) -> Any:
    whole = kwargs.get("batch_shape", kwargs.get("batch_input_shape"))
    shape = read_sizes(
        whole if whole is not None else kwargs.get("shape", kwargs.get("input_shape", (*args, None)[0]))
    )
    if shape is None:
        return None
    batch = kwargs.get("batch_size")
    return TensorExpression(
        shape if whole is not None else (batch if type(batch) is int else None, *shape),
        dtype=dtype_label(kwargs.get("dtype")),
    )


FUNCTIONS.update(Input=_keras_input, InputLayer=_keras_input)


def _value_info(name: str, args: Positional, kwargs: Keywords) -> Any:
    code, shape = (*args, None, None, None)[1:3]
    sizes = read_sizes(kwargs.get("shape", shape))
    dtype = dtype_label(kwargs.get("elem_type", code))
    return None if sizes is None else TensorExpression(sizes, dtype=None if dtype == "float32" else dtype)


def _make_tensor(name: str, args: Positional, kwargs: Keywords) -> Any:
    _, code, dims = (*args, None, None, None)[:3]
    sizes = read_sizes(kwargs.get("dims", dims))
    dtype = dtype_label(kwargs.get("data_type", code))
    return None if sizes is None else TensorExpression(sizes, dtype=None if dtype == "float32" else dtype)


FUNCTIONS.update(make_tensor_value_info=_value_info, make_tensor=_make_tensor)


# Functions that make a tensor from numbers or from another tensor.


def _wrap(name: str, args: Positional, kwargs: Keywords) -> Any:
    last = name.rpartition(".")[2]
    value = args[0] if args else kwargs.get("value", kwargs.get("data", kwargs.get("object")))
    dtype = kwargs.get("dtype", next((arg for arg in args[1:] if dtype_label(arg)), None))
    label = dtype_label(dtype) or ("float32" if last == "Tensor" and name.endswith("torch.Tensor") else None)
    if last == "Tensor" and len(args) > 1 and all(type(arg) is int for arg in args):
        return TensorExpression(args, dtype=label)
    made = value if isinstance(value, TensorExpression) else _from_numbers(value, _is_numpy(name))
    if made is None:
        return None
    shape = read_sizes(kwargs.get("shape", next((arg for arg in args[1:] if isinstance(arg, tuple)), None)))
    # tf.constant takes the shape as an argument; jax.numpy and torch.Tensor make float32 of NumPy's float64.
    narrowed = (
        made.implied and made.dtype == "float64" and name.startswith(("jnp.", "jax.", "mx.", "mlx.", "Tensor"))
    )
    return made.but(
        shape=shape if shape is not None and last in ("constant", "constant_initializer") else made.shape,
        values=made.values,
        numbers=made.numbers,
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
    plain = kind in "iuf" and 0 < array.size <= MOST_NUMBERS and not special
    numbers = tuple(float(number) for number in array.ravel()) if plain else None
    return TensorExpression(array.shape, values, dtype, True, special, facts, numbers=numbers)


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


def _same(name: str, args: Positional, kwargs: Keywords) -> Any:
    value = args[0] if args else next(iter(kwargs.values()), None)
    if isinstance(value, TensorExpression):
        return value
    return _from_numbers(value, _is_numpy(name)) if isinstance(value, tuple) else None


for _name in (
    "identity", "from_numpy", "variable", "to_variable",
    "stop_gradient", "device_put", "Parameter", "Variable", "from_dlpack", "Param",
    "relu", "tanh", "sigmoid", "leaky_relu", "elu", "gelu", "silu", "swish", "softmax", "dropout", "abs", "exp",
    "sqrt", "rsqrt", "square", "negative", "sin", "cos", "log", "ascontiguousarray", "copy", "from_array",
    "batch_norm", "batch_normalization", "normalize", "clip", "clamp", "round", "block_until_ready",
    "nan_to_num", "convert_to_numpy", "roll", "cumsum", "floor", "ceil", "sign", "log_softmax", "relu6",
):  # fmt: skip
    FUNCTIONS[_name] = _same


def _like(fill: str) -> Callable[[str, Positional, Keywords], Any]:
    def make(name: str, args: Positional, kwargs: Keywords) -> Any:
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


def _full_like(name: str, args: Positional, kwargs: Keywords) -> Any:
    made = _like("")(name, args, kwargs)
    value = kwargs.get("fill_value", args[1] if len(args) > 1 else None)
    return None if made is None else filled(made, value)


FUNCTIONS["full_like"] = _full_like


def _range(name: str, args: Positional, kwargs: Keywords) -> Any:
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


FUNCTIONS.update({"arange": _range, "linspace": _range, "tensorflow.range": _range})
