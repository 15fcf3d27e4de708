"""Diagnosis of crashes, and of outputs of a wrong shape."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import numpy as np

from conformance.cases.case import Case
from conformance.cases.errors import DomainError
from conformance.cases.layouts import other_layout
from conformance.diagnosis.mutations.misreadings import misreadings
from conformance.diagnosis.mutations.registry import equals_expected
from conformance.reports.record.crash_text import last_line
from conformance.reports.record.diagnosis import Diagnosis

__all__ = [
    "diagnose_crash",
    "diagnose_shape",
]

# The source file that a failed check names, without its line number, which changes from release to release.
_SOURCE_FILE = re.compile(r"([\w-]+\.(?:cc|cpp|cu|c|h|hpp|rs))\b")


def diagnose_crash(detail: str, kind: Literal["crash", "timeout"] = "crash") -> Diagnosis:
    """Report the signal or exit status and the framework's last line; or that the time ran out."""
    signal = detail.partition("\n")[0].strip()
    if kind == "timeout":
        return Diagnosis(transform=kind, text="no output within the time limit", signal=signal)
    message = last_line(detail)
    place = _SOURCE_FILE.search(message)
    return Diagnosis(
        transform=kind,
        text=f"the process ended with {signal}" + (f": {message}" if message else ""),
        argument=place[1] if place else "",
        signal=signal,
        last_line=message,
    )


def diagnose_shape(
    case: Case, shape: tuple[int, ...], values: tuple[np.ndarray, np.ndarray] | None = None
) -> Diagnosis:
    """Find the misreading that gives the shape of an output.

    Parameters
    ----------
    case : Case
        The case.
    shape : tuple of int
        The shape of the output, in the case's layout.
    values : pair of numpy.ndarray, optional
        The output and the expected output, where there are values and no transformation reproduces them. A misread
        number that gives only the shape is then mentioned, but is not a diagnosis.
    """
    same_values = values is not None and np.array_equal(values[0].ravel(), values[1].ravel())
    readings = list(_readings(case, shape, values is None))
    if not readings:
        return Diagnosis(transform="unexplained", text=_unexplained_shape(case, shape))
    first, *others = readings
    change = first.text
    if values is None:
        text = f"the shape {list(shape)} is that of the expected output with {change}"
    elif same_values:
        text = equals_expected(change)
    else:
        text = f"the shape {list(shape)} is that of the expected output with {change}; the values are not"
    return replace(first, text=text, also=tuple(others[:5]))


def _readings(case: Case, shape: tuple[int, ...], shape_only: bool) -> Iterator[Diagnosis]:
    """Transformations whose output has a given shape; the text completes "the expected output with"."""
    names = ("D", "H", "W")[-case.rank :]
    expected = case.output_shape
    layout = other_layout(case)
    if layout is not None and layout.output_shape == shape:
        text = f"the input {case.input_shape} read as {layout.layout}: the axes look like the other layout"
        yield Diagnosis(transform="layout_mistaken", text=text)
    if shape == replace(case, layout=_other(case.layout)).output_shape:
        yield Diagnosis(transform="layout_mistaken", text=f"the output in {_other(case.layout)}")
    if len(shape) == len(expected) and all(
        g == n or (g, n) == (1, 0) for g, n in zip(shape, expected, strict=True)
    ):
        yield Diagnosis(transform="empty_filled", text="one entry where an axis is empty")
    for reading in misreadings(case) if shape_only else ():
        try:
            misread_shape = reading.case.output_shape
        except DomainError:
            continue
        if misread_shape == shape:
            axes = tuple(names[a] for a in reading.axes)
            yield Diagnosis(transform=reading.transform, axes=axes, text=reading.text)
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
    for candidate, transform, text in others:
        if candidate == shape:
            yield Diagnosis(transform=transform, text=text)


def _unexplained_shape(case: Case, shape: tuple[int, ...]) -> str:
    """Describe a shape that nothing explains, beside the expected one."""
    expected = case.output_shape
    text = f"shape {list(shape)}, where the rules give {list(expected)}"
    if len(shape) != len(expected):
        return text
    names = ("D", "H", "W")[-case.rank :]
    spatial = slice(2, None) if case.layout == "channels_first" else slice(1, -1)
    pairs = zip(names, shape[spatial], expected[spatial], strict=True)
    differences = [f"{g - e:+d} along {name}" for name, g, e in pairs if g != e]
    return text + (f": {', '.join(differences)}" if differences else "")


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
