"""The part of a script from its data to its exit code: what is expected, the call, what came, the comparison.

A comparison that fails is an AssertionError that nobody catches, which ends the script with 1.
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
from conformance.oracle.reference import Reference
from conformance.triage.repro.data import LITERAL_LINES, LITERAL_SIZE, array_text, data_lines, packed_text
from conformance.triage.repro.definition import definition_lines

if TYPE_CHECKING:
    from conformance.triage.repro.observation import Observation

__all__ = ["NO_ANSWER", "judged_lines", "shows_without_output"]

NO_ANSWER = ("crash", "timeout")
"""Outcomes that leave no process to go on with: the script is about that there is an answer at all."""

_FAR_ELEMENTS = 3
_MOST_WHOLE = 1 << 20
Expected = dict[str, np.ndarray]

# How a verdict says where an output is wrong.
_FIRST = re.compile(r"(\w+) differs in \d+ of \d+ elements, first at \[([\d, ]*)\]")


def judged_lines(asked: Observation) -> list[str]:
    """Lines from the input arrays to the exit code, the call that was made among them.

    Parameters
    ----------
    asked : Observation
        A question that has an answer, and its outcome.
    """
    if asked.outcome.kind == "nondeterministic":
        return _twice(asked)
    if load(asked.spec.target).shape_only:
        return [
            "",
            *asked.body,
            f'print("expected the shape", {asked.case.output_shape}, "got", tuple(shape))',
            f"assert tuple(shape) == {asked.case.output_shape}",
        ]
    if asked.outcome.status in NO_ANSWER:
        return _any_output(asked)
    wanted = reference(asked.case, asked.tensors)
    right = {name: round_to(asked.case.format, value.exact) for name, value in wanted.items()}
    exact = judged_bit_by_bit(asked.case, asked.promise) and asked.outcome.kind != "precision"
    if not exact or max(value.size for value in right.values()) > _MOST_WHOLE:
        return _by_far_elements(asked, wanted, right, exact)
    zeros = {
        name: at for name, value in wanted.items() if (at := _minus_zero(asked.got.get(name), value)) is not None
    }
    wrong = {n: value for n, value in right.items() if n in zeros or _differs(asked.got.get(n), value)}
    shown = wrong or right
    if len(shown) == 1:
        return [*_one(asked, shown), *(_signed("got", at) for at in zeros.values())]
    return [*_several(asked, shown), *(_signed(f'got["{name}"]', at) for name, at in zeros.items())]


def shows_without_output(asked: Observation) -> bool:
    """Whether a script can show an outcome whose output is not at hand: it is not large, or a place is known."""
    try:
        sizes = [math.prod(shape) for shape in asked.case.output_shapes().values()]
    except DomainError:
        return True  # the script is about that there is an output
    whole = judged_bit_by_bit(asked.case, asked.promise) and max(sizes) <= _MOST_WHOLE
    return asked.outcome.kind != "precision" and (
        whole or asked.outcome.kind in ("shape", "dtype") or bool(_FIRST.search(asked.outcome.detail))
    )


def _first_wrong(asked: Observation) -> dict[str, tuple[int, ...]]:
    """The first wrong element as the verdict names it, by the name of its tensor."""
    return {
        name: tuple(int(n) for n in index.split(",") if n.strip())
        for name, index in _FIRST.findall(asked.outcome.detail)
    }


def _differs(got: np.ndarray | None, right: np.ndarray) -> bool:
    return got is not None and not np.array_equal(got, right, equal_nan=True)


def _minus_zero(got: np.ndarray | None, wanted: Reference) -> tuple[int, ...] | None:
    """Where the answer is minus zero and plus zero is right."""
    if got is None or got.shape != wanted.exact.shape:
        return None
    places = np.argwhere(wanted.minus_zeros(got))
    return tuple(map(int, places[0])) if len(places) else None


def _signed(got: str, at: tuple[int, ...]) -> str:
    return f'assert not np.signbit({got}[{at}]), "minus zero at {at}, where plus zero is right"'


def _expected(asked: Observation, right: Expected) -> list[str]:
    """Lines that make the right answer: a small one as a literal, else by the definition, else unpacked."""
    small = all(value.size <= LITERAL_SIZE for value in right.values())
    text = array_text if small else packed_text
    if len(right) == 1:
        written = [f"expected = {text(value)}" for value in right.values()]
    else:
        written = ["expected = {", *(f'    "{name}": {text(value)},' for name, value in right.items()), "}"]
    if small and len(tidy(written)) <= LITERAL_LINES:
        return written
    defined = definition_lines(asked.case, asked.tensors, right)
    return ["", *defined] if defined else written


def _one(asked: Observation, right: Expected) -> list[str]:
    ((name, value),) = right.items()
    shown = _shown(asked, name, value)
    lines = [*asked.body, f"got = {_taken(asked, name)}"]
    if asked.got:
        said = f'"expected", {shown.format("expected")}, "got", {shown.format("got")}'
        at = _worst_element(asked, name, value) if "[" in shown else None
        said += f', "at {at}"' if at else ', sep="\\n"' if shown == "{0}" else ""
        lines += [f"print({said})"]
    else:  # the call may be the end of the script
        lines = ['print("expected", expected.shape)', "", *lines, 'print("got", got.shape)']
    return [*_expected(asked, right), "", *lines, "np.testing.assert_array_equal(got, expected, strict=True)"]


def _shown(asked: Observation, name: str, right: np.ndarray) -> str:
    """What of an answer is printed: what is wrong about it."""
    if asked.outcome.kind in ("shape", "dtype"):
        return "{0}.shape, {0}.dtype" if asked.outcome.kind == "dtype" else "{0}.shape"
    if right.size <= LITERAL_SIZE:
        return "{0}"
    at = _worst_element(asked, name, right)
    return "{0}.shape" if at is None else f"{{0}}.shape, {{0}}[{str(at).strip('(,)')}]"


def _several(asked: Observation, right: Expected) -> list[str]:
    part = "" if all(value.size <= LITERAL_SIZE for value in right.values()) else ".shape"
    return [
        *_expected(asked, right),
        "",
        *asked.body,
        f"got = {{{_all_taken(asked, right)}}}",
        "for name in expected:",
        f'    print(name, "expected", expected[name]{part}, "got", got[name]{part})',
        "    np.testing.assert_array_equal(got[name], expected[name], strict=True)",
    ]


def _any_output(asked: Observation) -> list[str]:
    """The shapes are enough to see that there is an answer; it is taken out whole."""
    shapes = list(asked.case.output_shapes().values())
    listed = ", ".join(asked.names)
    wanted, got = f"{shapes}", f"[{_taken(asked, 'a')}.shape for a in ({listed})]"
    if len(shapes) == 1:
        wanted, got = f"{shapes[0]}", f"{_taken(asked, listed)}.shape"
    return [
        "",
        *asked.body,
        f"got = {got}",
        f'print("expected an answer of shape", {wanted}, "got", got)',
        f"assert got == {wanted}",
    ]


def _worst_element(asked: Observation, name: str, right: np.ndarray) -> tuple[int, ...] | None:
    """The index of the element that is furthest off; None where no such element can be shown."""
    got = asked.got.get(name)
    if got is None or got.shape != right.shape or right.size == 0:
        return None
    (point,) = _worst(got, right, np.zeros(right.shape), 1)
    return point


def _taken(asked: Observation, name: str) -> str:
    """Source text that takes an answer out of the framework."""
    return load(asked.spec.target).as_numpy(asked.case, name)


def _all_taken(asked: Observation, names: Iterable[str]) -> str:
    return ", ".join(f'"{name}": {_taken(asked, name)}' for name in names)


def _by_far_elements(asked: Observation, wanted: dict[str, Reference], right: Expected, exact: bool) -> list[str]:
    """Compare shape, dtype and the elements that are furthest off, within what they are allowed to be."""
    profile = PROFILES.get(asked.promise)
    rows: dict[str, list[str]] = {}
    beyond = set()
    for name, value in right.items():
        reach = np.zeros(value.shape)
        if not exact and profile is not None:
            reach = tolerance(wanted[name], asked.case.format, profile)
        right_value, got = wanted[name].exact, asked.got.get(name)
        places = _worst(got, right_value, reach, _FAR_ELEMENTS)
        if got is None and name in (known := _first_wrong(asked)):
            places = [known[name]]
            beyond.add(name)
        for at in places:
            row = f'    ("{name}", {at}, {right_value[at].item()!r}, {reach[at].item():.4g}),'
            rows.setdefault(name, []).append(re.sub(r"\b(nan|inf)\b", r"np.\1", row))
            if got is not None and got.shape == value.shape and not _near(got[at], right_value[at], reach[at]):
                beyond.add(name)
    # Where the values of some tensors are wrong, it is about them.
    right = {name: value for name, value in right.items() if name in beyond} or right
    formats = {name: (value.shape, str(value.dtype)) for name, value in right.items()}
    return [
        "",
        "# Of the elements furthest off: where they are, the right value, and the largest error that is allowed.",
        "expected = [",
        *(row for name in right for row in rows.get(name, [])),
        "]",
        "",
        *asked.body,
        f"got = {{{_all_taken(asked, right)}}}",
        f"assert {{name: (a.shape, str(a.dtype)) for name, a in got.items()}} == {formats}",
        "for name, at, right, most in expected:",
        '    print(name, at, "expected", right, "within", most, "got", got[name][at])',
        "for name, at, right, most in expected:",
        "    np.testing.assert_allclose(got[name][at], right, rtol=0, atol=most)",
    ]


def _near(got: Any, right: Any, reach: float) -> bool:
    return bool(got == right or abs(got - right) <= reach or (np.isnan(got) and np.isnan(right)))


def _worst(got: np.ndarray | None, exact: np.ndarray, allowed: np.ndarray, count: int) -> list[tuple[int, ...]]:
    """Where the answer is furthest from the right one, in units of what is allowed; anywhere without an answer."""
    error = np.zeros(exact.shape)
    if got is not None and got.shape == exact.shape:
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            error = np.abs(got.astype(exact.dtype) - exact) / np.where(allowed > 0, allowed, 1)
        error[np.isnan(error)] = np.inf
    worst = np.argsort(-error, axis=None, kind="stable")[:count]
    return [tuple(map(int, np.unravel_index(flat, exact.shape))) for flat in sorted(worst)]


def _twice(asked: Observation) -> list[str]:
    """Ask twice under different junk in fresh memory, and compare the two answers."""
    once = [
        *data_lines(asked.case, asked.tensors),
        *asked.body,
        f"answers.append({{{_all_taken(asked, asked.names)}}})",
    ]
    return [
        "answers = []",
        "for junk in (0xA5, 0x5B):",
        "    ctypes.CDLL(None).mallopt(-6, junk)  # what fresh memory is filled with (glibc)",
        *textwrap.indent("\n".join(once), "    ").splitlines(),
        'print("expected the same answer twice, got", *answers, sep="\\n")',
        "np.testing.assert_equal(*answers)",
    ]
