"""Conditions over one case: the atoms that a predicate is made of.

An atom compares a column with a number or a string, or two columns that measure the same quantity. It is SQL, as
in ``--where`` and in expectations; comparisons with NULL are false, as they are there.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from conformance.cases.columns import COLUMN_NAMES, Row

__all__ = ["OPERATORS", "Atom", "Predicate", "atoms"]

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "<>": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}

_TEXT_COLUMNS = ("padding", "layout", "dtype", "data", "direction", "output_padding")
_NUMBER_COLUMNS = ("rank", "batch", "in_channels", "out_channels", "groups", "bias",
            "input_min", "input_max", "kernel_min", "kernel_max", "stride_min", "stride_max",
            "dilation_min", "dilation_max", "output_padding_min", "output_padding_max",
            "effective_min", "effective_max", "output_min", "output_max",
            "crop_low_min", "crop_low_max", "crop_high_min", "crop_high_max")  # fmt: skip
_DERIVED = ("effective", "output_min", "output_max", "crop")
_AXIS_COUNTS = {
    "axes_stride_over_kernel": "stride > kernel_size",
    "axes_stride_over_effective": "stride > dilation * (kernel_size - 1) + 1",
    "axes_output_padding_over_stride": "output_padding >= stride",
    "axes_kernel_indivisible": "kernel_size not divisible by stride",
    "axes_kernel_even": "kernel_size even",
    "axes_crop_uneven": "crop uneven",
    "axes_kernel_is_input": "kernel_size = input_size",
    "axes_kernel_is_stride": "kernel_size = stride",
    "axes_dilation_over_input": "dilation >= input_size",
    "axes_stride_over_input": "stride > input_size",
}
_LESS_COMMON = ("axes_stride_over_effective", "axes_kernel_even", "axes_crop_uneven", "axes_kernel_is_input",
                "axes_kernel_is_stride", "axes_dilation_over_input", "axes_stride_over_input")  # fmt: skip
_COMPARABLE = (
    ("in_channels", "out_channels"),
    ("in_channels", "groups"),
    ("out_channels", "groups"),
    ("batch", "in_channels"),
    ("batch", "out_channels"),
    ("input_w", "in_channels"),
    ("output_w", "out_channels"),
    *((f"{a}_{m}", f"{b}_{n}")
      for a, b in (("stride", "kernel"), ("stride", "dilation"), ("kernel", "input"), ("stride", "effective"),
                   ("output_padding", "stride"), ("output_padding", "dilation"), ("stride", "input"))
      for m in ("max", "min") for n in ("min", "max")),
    *((f"{a}_min", f"{a}_max") for a in ("input", "kernel", "stride", "dilation")),
    ("crop_low_max", "crop_high_max"),
    ("crop_low_min", "crop_high_min"),
)  # fmt: skip

# Conditions on one named axis, which are used only where no condition over some or every axis does as well.
_AXES = ("w", "h", "d")
_ENDINGS = tuple(f"_{axis}" for axis in _AXES)
_ON_AXIS = ("input", "kernel", "stride", "dilation", "output_padding", "output")
_COMPARABLE_ON_AXIS = (("stride", "kernel"), ("kernel", "input"), ("stride", "dilation"), ("stride", "input"),
                       ("dilation", "input"), ("output_padding", "stride"), ("output", "input"),
                       ("crop_low", "crop_high"))  # fmt: skip
_MODULI = {"in_channels": (2, 4, 8, 16), "out_channels": (2, 4, 8, 16), "batch": (2,),
           **{f"{name}_{axis}": (2, 4, 8, 16) if name != "kernel" and axis == "w" else (2,)
              for name in ("input", "kernel", "output") for axis in _AXES}}  # fmt: skip


_NATURAL = (("in_channels", "groups"), ("out_channels", "groups"))
_COINCIDENCES = frozenset(
    frozenset(pair)
    for pair in _COMPARABLE
    if pair not in _NATURAL and (pair[0].split("_")[0] != pair[1].split("_")[0] or "channels" in pair[0])
)
"""Pairs of columns of different kinds: equal numbers there are rarely the cause."""


@dataclass(frozen=True)
class Atom:
    """One comparison.

    Attributes
    ----------
    column, sign : str
        The column, and the operator.
    value : str or int
        A literal, or the name of another column if ``to_column``.
    cost : float
        Plainer conditions have a lower cost: 1 for the plainest.
    modulus : int
        Compare the remainder of the column by this number; 0 compares the column itself.
    """

    column: str
    sign: str
    value: Any
    to_column: bool = False
    cost: float = 1.0
    modulus: int = 0

    @property
    def weight(self) -> int:
        """Its share of the size of a condition: two for a plain comparison, three for a special one."""
        return 3 if self.modulus or self.column.endswith(_ENDINGS) else 2

    @property
    def coincidental(self) -> bool:
        """Whether it compares two numbers of different kinds for equality, which is often an accident."""
        return (
            self.to_column and self.sign in ("=", "<>") and frozenset((self.column, self.value)) in _COINCIDENCES
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it reads."""
        return (self.column, self.value) if self.to_column else (self.column,)

    def __call__(self, row: Row) -> bool:
        left, right = row[self.column], row[self.value] if self.to_column else self.value
        if self.modulus and left is not None:
            left %= self.modulus
        return left is not None and right is not None and bool(OPERATORS[self.sign](left, right))

    def __str__(self) -> str:
        literal = repr(self.value) if isinstance(self.value, str) and not self.to_column else str(self.value)
        remainder = f" % {self.modulus}" if self.modulus else ""
        return f"{self.column}{remainder} {self.sign} {literal}"

    @property
    def order(self) -> int:
        """Place among the fields of a case, for reading."""
        column = "stride_min" if self.column in _AXIS_COUNTS else self.column
        return COLUMN_NAMES.index(column)

    @property
    def text(self) -> str:
        """The comparison as text about a case."""
        if self.column in _AXIS_COUNTS:
            where = {(">", 0): "on some axis", ("=", "rank"): "on every axis", ("=", 0): "on no axis"}
            return f"{_AXIS_COUNTS[self.column]} {where[self.sign, self.value]}"
        if self.modulus:
            return f"{self.column} {'' if self.sign == '=' else 'not '}divisible by {self.modulus}"
        return str(self)


