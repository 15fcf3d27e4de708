"""What the text says of the tensors of a call: which dtype the case has, and what is not part of the case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from conformance.calls.values import TensorExpression
from conformance.cases.dtypes import DTYPES

__all__ = ["Dtypes", "data_kind", "left_out"]

_SHORT = {dtype.label: name for name, dtype in DTYPES.items()}
_COMPLEX = tuple(dtype.label for dtype in DTYPES.values() if dtype.is_complex)
_POSSESSIVE = {"input": "the input's", "weights": "the weights'", "bias": "the bias's"}


@dataclass(frozen=True, kw_only=True)
class Dtypes:
    """The dtypes that a call mentions.

    Attributes
    ----------
    default : str
        What tensors and layers have where nothing is said.
    layer : str or None
        What a layer is made with, or converted to; None if nothing is said.
    is_layer : bool
        Whether the weights belong to a layer.
    casts : bool
        Whether the layer converts its input.
    narrows : str
        Who makes float32 of NumPy's float64, as a sentence for the reader; "" if nothing does.
    """

    default: str
    layer: str | None
    is_layer: bool
    casts: bool
    narrows: str

    def of_case(
        self, image: TensorExpression | None, weight: TensorExpression | None
    ) -> tuple[str, str | None, tuple[str, ...]]:
        """Short names of the case's dtype and of its weights' if that differs, and notes on what it leaves out."""
        x, x_given = self._of(image)
        w, w_given = (self.layer or self.default, self.layer is not None) if self.is_layer else self._of(weight)
        notes = tuple(
            f"not part of the case: {_POSSESSIVE[role]} dtype ({label})"
            for role, label in (("input", x), ("weights", w))
            if label is not None and label not in _SHORT
        )
        notes += tuple(
            f"not part of the case: {_POSSESSIVE[role]} dtype, NumPy's float64; {self.narrows}"
            for role, tensor in (("input", image), ("weights", weight))
            if self._narrowed(tensor)
        )
        x, w = (label if label in _SHORT else None for label in (x, w))
        if self.casts or x is None or (w_given and not x_given):
            chosen = w or x or self.default
        elif self.is_layer and not x_given:
            chosen = w or x
        else:
            chosen = x
        mixed = not self.casts and x is not None and w is not None and x != w
        # What a function is given has the dtype that the framework's default says; a layer's own may be meant.
        certain = (x_given and w_given) or not (self.is_layer or _implied(image) or _implied(weight))
        if mixed and certain and not {x, w} & set(_COMPLEX):
            return _SHORT[str(x)], _SHORT[str(w)], notes
        if mixed:
            by_default = " by default" if self.is_layer and not w_given else ""
            notes += (
                f"not part of the case: mixed dtypes; the input is {x}, the weights are {w}{by_default}, "
                f"and the case has one dtype, {chosen}",
            )
        return _SHORT[chosen], None, notes

    def _narrowed(self, tensor: TensorExpression | None) -> bool:
        if not self.narrows or self.default == "float64" or tensor is None:
            return False
        return tensor.implied and tensor.dtype == "float64"

    def _of(self, tensor: TensorExpression | None) -> tuple[str | None, bool]:
        """The dtype of a tensor, and whether the text gives it."""
        if tensor is None:
            return None, False
        if tensor.dtype is None:
            return (None if tensor.shape is None else self.default), False
        if self._narrowed(tensor):
            return self.default, False
        return tensor.dtype, not tensor.implied


def _implied(tensor: TensorExpression | None) -> bool:
    return tensor is not None and tensor.implied


def data_kind(tensors: Mapping[str, TensorExpression | None]) -> tuple[str, tuple[str, ...]]:
    """The kind of input data of the case, and notes: an infinity or NaN has a kind, other values have none."""
    special = [(role, tensor.special) for role, tensor in tensors.items() if tensor is not None and tensor.special]
    if not special:
        return "ints", ()
    role, value = special[0]
    word = {"inf": "an infinity", "nan": "a NaN"}[value]
    notes = [f"the case has {word} at one place of the {role}, not at those of the text"]
    notes += [f"not part of the case: the {value} of the {other}" for other, value in special[1:]]
    return f"{value}{ {'weights': 'weight'}.get(role, role) }", tuple(notes)


def left_out(
    tensors: Mapping[str, TensorExpression | None], facts: Iterable[str], given: Iterable[str] = ()
) -> tuple[str, ...]:
    """One line for all that the text says and the case does not; it has the values of the roles in ``given``."""
    named = [
        fact if fact.startswith("the ") else f"{_POSSESSIVE[role]} {fact}"
        for role, tensor in tensors.items()
        for fact in (tensor.facts if tensor is not None else ())
        if not (role in given and fact.startswith("values"))
    ]
    unique = list(dict.fromkeys([*named, *facts]))
    return (f"not part of the case: {'; '.join(unique)}",) if unique else ()
