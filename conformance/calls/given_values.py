"""The numbers that a text gives the tensors of a call, as the case's own: in its order of axes, for its id."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from conformance.calls.values import TensorExpression
from conformance.cases import Case
from conformance.cases.dtypes import round_to
from conformance.cases.literals import print_sections

__all__ = ["given_values"]

_MOST_TEXT = 600
_TENSORS = {"input": "x", "weights": "w", "bias": "bias"}


def given_values(
    case: Case, tensors: Mapping[str, TensorExpression | None], weight_axes: str | None, flipped: bool
) -> tuple[str, tuple[str, ...]]:
    """The text of the numbers for ``Case.values``, and the roles of the tensors that it has all numbers of.

    Only zeros and only ones are taken for placeholders: the text is empty unless another number is given.

    Parameters
    ----------
    case : Case
        The case, without the numbers.
    tensors : mapping
        The tensors of the call by role: ``input``, ``weights``, ``bias``.
    weight_axes : str or None
        Order of the axes of the call's weights, as in `WeightForm`; None for one that is not a permutation.
    flipped : bool
        Whether the call's kernel is reversed along every spatial axis.
    """
    shapes = {
        "input": case.input_shape,
        "weights": case.weight_shape,
        "bias": (case.bias_size or case.out_channels,),
    }
    numbers: dict[str, tuple[float, ...]] = {}
    roles = []
    for role, tensor in tensors.items():
        if tensor is None or not tensor.numbers or (role == "bias" and not case.bias):
            continue
        form = case.format_of(_TENSORS[role])
        if not np.isfinite(round_to(form, np.array(tensor.numbers))).all():
            continue
        ordered: tuple[float, ...] | None = tensor.numbers
        if len(tensor.numbers) > 1 or math.prod(shapes[role]) == 1:
            ordered = _in_order(case, role, tensor, shapes[role], weight_axes, flipped)
        if ordered is not None:
            numbers[_TENSORS[role]] = ordered
            roles.append(role)
    text = print_sections(numbers)
    telling = any(set(values) - {0.0, 1.0} or len(set(values)) > 1 for values in numbers.values())
    return (text, tuple(roles)) if telling and len(text) <= _MOST_TEXT and not case.format.is_complex else ("", ())


def _in_order(
    case: Case, role: str, tensor: TensorExpression, shape: tuple[int, ...], axes: str | None, flipped: bool
) -> tuple[float, ...] | None:
    """The numbers in C order of the case's channels_first tensor; None where the shapes do not agree."""
    own = tensor.known_shape()
    if own is None or tensor.numbers is None or math.prod(own) != len(tensor.numbers):
        return None
    array = np.array(tensor.numbers).reshape(own)
    if role == "input":
        if own not in (shape, shape[1:]):
            return None
        array = array.reshape(shape)
        array = np.moveaxis(array, -1, 1) if case.layout == "channels_last" else array
    elif role == "weights":
        if axes is None or array.ndim != case.rank + 2:
            return None
        letters = axes.replace("*", "DHW"[-case.rank :])
        array = array.transpose([letters.index(letter) for letter in "io" + "DHW"[-case.rank :]])
        if array.shape != shape:
            return None
        array = np.flip(array, tuple(range(2, array.ndim))) if flipped else array
    elif own != shape:
        return None
    return tuple(array.ravel().tolist())