@dataclass(frozen=True)
class Predicate:
    """A disjunction of conjunctions of atoms; nearly always one conjunction."""

    terms: tuple[tuple[Atom, ...], ...]

    def __call__(self, row: Row) -> bool:
        return any(all(atom(row) for atom in term) for term in self.terms)

    def __str__(self) -> str:
        """SQL over the columns of a case."""
        return self._joined(str)

    @property
    def text(self) -> str:
        """The condition as text about a case."""
        return self._joined(lambda atom: atom.text)

    @property
    def cost(self) -> float:
        """Number of atoms; the less plain ones count more."""
        return sum(atom.cost for term in self.terms for atom in term)

    def _joined(self, show: Callable[[Atom], str]) -> str:
        if self.terms == ((),):
            return "always" if show is not str else "1"
        terms = [" and ".join(map(show, term)) for term in self.terms]
        return terms[0] if len(terms) == 1 else " or ".join(f"({term})" for term in terms)


def atoms(rows: Iterable[Row], failing: Iterable[Row] = ()) -> list[Atom]:
    """Every atom worth trying on some cases, plainest first; constants come from the cases themselves.

    Of many bounds of one axis, the smallest are tried, and the tightest that hold for all failing cases.
    """
    rows, failing = list(rows), list(failing)
    return sorted(dict.fromkeys([*_atoms(rows), *_tightest(failing)]), key=lambda atom: atom.cost)


