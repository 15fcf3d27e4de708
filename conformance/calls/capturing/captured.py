"""What a capture gives: each distinct call with its case, ready to print."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from conformance.calls.capturing.cases import read_case, short_dtype
from conformance.calls.capturing.events import Recorded, RecordedCall
from conformance.calls.capturing.onnx_models import read_nodes, remove_copy
from conformance.calls.form import CallError, Meaning
from conformance.cases import Case

__all__ = ["CapturedCall", "captured_calls"]


@dataclass(frozen=True)
class CapturedCall:
    """Equal calls of a program.

    Attributes
    ----------
    api : str
        Public name of what was called.
    case : Case or None
        The call as a case; None where none can say it, with the reason in `notes`.
    count : int
        How often it was called.
    where : str or None
        File and line in the user's program, such as ``model.py:12``.
    name : str or None
        Name of the layer, such as ``decoder.up1``.
    notes : tuple of str
        What the case does not say.
    """

    api: str
    case: Case | None
    count: int
    where: str | None
    name: str | None
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The call as JSON holds it."""
        return {
            "api": self.api,
            "case": None if self.case is None else str(self.case),
            "count": self.count,
            "where": self.where,
            "name": self.name,
            "notes": list(self.notes),
        }


def captured_calls(recorded: Recorded) -> list[CapturedCall]:
    """The calls with their cases, equal ones put together and the fatal one last.

    A call through which a gradient went is there a second time, as the case of the gradients.
    """
    counted: dict[CapturedCall, int] = {}
    for call in recorded.calls:
        for one in _with_gradient(call):
            key = replace(one, count=0)
            counted[key] = counted.get(key, 0) + one.count
    for model in {call.call["model"] for call in recorded.calls if "model" in call.call}:
        remove_copy(Path(model))
    return [replace(call, count=count) for call, count in counted.items()]


def _with_gradient(recorded: RecordedCall) -> Iterator[CapturedCall]:
    call = recorded.call
    gradients = recorded.count if call.get("gradient") else recorded.gradients
    for one in _read(recorded):
        entries = [one]
        if gradients and one.case is not None:
            why = call.get("gradient") or "a gradient was computed through this call"
            case = replace(one.case, direction="grad")
            entries.append(replace(one, case=case, count=gradients, notes=(*one.notes, why)))
        yield from reversed(entries) if recorded.fatal else entries


def _read(recorded: RecordedCall) -> Iterator[CapturedCall]:
    call = recorded.call
    where = call.get("where")
    line = f"{_relative(where[0])}:{where[1]}" if where else None

    def captured(name: str | None, case: Case | None, notes: Iterable[str]) -> CapturedCall:
        return CapturedCall(call["api"], case, recorded.count, line, name, (*notes, *_fate(recorded)))

    if "model" in call:
        yield from (captured(name, case, notes) for name, case, notes in _model_calls(call))
    else:
        yield captured(call.get("name"), *read_case(call))


def _model_calls(call: dict[str, Any]) -> Iterator[tuple[str | None, Case | None, list[str]]]:
    inputs = {name: tuple(value["shape"]) for name, value in call["arguments"].items() if isinstance(value, dict)}
    try:
        nodes = read_nodes(Path(call["model"]), inputs)
    except CallError as error:
        yield None, None, [f"not a case: {error}"]
        return
    for name, meaning, dtype in nodes:
        if not isinstance(meaning, Meaning):
            yield name, None, [f"not a case: {meaning}"]
            continue
        try:
            yield name, replace(meaning.case, dtype=short_dtype(dtype)), list(meaning.notes)
        except CallError:
            yield (
                name,
                meaning.case,
                [*meaning.notes, f"a case cannot have the dtype {dtype}; this one is float32"],
            )


def _fate(recorded: RecordedCall) -> Iterator[str]:
    traced = recorded.call.get("traced")
    if traced:
        yield f"seen while {traced} traced the program, not when it ran; the count is how often it was traced"
    if recorded.error:
        yield f"raised {recorded.error}"
    if recorded.fatal:
        yield "the process died during this call"


def _relative(path: str) -> str:
    relative = os.path.relpath(path)
    return path if relative.startswith(os.pardir) else relative
