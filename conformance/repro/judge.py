"""The part of a script from its data to its exit code: what is expected, the call, what came, the comparison."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from adapters.registry import load
from cases.data import DATA_KINDS
from cases.dtypes import round_to
from conformance.bound import PROFILES, Reference, tolerance
from conformance.reference import reference
from conformance.repro.data import LITERAL_SIZE, array_text, data_lines, packed_text
from conformance.repro.definition import definition_lines

if TYPE_CHECKING:
    from conformance.repro.script import Asked

__all__ = ["judged_lines"]

_FAR_ELEMENTS = 4
_MOST_WHOLE = 1 << 20
Expected = dict[str, np.ndarray]


def judged_lines(asked: Asked) -> list[str]:
    """Lines from the input arrays to the exit code, the call that was made among them.

    Parameters
    ----------
    asked : Asked
        A question that has an answer, and its outcome.
    """
    if asked.outcome.kind == "nondeterministic":
        return ["", *asked.body, *_twice(asked)]
    if load(asked.spec.target).shape_only:
        return [
            "",
            *asked.body,
            f'print("expected the shape", {asked.case.output_shape}, "got", tuple(shape))',
            f"sys.exit(int(tuple(shape) != {asked.case.output_shape}))",
        ]
    wanted = reference(asked.case, asked.tensors)
    right = {name: round_to(asked.case.format, value.exact) for name, value in wanted.items()}
    exact = DATA_KINDS[asked.case.data].exact and asked.outcome.kind != "precision"
    if not exact or max(value.size for value in right.values()) > _MOST_WHOLE:
        return _by_far_elements(asked, wanted, right, exact)
    if len(right) == 1:
        return _one(asked, right)
    return _several(asked, right)


def _expected(asked: Asked, right: Expected) -> list[str]:
    """Lines that make the right answer: a small one as a literal, else by the definition, else unpacked."""
    if all(value.size <= LITERAL_SIZE for value in right.values()):
        written = {name: array_text(value) for name, value in right.items()}
    elif defined := definition_lines(asked.case, asked.tensors, right):
        return ["", *defined]
    else:
        written = {name: packed_text(value) for name, value in right.items()}
    if len(right) == 1:
        return [f"expected = {text}" for text in written.values()]
    return ["expected = {", *(f'    "{name}": {text},' for name, text in written.items()), "}"]


def _one(asked: Asked, right: Expected) -> list[str]:
    ((name, value),) = right.items()
    at = _worst_element(asked, name, value)
    shown = "{0}.dtype, {0}.shape" if asked.outcome.kind == "dtype" else "{0}.shape"
    if value.size <= LITERAL_SIZE:
        shown += ', {0}, sep="\\n"'
    elif at is not None:
        shown += f', "at {at}", {{0}}[{str(at)[1:-1]}]'
    return [
        *_expected(asked, right),
        f'print("expected", {shown.format("expected")})',
        "",
        *asked.body,
        f"got = {_taken(asked, name)}",
        f'print("got", {shown.format("got")})',
        f"sys.exit(int(got.dtype != expected.dtype or not {_equal('got', 'expected', right)}))",
    ]


def _several(asked: Asked, right: Expected) -> list[str]:
    places = {name: _worst_element(asked, name, value) for name, value in right.items()}
    if all(value.size <= LITERAL_SIZE for value in right.values()):
        loop, shown = "for name in expected:", "{0}[name]"
    elif all(at is not None for at in places.values()):
        listed = ", ".join(f'"{name}": {at}' for name, at in places.items())
        loop = f"for name, at in {{{listed}}}.items():"
        shown = "{0}[name].shape, {0}[name][at]"
    else:
        loop, shown = "for name in expected:", "{0}[name].shape"
    at = ", at" * (" at in" in loop)
    same = f"got[n].dtype == e.dtype and {_equal('got[n]', 'e', right)}"
    return [
        *_expected(asked, right),
        "",
        *asked.body,
        f"got = {{{_all_taken(asked)}}}",
        loop,
        f'    print(name{at}, "expected", {shown.format("expected")}, "got", {shown.format("got")})',
        f"sys.exit(int(not all({same} for n, e in expected.items())))",
    ]


def _equal(got: str, expected: str, right: Expected) -> str:
    nan = ", equal_nan=True" * any(np.isnan(value).any() for value in right.values())
    return f"np.array_equal({got}, {expected}{nan})"


def _worst_element(asked: Asked, name: str, right: np.ndarray) -> tuple[int, ...] | None:
    """The index of the element that is furthest off; None where no such element can be shown."""
    got = asked.got.get(name)
    if got is None or got.shape != right.shape or right.size == 0:
        return None
    (point,) = _worst(got, right, np.zeros(right.shape), 1)
    return point


def _taken(asked: Asked, name: str) -> str:
    """Source text that takes an answer out of the framework."""
    return load(asked.spec.target).as_numpy(asked.case, name)


def _all_taken(asked: Asked) -> str:
    return ", ".join(f'"{name}": {_taken(asked, name)}' for name in asked.names)


def _by_far_elements(asked: Asked, wanted: dict[str, Reference], right: Expected, exact: bool) -> list[str]:
    """Compare shape, dtype and the elements that are furthest off, within what they are allowed to be."""
    profile = PROFILES.get(asked.promise)
    tables = {}
    for name, value in right.items():
        reach = np.zeros(value.shape)
        if not exact and profile is not None:
            reach = tolerance(wanted[name], asked.case.format, profile)
        points = _worst(asked.got.get(name), wanted[name].exact, reach, _FAR_ELEMENTS)
        far = ", ".join(f"{p}: ({wanted[name].exact[p].item()!r}, {reach[p].item():.4g})" for p in points)
        far = re.sub(r"\b(nan|inf)\b", r"np.\1", far)
        tables[name] = f'({value.shape}, "{value.dtype}", {{{far}}})'
    return [
        "",
        "# Shape, dtype, and of the elements furthest off the value and the largest allowed error.",
        "expected = {",
        *(f'    "{name}": {table},' for name, table in tables.items()),
        "}",
        "",
        *asked.body,
        f"got = {{{_all_taken(asked)}}}",
        "wrong = False",
        "for name, (shape, dtype, far) in expected.items():",
        "    ours = got[name]",
        '    print(name, "expected", shape, dtype, far)',
        '    print(name, "got", ours.shape, ours.dtype, {at: ours[at] for at in far})',
        "    near = [ours[at] == y or abs(ours[at].item() - y) <= most for at, (y, most) in far.items()]",
        "    wrong |= ours.shape != shape or ours.dtype != dtype or not all(near)",
        "sys.exit(int(wrong))",
    ]


def _worst(got: np.ndarray | None, exact: np.ndarray, allowed: np.ndarray, count: int) -> list[tuple[int, ...]]:
    """Where the answer is furthest from the right one, in units of what is allowed; anywhere without an answer."""
    error = np.zeros(exact.shape)
    if got is not None and got.shape == exact.shape:
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            error = np.abs(got.astype(exact.dtype) - exact) / np.where(allowed > 0, allowed, 1)
        error[np.isnan(error)] = np.inf
    worst = np.argsort(-error, axis=None, kind="stable")[:count]
    return [tuple(map(int, np.unravel_index(flat, exact.shape))) for flat in sorted(worst)]


def _twice(asked: Asked) -> list[str]:
    """Ask again under other junk in fresh memory, and compare the two answers."""
    return [
        f"first = [{', '.join(f'{_taken(asked, name)}.copy()' for name in asked.names)}]",
        "ctypes.CDLL(None).mallopt(-6, 0x5B)  # other junk in fresh memory",
        *data_lines(asked.case, asked.tensors),
        *asked.body,
        f"again = [{', '.join(_taken(asked, name) for name in asked.names)}]",
        'print("expected the same answer twice, got", *first, *again, sep="\\n")',
        "sys.exit(int(not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(first, again))))",
    ]