def _atoms(rows: list[Row]) -> Iterator[Atom]:
    for column in _TEXT_COLUMNS:
        values = sorted({row[column] for row in rows if row[column] is not None})
        for value in values:
            # The numbers of output_padding have their own columns; here it matters only whether it is given.
            if column != "output_padding" or value == "auto":
                yield Atom(column, "=", value)
                if len(values) > 2 or column == "output_padding":
                    yield Atom(column, "<>", value, cost=1.2)
    for column in _NUMBER_COLUMNS:
        derived = 0.6 if column.startswith(_DERIVED) else 0.0
        numbers = sorted({row[column] for row in rows if row[column] is not None})
        for value in numbers:
            plain = column in ("rank", "bias", "groups", "batch")
            yield Atom(column, "=", value, cost=1.0 + derived + (0 if plain or value <= 1 else 0.4))
        for value in numbers[1:] if column != "bias" else []:
            # "Some axis more than 1" and "every axis more than 1" are what people write.
            natural = 0.0 if value == numbers[0] + 1 == 2 else 0.3
            yield Atom(column, ">", value - 1, cost=1.05 + derived + natural)
            yield Atom(column, "<", value, cost=1.1 + derived + natural)
    for column in _AXIS_COUNTS:
        yield Atom(column, ">", 0, cost=1.0 + 0.3 * (column in _LESS_COMMON))
        yield Atom(column, "=", "rank", to_column=True, cost=1.15 + 0.3 * (column in _LESS_COMMON))
        yield Atom(column, "=", 0, cost=1.15 + 0.3 * (column in _LESS_COMMON))
    for first, second in _COMPARABLE:
        same_kind = first.split("_")[0] == second.split("_")[0]
        derived = 0.6 if first.startswith(_DERIVED) or second.startswith(_DERIVED) else 0.0
        for sign in ("=", "<>") if same_kind else ("=", "<>", ">", "<", ">=", "<="):
            yield Atom(
                first, sign, second, to_column=True, cost=1.25 + derived - 0.25 * (sign in "=><" and not derived)
            )
    yield from _axis_atoms(rows)
    for column, moduli in _MODULI.items():
        for modulus in moduli:
            if len({row[column] % modulus == 0 for row in rows if row[column] is not None}) > 1:
                yield Atom(column, "=", 0, cost=1.7, modulus=modulus)
                yield Atom(column, "<>", 0, cost=1.7, modulus=modulus)


def _tightest(failing: list[Row]) -> Iterator[Atom]:
    for name, axis in itertools.product(_ON_AXIS, _AXES):
        numbers = [row[f"{name}_{axis}"] for row in failing]
        if numbers and None not in numbers:
            yield Atom(f"{name}_{axis}", ">", min(numbers) - 1, cost=1.7 + 0.3 * (min(numbers) != 2))
            yield Atom(f"{name}_{axis}", "<", max(numbers) + 1, cost=1.8 + 0.3 * (max(numbers) != 1))


def _axis_atoms(rows: list[Row]) -> Iterator[Atom]:
    for axis in _AXES:
        for name in _ON_AXIS:
            column = f"{name}_{axis}"
            numbers = sorted({row[column] for row in rows if row[column] is not None})
            for value in numbers[:8]:
                yield Atom(column, "=", value, cost=1.6 + 0.4 * (value > 1))
            for value in numbers[1:8]:
                yield Atom(column, ">", value - 1, cost=1.7 + 0.3 * (value != 2))
                yield Atom(column, "<", value, cost=1.8 + 0.3 * (value != 2))
        for first, second in _COMPARABLE_ON_AXIS:
            for sign in ("=", "<>", ">", "<", ">=", "<="):
                cost = 1.7 + 0.1 * (sign not in "=><")
                yield Atom(f"{first}_{axis}", sign, f"{second}_{axis}", to_column=True, cost=cost)
    for first, second in itertools.combinations(_AXES, 2):
        for name in ("input", "kernel", "stride", "dilation", "output"):
            for sign in ("=", "<>", ">", "<"):
                yield Atom(f"{name}_{second}", sign, f"{name}_{first}", to_column=True, cost=1.9)
