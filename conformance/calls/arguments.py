"""Convert the arguments of a call to the fields of a case, with an error that names the argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.calls.errors import CallError
from conformance.calls.values import Opaque
from conformance.cases.dtypes import DTYPES

__all__ = [
    "crops_for_output",
    "dtype_name",
    "full_size",
    "given_or_none",
    "number",
    "pairs",
    "per_axis",
    "refuse",
    "symmetric",
    "truth",
]

_DTYPE_NAMES = {dtype.label: name for name, dtype in DTYPES.items()} | {
    "half": "f16",
    "float": "f32",
    "double": "f64",
    "cfloat": "c64",
    "cdouble": "c128",
}


def number(name: str, value: Any) -> int:
    """A whole number, or an error that names the argument."""
    if type(value) is not int:
        raise CallError(f"{name}: {value!s} is not a literal number; write the number itself")
    return value


def truth(name: str, value: Any) -> bool:
    """True or False, or an error that names the argument."""
    if value not in (True, False, 0, 1):
        raise CallError(f"{name}: {value!s} is neither True nor False")
    return bool(value)


def per_axis(name: str, value: Any, rank: int) -> tuple[int, ...]:
    """One whole number per axis, from one number or a sequence."""
    values = value if isinstance(value, tuple) else (value,)
    if len(values) not in (1, rank):
        raise CallError(f"{name}: {len(values)} numbers for {rank} axes; give one, or one per axis")
    numbers = tuple(number(name, item) for item in values)
    return numbers * rank if len(numbers) == 1 else numbers


def dtype_name(value: Any) -> str | None:
    """The short name of a dtype such as ``torch.float64`` or ``"float16"``; None for a variable of the program."""
    last = str(value).rpartition(".")[2]
    if isinstance(value, Opaque) and value.text.isidentifier() and last not in _DTYPE_NAMES:
        return None  # a variable of the program
    if last not in _DTYPE_NAMES:
        raise CallError(f"dtype: {value!s} is not known; known are {', '.join(_DTYPE_NAMES)}")
    return _DTYPE_NAMES[last]


def symmetric(name: str, value: Any, rank: int) -> tuple[tuple[int, int], ...]:
    """The same crop at both ends of each axis."""
    return tuple((crop, crop) for crop in per_axis(name, value, rank))


def pairs(name: str, value: Any, rank: int) -> tuple[tuple[int, int], ...]:
    """One (low, high) pair per axis."""
    if not isinstance(value, tuple) or len(value) != rank:
        raise CallError(f"{name}: {value!s} is not one (low, high) pair for each of {rank} axes")
    ends = []
    for pair in value:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise CallError(f"{name}: {pair!s} is not a (low, high) pair")
        ends.append((number(name, pair[0]), number(name, pair[1])))
    return tuple(ends)


def given_or_none(name: str, value: Any, rank: int) -> tuple[int, ...] | None:
    """Output padding of an explicit crop; 0 everywhere means the same as not given (R4)."""
    values = per_axis(name, value, rank)
    return values if any(values) else None


def crops_for_output(
    low: Callable[[int, int], int], spatial: tuple[int, ...], output: tuple[int, ...], full: Callable[..., int]
) -> tuple[tuple[int, int], ...]:
    """The crop that leaves the output length on each axis; ``low`` maps full and output length to its start."""
    crops = []
    for axis, (size, length) in enumerate(zip(spatial, output, strict=True)):
        full_length = full(axis, size)
        start = low(full_length, length)
        crops.append((start, full_length - start - length))
    return tuple(crops)


def full_size(kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]) -> Callable[..., int]:
    """The length F = (i - 1)s + d(k - 1) + 1 of an axis, from its number and its input length."""
    return lambda axis, size: (size - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1


def refuse(name: str, value: Any, accepted: Any, why: str) -> None:
    """Raise unless an argument has the one value with which the call is a plain transposed convolution."""
    if value != accepted and not (isinstance(value, Opaque) and value.text == str(accepted)):
        raise CallError(f"{name}={value!s}: {why}")
