"""What an adapter takes out of its framework: arrays of numbers, and what is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from conformance.cases.case import Case
from conformance.cases.dtypes import DTYPES

__all__ = ["NotNumbers", "Product", "Tensor", "WrongShape", "require_shape"]

_SHORT_NAMES = {dtype.label: dtype.name for dtype in DTYPES.values()}


@cache
def _short_name(dtype: np.dtype[Any]) -> str:
    return _SHORT_NAMES.get(dtype.name, dtype.name)


class NotNumbers(Exception):
    """An implementation returned something that is not a plain array of numbers."""


class WrongShape(Exception):
    """An output of a large case has a shape different from the one that the rules give."""


def _require_numbers(value: Any) -> None:
    """Raise NotNumbers for an output of which conversion to a plain array would invent or hide something."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        masked = int(np.ma.getmaskarray(value).sum())
        raise NotNumbers(f"the output is a masked array, {masked} of whose {value.size} elements are masked")
    if value is None:
        raise NotNumbers("the output is None")
    array = np.asarray(value)
    if array.dtype.kind in "OSUMm":
        raise NotNumbers(f"the output is a {type(value).__name__} of dtype {array.dtype}, which holds no numbers")


def require_shape(name: str, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    """Raise WrongShape unless an output of a large case has the shape that the rules give."""
    if shape != expected:
        raise WrongShape(f"{name} has shape {shape}; by the rules it is {expected}")


@dataclass(frozen=True)
class Tensor:
    """An output: values in a carrier dtype, and the short name of the format they came in."""

    values: np.ndarray
    dtype: str

    @classmethod
    def of(cls, array: Any) -> Tensor:
        """Take a NumPy array; ml_dtypes' bfloat16 becomes float32 with the name ``bf16``."""
        _require_numbers(array)
        array = np.asarray(array)
        name = _short_name(array.dtype)
        if name == "bf16":
            array = array.astype(np.float32)
        return cls(array, name)


@dataclass(frozen=True)
class Product:
    """What a converter wrote.

    Attributes
    ----------
    name : str
        The model: a file, or the folder of a SavedModel.
    files : dict of bytes
        All files of the model by their path.
    layer : Case
        The layer that was converted, which the model should hold.
    """

    name: str
    files: Mapping[str, bytes]
    layer: Case
