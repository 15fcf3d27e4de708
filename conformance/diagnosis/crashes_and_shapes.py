"""Diagnosis of crashes, and of numbers of another shape."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.cases.case import Case
from conformance.cases.errors import DomainError
from conformance.cases.layouts import other_layout
from conformance.diagnosis.mutations.placement import misread_cases
from conformance.reports.record.crash_text import last_line

__all__ = [
    "diagnose_crash",
    "diagnose_shape",
]

Diagnosis = dict[str, Any]

# A source file that a check names, without its line, which moves from release to release.
_SOURCE_FILE = re.compile(r"([\w-]+\.(?:cc|cpp|cu|c|h|hpp|rs))\b")


def diagnose_crash(detail: str, kind: str = "crash") -> Diagnosis:
    """Which signal or exit status ended the process, and the framework's own last line; or that time ran out."""
    signal = detail.partition("\n")[0].strip()
    if kind == "timeout":
        return {"transform": kind, "axes": [], "text": "no answer within the time limit", "signal": signal}
    said = last_line(detail)
    place = _SOURCE_FILE.search(said)
    return {
        "transform": kind,
        "axes": [],
        "text": f"the process ended with {signal}" + (f": {said}" if said else ""),
        "argument": place[1] if place else None,
        "signal": signal,
        "last_line": said,
    }


def diagnose_shape(
    case: Case, shape: tuple[int, ...], values: tuple[np.ndarray, np.ndarray] | None = None
) -> Diagnosis:
    """Which misreading gives the shape of an answer.

    Parameters
    ----------
    case : Case
        The question.
    shape : tuple of int
        The shape of the answer, in the case's layout.
    values : pair of numpy.ndarray, optional
        The answer and the right one, where there are numbers and no transformation has given them. A misread
        number that gives the shape alone is then said, but is no diagnosis.
    """
    same_values = values is not None and np.array_equal(values[0].ravel(), values[1].ravel())
    readings = list(_readings(case, shape, values is None))
    if not readings:
        return {"transform": "unexplained", "axes": [], "text": _off(case, shape)}
    transform, named, words = readings[0]
    if values is None:
        text = f"the shape {list(shape)} is that of the oracle with {words}"
    elif same_values:
        text = f"equals the oracle with {words}"
    else:
        text = f"the shape {list(shape)} is that of the oracle with {words}; the values are not"
    diagnosis: Diagnosis = {"transform": transform, "axes": list(named), "text": text}
    if len(readings) > 1:
        diagnosis["also"] = [{"transform": t, "axes": list(a), "text": w} for t, a, w in readings[1:6]]
    return diagnosis


def _readings(case: Case, shape: tuple[int, ...], shape_only: bool) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Transformations whose answer has a shape: transform, axes, words."""
    names = ("D", "H", "W")[-case.rank :]
    expected = case.output_shape
    layout = other_layout(case)
    if layout is not None and layout.output_shape == shape:
        words = f"the input {case.input_shape} read as {layout.layout}: the axes look like the other layout"
        yield "layout_mistaken", (), words
    if shape == replace(case, layout=_other(case.layout)).output_shape:
        yield "layout_mistaken", (), f"the output in {_other(case.layout)}"
    if len(shape) == len(expected) and all(
        g == n or (g, n) == (1, 0) for g, n in zip(shape, expected, strict=True)
    ):
        yield "empty_filled", (), "one entry where an axis is empty"
    for transform, axes, words, other in misread_cases(case) if shape_only else ():
        try:
            found = other.output_shape
        except DomainError:
            continue
        if found == shape:
            yield transform, tuple(names[a] for a in axes), words
    full = case.shape(case.out_channels, tuple(max(n, 0) for n in case.geometry().full_size))
    gathered = case.shape(case.out_channels, _forward_size(case))
    others: list[tuple[tuple[int, ...], str, str]] = [
        (expected[1:], "batch_missing", "no batch axis"),
        (tuple(n for n in expected if n != 1), "squeezed", "its axes of length 1 removed"),
        (expected[::-1], "output_axes_swapped", "its axes in reverse order"),
    ]
    if shape_only:
        others[:0] = [
            (full, "padding_ignored", "nothing cropped"),
            (gathered, "not_transposed", "the forward convolution"),
            (case.input_shape, "copy", "the input"),
            (case.weight_shape, "copy", "the weights"),
        ]
    for wanted, transform, words in others:
        if wanted == shape:
            yield transform, (), words


def _off(case: Case, shape: tuple[int, ...]) -> str:
    """A shape that nothing explains, beside the right one."""
    expected = case.output_shape
    text = f"shape {list(shape)}, where the rules give {list(expected)}"
    if len(shape) != len(expected):
        return text
    names = ("D", "H", "W")[-case.rank :]
    spatial = slice(2, None) if case.layout == "channels_first" else slice(1, -1)
    pairs = zip(names, shape[spatial], expected[spatial], strict=True)
    off = [f"{g - e:+d} along {name}" for name, g, e in pairs if g != e]
    return text + (f": {', '.join(off)}" if off else "")


def _other(layout: str) -> str:
    return "channels_last" if layout == "channels_first" else "channels_first"


def _forward_size(case: Case) -> tuple[int, ...]:
    geometry = case.geometry()
    return tuple(
        max((i + max(low, 0) + max(high, 0) - e) // s + 1, 0)
        for i, (low, high), e, s in zip(
            case.input_size, geometry.crop, geometry.effective_kernel, case.stride, strict=True
        )
    )
