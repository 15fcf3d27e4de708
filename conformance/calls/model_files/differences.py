"""In what a transposed convolution that was read back from a model differs from the layer that was converted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from conformance.calls.model_files.records import ModelLayer
from conformance.cases import Case, DomainError
from conformance.cases.fields import FIELDS

__all__ = ["differences"]

# What a model has to say in the same numbers, and what may be said in several ways that mean the same.
_SAME = ("batch", "in_channels", "out_channels", "groups", "input_size", "kernel_size")
_PLACING = ("stride", "dilation", "padding", "output_padding")


def differences(layer: Case, read: ModelLayer, tensors: Mapping[str, np.ndarray]) -> list[str]:
    """Compare a layer of a model with the one that was converted.

    Parameters
    ----------
    layer : Case
        The layer that was converted.
    read : ModelLayer
        The layer that the model holds; it has a case.
    tensors : mapping of numpy.ndarray
        Weights ``w`` and ``bias`` of the layer, in the order of a case.

    Returns
    -------
    list of str
        Such as ``output_padding 0x0 where 1x1 was converted``; empty where both mean the same. A model may hold
        the bias as a node of its own, and an axis of length 1 more than the layer.
    """
    assert read.case is not None
    dropped = _added_axes(layer, read.case)
    if dropped is None:
        return [f"{read.case.rank} axes where {layer.rank} were converted"]
    found = _without(read.case, dropped)
    wrong = [name for name in _SAME if getattr(found, name) != getattr(layer, name)]
    placed = _placed(layer) == _placed(found) if _placed(layer) is not None else _alike(layer, found)
    if not wrong and not placed:
        wrong = [name for name in _PLACING if _value(name, found) != _value(name, layer)]
    texts = [_difference(name, layer, found) for name in wrong]
    if not texts:
        texts += _of_weights(read.values, tensors, [axis + 2 for axis in dropped])
    if found.bias and not layer.bias:
        texts.append("a bias where none was converted")
    return texts


def _added_axes(layer: Case, read: Case) -> list[int] | None:
    """The axes of length 1 by which a model has more axes than the layer; None if there are no such axes."""
    extra = read.rank - layer.rank
    units = [axis for axis in range(read.rank) if read.kernel_size[axis] == read.input_size[axis] == 1]
    return units[:extra] if 0 <= extra <= len(units) else None


def _without(case: Case, axes: Sequence[int]) -> Case:
    if not axes:
        return case

    def rest(values: Sequence[object]) -> tuple[object, ...]:
        return tuple(value for axis, value in enumerate(values) if axis not in axes)

    names = ["input_size", "kernel_size", "stride", "dilation"]
    names += [] if isinstance(case.padding, str) else ["padding"]
    names += [name for name in ("output_padding", "given_output_size") if getattr(case, name) is not None]
    changed = {name: rest(getattr(case, name)) for name in names}
    return replace(case, rank=case.rank - len(axes), **changed)  # type: ignore[arg-type]


def _placed(case: Case) -> object:
    """Where every product of the layer goes; None for an invalid layer. What has no effect is left out."""
    try:
        geometry = replace(case, data="ints", values="").geometry()
    except DomainError:
        return None
    steps = [
        (stride if length > 1 else 0, dilation if kernel > 1 else 0)
        for length, kernel, stride, dilation in zip(
            case.input_size, case.kernel_size, case.stride, case.dilation, strict=True
        )
    ]
    return geometry.output_size, [low for low, _ in geometry.crop], steps


def _alike(layer: Case, read: Case) -> bool:
    """For an invalid layer: whether its parameters are those that were read."""
    return all(_value(name, layer) == _value(name, read) for name in _PLACING)


def _value(name: str, case: Case) -> object:
    """A parameter; beside explicit padding no output_padding is one of 0 (R4)."""
    value = getattr(case, name)
    is_none = name == "output_padding" and value is None and not isinstance(case.padding, str)
    return (0,) * case.rank if is_none else value


def _difference(name: str, layer: Case, read: Case) -> str:
    return f"{name} {_shown(name, read)} where {_shown(name, layer)} was converted"


def _shown(name: str, case: Case) -> str:
    case = replace(case, **{name: _value(name, case)})  # type: ignore[arg-type]
    field = next((field for field in FIELDS if field.name == name), None)
    if field is None:
        return str(getattr(case, name))
    return field.write(case).removeprefix(field.prefix or "")


def _of_weights(
    read: Mapping[str, np.ndarray], tensors: Mapping[str, np.ndarray], dropped: Sequence[int]
) -> Iterator[str]:
    for name, what in (("w", "weights that differ"), ("bias", "a bias that differs")):
        if name not in read or name not in tensors:
            continue
        found = read[name].squeeze(tuple(dropped)) if name == "w" else read[name]
        expected = np.asarray(tensors[name], found.dtype)
        if found.shape != expected.shape:
            yield f"{what} in shape: {list(found.shape)} where {list(expected.shape)} was converted"
        elif not np.array_equal(found, expected, equal_nan=True):
            count = int(np.sum(~((found == expected) | (np.isnan(found) & np.isnan(expected)))))
            yield f"{what} in {count} of {expected.size} numbers"
