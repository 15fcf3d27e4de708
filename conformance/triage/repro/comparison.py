"""The part of a script from its data to its exit code: the expected output, the call, and the comparison.

A comparison that fails raises an AssertionError, which ends the script with exit code 1.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from conformance.adapters.registry import load
from conformance.calls.formatting import tidy
from conformance.cases.dtypes import round_to
from conformance.cases.errors import DomainError
from conformance.oracle.error_bound import PROFILES, tolerance
from conformance.oracle.expected_output import judged_bit_by_bit, reference
from conformance.oracle.overflow import within
from conformance.oracle.reference import Reference
from conformance.triage.repro.data import LITERAL_LINES, LITERAL_SIZE, array_text, data_lines, packed_text
from conformance.triage.repro.definition import definition_lines

if TYPE_CHECKING:
    from conformance.triage.repro.observation import Observation

__all__ = ["NO_OUTPUT", "judged_lines", "shows_without_output"]

NO_OUTPUT = ("crash", "timeout")
"""Outcomes that kill the process; the script only checks that the call returns."""

_FAR_ELEMENTS = 3
_MOST_WHOLE = 1 << 20  # elements of an output that is compared as a whole
Expected = dict[str, np.ndarray]

# How a verdict says where an output is wrong.
_FIRST = re.compile(r"(\w+) differs in \d+ of \d+ elements, first at \[([\d, ]*)\]")


def judged_lines(observed: Observation) -> list[str]:
    """Return the lines from the input arrays to the exit code, with the call among them.

    Parameters
    ----------
    observed : Observation
        A valid case and its outcome.
    """
    if observed.outcome.kind == "nondeterministic":
        return _compare_two_runs(observed)
    if observed.outcome.kind == "inputs":
        return _compare_inputs(observed)
    if load(observed.spec.target).shape_only:
        return [
            "",
            *observed.body,
            f'print("expected the shape", {observed.case.output_shape}, "got", tuple(shape))',
            f"assert tuple(shape) == {observed.case.output_shape}",
        ]
    if observed.outcome.status in NO_OUTPUT:
        return _any_output(observed)
    references = reference(observed.case, observed.tensors)
    right = {name: round_to(observed.case.format, value.exact) for name, value in references.items()}
    exact = judged_bit_by_bit(observed.case, observed.promise) and observed.outcome.kind != "precision"
    if not exact or max(value.size for value in right.values()) > _MOST_WHOLE:
        return _compare_worst_elements(observed, references, right, exact)
    zeros = {
        name: index
        for name, value in references.items()
        if (index := _minus_zero(observed.got.get(name), value)) is not None
    }
    wrong = {n: value for n, value in right.items() if n in zeros or _differs(observed.got.get(n), value)}
    shown = wrong or right
    if len(shown) == 1:
        return [*_one(observed, shown), *(_signed("got", at) for at in zeros.values())]
    return [*_several(observed, shown), *(_signed(f'got["{name}"]', at) for name, at in zeros.items())]


def shows_without_output(observed: Observation) -> bool:
    """Tell whether a script can show an outcome without its output: the case is small, or an index is known."""
    try:
        sizes = [math.prod(shape) for shape in observed.case.output_shapes().values()]
    except DomainError:
        return True  # the script is about that there is an output
    whole = judged_bit_by_bit(observed.case, observed.promise) and max(sizes) <= _MOST_WHOLE
    return observed.outcome.kind != "precision" and (
        whole or observed.outcome.kind in ("shape", "dtype") or bool(_FIRST.search(observed.outcome.detail))
    )


def _first_wrong(observed: Observation) -> dict[str, tuple[int, ...]]:
    """Return the index of the first wrong element of each tensor, as the verdict gives it."""
    return {
        name: tuple(int(n) for n in index.split(",") if n.strip())
        for name, index in _FIRST.findall(observed.outcome.detail)
    }


def _differs(got: np.ndarray | None, right: np.ndarray) -> bool:
    return got is not None and not np.array_equal(got, right, equal_nan=True)


def _minus_zero(got: np.ndarray | None, expected: Reference) -> tuple[int, ...] | None:
    """Return the first index with minus zero where plus zero is right."""
    if got is None or got.shape != expected.exact.shape:
        return None
    places = np.argwhere(expected.minus_zeros(got))
    return tuple(map(int, places[0])) if len(places) else None


def _signed(got: str, at: tuple[int, ...]) -> str:
    return f'assert not np.signbit({got}[{at}]), "minus zero at {at}, where plus zero is right"'


def _expected(observed: Observation, right: Expected) -> list[str]:
    """Return lines that make the expected output: as a literal, by the definition, or from packed bytes."""
    small = all(value.size <= LITERAL_SIZE for value in right.values())
    text = array_text if small else packed_text
    if len(right) == 1:
        written = [f"expected = {text(value)}" for value in right.values()]
    else:
        written = ["expected = {", *(f'    "{name}": {text(value)},' for name, value in right.items()), "}"]
    if small and len(tidy(written)) <= LITERAL_LINES:
        return written
    defined = definition_lines(observed.case, observed.tensors, right)
    return ["", *defined] if defined else written


def _one(observed: Observation, right: Expected) -> list[str]:
    ((name, value),) = right.items()
    shown = _shown(observed, name, value)
    lines = [*observed.body, f"got = {_export_text(observed, name)}"]
    if observed.got:
        printed = f'"expected", {shown.format("expected")}, "got", {shown.format("got")}'
        at = _worst_element(observed, name, value) if "[" in shown else None
        printed += f', "at {at}"' if at else ', sep="\\n"' if shown == "{0}" else ""
        lines += [f"print({printed})"]
    else:  # the call may end the script, so print what is expected first
        lines = ['print("expected", expected.shape)', "", *lines, 'print("got", got.shape)']
    return [*_expected(observed, right), "", *lines, "np.testing.assert_array_equal(got, expected, strict=True)"]


def _shown(observed: Observation, name: str, right: np.ndarray) -> str:
    """Return a format for what of an output is printed, which is what is wrong with it."""
    if observed.outcome.kind in ("shape", "dtype"):
        return "{0}.shape, {0}.dtype" if observed.outcome.kind == "dtype" else "{0}.shape"
    if right.size <= LITERAL_SIZE:
        return "{0}"
    at = _worst_element(observed, name, right)
    return "{0}.shape" if at is None else f"{{0}}.shape, {{0}}[{str(at).strip('(,)')}]"


def _several(observed: Observation, right: Expected) -> list[str]:
    part = "" if all(value.size <= LITERAL_SIZE for value in right.values()) else ".shape"
    return [
        *_expected(observed, right),
        "",
        *observed.body,
        f"got = {{{_export_all_text(observed, right)}}}",
        "for name in expected:",
        f'    print(name, "expected", expected[name]{part}, "got", got[name]{part})',
        "    np.testing.assert_array_equal(got[name], expected[name], strict=True)",
    ]


def _any_output(observed: Observation) -> list[str]:
    """Return lines that check the shapes only; the whole output is still copied out of the framework."""
    shapes = list(observed.case.output_shapes().values())
    names = ", ".join(observed.names)
    wanted, got = f"{shapes}", f"[{_export_text(observed, 'a')}.shape for a in ({names})]"
    if len(shapes) == 1:
        wanted, got = f"{shapes[0]}", f"{_export_text(observed, names)}.shape"
    return [
        "",
        *observed.body,
        f"got = {got}",
        f'print("expected an output of shape", {wanted}, "got", got)',
        f"assert got == {wanted}",
    ]


def _worst_element(observed: Observation, name: str, right: np.ndarray) -> tuple[int, ...] | None:
    """Return the index of the worst element; None where there is none to show."""
    got = observed.got.get(name)
    if got is None or got.shape != right.shape or right.size == 0:
        return None
    (point,) = _worst(got, right, np.zeros(right.shape), 1)
    return point


def _export_text(observed: Observation, name: str) -> str:
    """Return source text that takes an output out of the framework."""
    return load(observed.spec.target).as_numpy(observed.case, name)


def _export_all_text(observed: Observation, names: Iterable[str]) -> str:
    return ", ".join(f'"{name}": {_export_text(observed, name)}' for name in names)


def _compare_worst_elements(
    observed: Observation, references: dict[str, Reference], right: Expected, exact: bool
) -> list[str]:
    """Return lines that compare shape, dtype and the worst elements, within their tolerance."""
    profile = PROFILES.get(observed.promise)
    rows: dict[str, list[str]] = {}
    beyond = set()
    for name, value in right.items():
        reach = np.zeros(value.shape)
        if not exact and profile is not None:
            reach = tolerance(references[name], observed.case.format, profile)
        right_value, got = references[name].exact, observed.got.get(name)
        if got is not None and got.shape == right_value.shape and not exact and profile is not None:
            # What overflow may leave is right as it is.
            allowed = within(got, references[name], observed.case.format, profile)
            right_value = np.where(allowed & ~np.isfinite(got), got, right_value)
        places = _worst(got, right_value, reach, _FAR_ELEMENTS)
        if got is None and name in (first_wrong := _first_wrong(observed)):
            places = [first_wrong[name]]
            beyond.add(name)
        for at in places:
            row = f'    ("{name}", {at}, {right_value[at].item()!r}, {reach[at].item():.4g}),'
            rows.setdefault(name, []).append(re.sub(r"\b(nan|inf)\b", r"np.\1", row))
            if got is not None and got.shape == value.shape and not _near(got[at], right_value[at], reach[at]):
                beyond.add(name)
    # Where the values of some tensors are wrong, the script compares only those.
    right = {name: value for name, value in right.items() if name in beyond} or right
    formats = {name: (value.shape, str(value.dtype)) for name, value in right.items()}
    return [
        "",
        "# Worst elements: (tensor, index, expected, tolerance)",
        "expected = [",
        *(row for name in right for row in rows.get(name, [])),
        "]",
        "",
        *observed.body,
        f"got = {{{_export_all_text(observed, right)}}}",
        f"assert {{name: (a.shape, str(a.dtype)) for name, a in got.items()}} == {formats}",
        "for name, index, right, tolerance in expected:",
        '    print(name, index, "expected", right, "within", tolerance, "got", got[name][index])',
        "for name, index, right, tolerance in expected:",
        "    np.testing.assert_allclose(got[name][index], right, rtol=0, atol=tolerance)",
    ]


def _near(got: Any, right: Any, reach: float) -> bool:
    return bool(got == right or abs(got - right) <= reach or (np.isnan(got) and np.isnan(right)))


def _worst(got: np.ndarray | None, exact: np.ndarray, allowed: np.ndarray, count: int) -> list[tuple[int, ...]]:
    """Return the indices with the largest errors, in units of the tolerance; any indices without an output.

    An infinity or NaN that is right comes last: other right orders of summation may give something else there.
    """
    error = np.zeros(exact.shape)
    if got is not None and got.shape == exact.shape:
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            error = np.abs(got.astype(exact.dtype) - exact) / np.where(allowed > 0, allowed, 1)
        error[np.isnan(error)] = np.inf
        error[~np.isfinite(exact) & ((got == exact) | (np.isnan(got) & np.isnan(exact)))] = -1
    worst = np.argsort(-error, axis=None, kind="stable")[:count]
    return [tuple(map(int, np.unravel_index(flat, exact.shape))) for flat in sorted(worst)]


def _compare_inputs(observed: Observation) -> list[str]:
    """Return lines that compare the input arrays after the call with what they held before it."""
    given = ", ".join(f'"{name}": {name}' for name in observed.tensors)
    return [
        f"given = {{{given}}}",
        "before = {name: array.copy() for name, array in given.items()}",
        "",
        *observed.body,
        "for name, array in given.items():",
        '    print(name, "expected", before[name].ravel()[:4], "got", array.ravel()[:4])',
        "np.testing.assert_equal(given, before)",
    ]


def _compare_two_runs(observed: Observation) -> list[str]:
    """Return lines that run the call twice, with different junk in fresh memory, and compare the two outputs."""
    one_run = [
        *data_lines(observed.case, observed.tensors),
        *observed.body,
        f"outputs.append({{{_export_all_text(observed, observed.names)}}})",
    ]
    return [
        "outputs = []",
        "for junk in (0xA5, 0x5B):",
        "    ctypes.CDLL(None).mallopt(-6, junk)  # what fresh memory is filled with (glibc)",
        *textwrap.indent("\n".join(one_run), "    ").splitlines(),
        'print("expected the same output twice, got", *outputs, sep="\\n")',
        "np.testing.assert_equal(*outputs)",
    ]
