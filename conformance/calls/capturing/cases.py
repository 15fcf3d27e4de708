"""A recorded call as a case, with notes on what the case does not say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from conformance.calls.errors import CallError
from conformance.calls.form import FORMS, CallContext, dtype_name
from conformance.calls.values import Arguments, TensorExpression
from conformance.cases import Case
from conformance.cases.layouts import layout_doubt

__all__ = ["read_case", "short_dtype"]

_IMAGES = ("input", "value", "lhs", "inputs", "x", "self")
_WEIGHTS = ("weight", "filters", "filter", "rhs", "kernel")
_SIZES = (5, 7, 6)


def read_case(call: dict[str, Any]) -> tuple[Case | None, list[str]]:
    """Read a recorded call as a case.

    Parameters
    ----------
    call : dict
        As a hook recorded it, see ``conformance/calls/capturing/hooks/plain.py``.

    Returns
    -------
    case : Case or None
        None where the arguments are none that a case can have.
    notes : list of str
        What the case does not say, one sentence each.
    """
    notes = list(call.get("notes", []))
    tensors = {name: value for name, value in call["arguments"].items() if _is_tensor(value)}
    image = call.get("shapes", {}).get("input") or _first(tensors, _IMAGES).get("shape")
    weight = call.get("shapes", {}).get("weight") or _first(tensors, _WEIGHTS).get("shape")
    arguments = {name: _argument(value) for name, value in call["arguments"].items()}
    if call["form"] == "onnx.helper.make_node":
        arguments |= {"op_type": "ConvTranspose", "inputs": ("x", "w"), "outputs": ("y",)}
    if call["form"].startswith("keras.layers."):
        del arguments["inputs"]
    try:
        form = FORMS[call["form"]]
        shape = _known(image, call, notes)
        meaning = form.read(
            Arguments(kwargs={name: value for name, value in arguments.items() if value is not None}),
            CallContext(
                name=form.name,
                rank=form.rank,
                input_shape=shape,
                weight_shape=_known(weight, call, notes),
                applied=None,
            ),
        )
    except CallError as error:
        return None, [*notes, f"not a case: {error}"]
    case = meaning.case
    notes += [note for note in meaning.notes if note != layout_doubt(case)]
    case = replace(case, layout=call.get("layout", case.layout))
    case, dtype_notes = _with_dtype(case, call, tensors)
    return case, [*notes, *dtype_notes, *_value_notes(call)]


def short_dtype(label: str) -> str:
    """The dtype of a case for a framework's name of it; CallError if a case cannot have it."""
    name = dtype_name(label)
    if name is None:
        raise CallError(f"dtype: {label} is not known")
    return name


def _is_tensor(value: Any) -> bool:
    return isinstance(value, dict) and "shape" in value


def _first(tensors: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return next((tensors[name] for name in names if name in tensors), {})


def _argument(value: Any) -> Any:
    """A recorded argument as the calls that a user pastes have it."""
    if _is_tensor(value):
        return TensorExpression(tuple(size or 0 for size in value["shape"] or ()))
    if isinstance(value, list):
        return tuple(_argument(item) for item in value)
    return value


def _known(shape: list[int | None] | None, call: dict[str, Any], notes: list[str]) -> tuple[int, ...] | None:
    """A shape with sizes in place of those that were not known when the program was traced."""
    if shape is None:
        return None
    sizes = tuple(
        size if size is not None else 1 if axis == 0 else _SIZES[(axis - 1) % len(_SIZES)]
        for axis, size in enumerate(shape)
    )
    unknown = [axis for axis, size in enumerate(shape) if size is None]
    if unknown == [0]:
        notes.append("the batch was not known yet; the case has a batch of 1")
    elif unknown:
        notes.append(
            f"the sizes of the axes {unknown} were not known yet; the case is for {'x'.join(map(str, sizes))}"
        )
    return sizes


def _with_dtype(case: Case, call: dict[str, Any], tensors: dict[str, Any]) -> tuple[Case, list[str]]:
    given = _first(tensors, _IMAGES).get("dtype", "float32")
    computed = call.get("dtype", given)
    notes = []
    others = sorted({value["dtype"] for value in tensors.values()} - {given})
    if tensors and "dtype" in call:
        notes.append(f"computed in {computed} under autocast; the input is {given}")
    elif others:
        notes.append(f"the input is {given} and other tensors are {', '.join(others)}; a case has one dtype")
    try:
        return replace(case, dtype=short_dtype(computed)), notes
    except CallError:
        return case, [*notes, f"a case cannot have the dtype {computed}; this one is {case.format.label}"]


def _value_notes(call: dict[str, Any]) -> Iterator[str]:
    for name, values in call.get("values", {}).items():
        if special := sorted(
            {str(value) for value in _flat(values) if isinstance(value, str)} & {"inf", "-inf", "nan"}
        ):
            yield f"{name} contains {', '.join(special)}; the data of the case are finite"


def _flat(values: Any) -> Iterator[Any]:
    if isinstance(values, list):
        for value in values:
            yield from _flat(value)
    else:
        yield values
