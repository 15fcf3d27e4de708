"""The one declaration of a case's fields: text form in the id, default, and columns in tables.

The case id, the command line, the JSON and the columns of results all derive from ``FIELDS``. To add a field,
add it to ``Case`` and one entry here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.cases import literals
from conformance.cases.data import DATA_KINDS
from conformance.cases.directions import DIRECTIONS
from conformance.cases.dtypes import DTYPES
from conformance.cases.geometry import CONVENTIONS, SPLITS

if TYPE_CHECKING:
    from conformance.cases.case import Case

__all__ = ["FIELDS", "Field", "FieldValues"]

LAYOUTS = {"cf": "channels_first", "cl": "channels_last"}

_NATURAL = r"(?:0|[1-9][0-9]{0,18})"
_INTEGER = r"(?:0|m?[1-9][0-9]{0,18})"
FieldValues = dict[str, Any]
"""Values of some fields of a case by name, as ``dataclasses.replace`` takes them."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """One token of a case id.

    Attributes
    ----------
    name : str
        Name used in error messages and tables.
    pattern : str
        Regular expression that a token of this field matches as a whole.
    accepts : str
        The accepted form, for people.
    default : str or None
        The token that an omitted field stands for; None where the field must be given.
    read : callable
        Maps the token and the rank to the attributes of ``Case``.
    write : callable
        Maps a case to the token.
    columns : callable
        Maps a case to the columns that this field has in tables.
    prefix : str
        Letters that its tokens start with; a malformed token with these letters was meant for this field.
    """

    name: str
    pattern: str
    accepts: str
    default: str | None
    read: Callable[[str, int], FieldValues]
    write: Callable[[Case], str]
    columns: Callable[[Case], FieldValues]
    prefix: str = ""


def _number(text: str) -> int:
    return -int(text[1:]) if text[0] == "m" else int(text)


def _print_number(value: int) -> str:
    # A minus sign would read as the separator of fields, so negative numbers carry an m.
    return f"m{-value}" if value < 0 else str(value)


def _spread(values: list[Any], rank: int, name: str) -> tuple[Any, ...]:
    if len(values) == 1:
        return tuple(values * rank)
    if len(values) != rank:
        raise ValueError(f"{name} has {len(values)} entries for {rank} axes; give one number, or one per axis")
    return tuple(values)


def _join(values: Iterable[int]) -> str:
    return "x".join(_print_number(value) for value in values)


def _scalar(name: str, prefix: str, default: str | None, number: str = _NATURAL) -> Field:
    return Field(
        name=name,
        pattern=prefix + number,
        accepts=f"{prefix} and a number, as in {prefix}2",
        default=default,
        read=lambda text, rank: {name: _number(text[len(prefix) :])},
        write=lambda case: prefix + _print_number(getattr(case, name)),
        columns=lambda case: {name: getattr(case, name)},
        prefix=prefix,
    )


def _spatial(name: str, prefix: str, default: str | None, number: str) -> Field:
    short = name.removesuffix("_size")

    def columns(case: Case) -> FieldValues:
        values = getattr(case, name)
        return {name: _join(values), f"{short}_min": min(values), f"{short}_max": max(values)}

    return Field(
        name=name,
        pattern=rf"{prefix}{number}(?:x{number})*",
        accepts=f"{prefix} and one number, or one per axis, as in {prefix}3 or {prefix}3x5",
        default=default,
        read=lambda text, rank: {
            name: _spread([_number(part) for part in text[len(prefix) :].split("x")], rank, name)
        },
        write=lambda case: prefix + _join(getattr(case, name)),
        columns=columns,
        prefix=prefix,
    )


def _choice(name: str, choices: Iterable[str], default: str | None) -> Field:
    choices = tuple(choices)
    return Field(
        name=name,
        pattern="|".join(re.escape(choice) for choice in choices),
        accepts=f"one of {', '.join(choices)}",
        default=default,
        read=lambda text, rank: {name: text},
        write=lambda case: getattr(case, name),
        columns=lambda case: {name: getattr(case, name)},
    )


def _read_padding(text: str, rank: int) -> FieldValues:
    if text in CONVENTIONS:
        return {"padding": text, "given_output_size": None}
    if (split := text.partition("."))[0] in SPLITS:
        sizes = [_number(part) for part in split[2].split("x")]
        return {"padding": split[0], "given_output_size": _spread(sizes, rank, "the output size")}
    pairs = []
    for part in text[1:].split("x"):
        low, _, high = part.partition(".")
        pairs.append((_number(low), _number(high or low)))
    return {"padding": _spread(pairs, rank, "padding"), "given_output_size": None}


def _write_padding(case: Case) -> str:
    if not isinstance(case.padding, str):
        return "p" + print_crops(case.padding)
    return case.padding if case.given_output_size is None else f"{case.padding}.{_join(case.given_output_size)}"


def print_crops(pairs: Iterable[tuple[int, int]]) -> str:
    """Crops as the id prints them: ``1x0`` where both ends agree on every axis, else ``0.1x2.1``."""
    pairs = tuple(pairs)
    if all(low == high for low, high in pairs):
        return _join(low for low, _ in pairs)
    return "x".join(f"{_print_number(low)}.{_print_number(high)}" for low, high in pairs)


def _padding_columns(case: Case) -> FieldValues:
    named = isinstance(case.padding, str)
    return {
        "padding": case.padding if named else "explicit",
        "explicit_padding": None if isinstance(case.padding, str) else print_crops(case.padding),
        "given_output_size": None if case.given_output_size is None else _join(case.given_output_size),
    }


def _output_padding_columns(case: Case) -> FieldValues:
    given = case.output_padding
    return {
        "output_padding": "auto" if given is None else _join(given),
        "output_padding_min": min(given) if given else None,
        "output_padding_max": max(given) if given else None,
    }


def _bias_columns(case: Case) -> FieldValues:
    own = case.out_channels if case.bias_size is None else case.bias_size
    return {"bias": int(case.bias), "bias_size": own if case.bias else None}


def _read_data(text: str, rank: int) -> FieldValues:
    kind, seed, *sections = text.split(".")
    values = literals.print_sections(literals.read_sections(".".join(sections)))
    return {"data": kind, "seed": int(seed), "values": values}


def _read_dtype(text: str, rank: int) -> FieldValues:
    own, _, weights = text.partition(".")
    return {"dtype": own, "weight_dtype": weights if weights not in ("", own) else None}


_REAL = tuple(name for name, form in DTYPES.items() if not form.is_complex)
_CROP = rf"{_INTEGER}(?:\.{_INTEGER})?"

FIELDS: tuple[Field, ...] = (
    Field(
        name="rank",
        pattern="[123]d",
        accepts="one of 1d, 2d, 3d",
        default=None,
        read=lambda text, rank: {"rank": int(text[0])},
        write=lambda case: f"{case.rank}d",
        columns=lambda case: {"rank": case.rank},
    ),
    _scalar("batch", "n", "n1"),
    Field(
        name="channels",
        pattern=rf"c{_NATURAL}x{_NATURAL}",
        accepts="c, input channels, x, output channels, as in c4x6",
        default="c1x1",
        read=lambda text, rank: dict(
            zip(("in_channels", "out_channels"), map(int, text[1:].split("x")), strict=True)
        ),
        write=lambda case: f"c{case.in_channels}x{case.out_channels}",
        columns=lambda case: {"in_channels": case.in_channels, "out_channels": case.out_channels},
        prefix="c",
    ),
    _spatial("input_size", "i", None, _NATURAL),
    _spatial("kernel_size", "k", None, _NATURAL),
    _spatial("stride", "s", "s1", _INTEGER),
    _spatial("dilation", "d", "d1", _INTEGER),
    _scalar("groups", "g", "g1", _INTEGER),
    Field(
        name="padding",
        pattern=rf"{'|'.join(CONVENTIONS)}|p{_CROP}(?:x{_CROP})*"
        rf"|(?:{'|'.join(SPLITS)})\.{_NATURAL}(?:x{_NATURAL})*",
        accepts=f"one of {', '.join(CONVENTIONS)}, or explicit crops as in p1, p1x0 or p0.1x2.1 "
        f"(m1 for minus one), or {' or '.join(SPLITS)} with the output size, as in {next(iter(SPLITS))}.8x9",
        default="valid",
        read=_read_padding,
        write=_write_padding,
        columns=_padding_columns,
        prefix="p",
    ),
    Field(
        name="output_padding",
        pattern=rf"opauto|op{_INTEGER}(?:x{_INTEGER})*",
        accepts="opauto, or op and one number, or one per axis, as in op1 or op1x0",
        default="opauto",
        read=lambda text, rank: {
            "output_padding": None
            if text == "opauto"
            else _spread([_number(part) for part in text[2:].split("x")], rank, "output_padding")
        },
        write=lambda case: "opauto" if case.output_padding is None else "op" + _join(case.output_padding),
        columns=_output_padding_columns,
        prefix="op",
    ),
    Field(
        name="layout",
        pattern="|".join(LAYOUTS),
        accepts="cf (channels_first) or cl (channels_last)",
        default="cf",
        read=lambda text, rank: {"layout": LAYOUTS[text]},
        write=lambda case: next(short for short, layout in LAYOUTS.items() if layout == case.layout),
        columns=lambda case: {"layout": case.layout},
    ),
    Field(
        name="dtype",
        pattern=rf"{'|'.join(DTYPES)}|(?:{'|'.join(_REAL)})\.(?:{'|'.join(_REAL)})",
        accepts=f"one of {', '.join(DTYPES)}, or those of the input and of the weights, as in f32.f16",
        default="f32",
        read=_read_dtype,
        write=lambda case: case.dtype + (f".{case.weight_dtype}" if case.weight_dtype else ""),
        columns=lambda case: {"dtype": case.dtype, "weight_dtype": case.weight_dtype or case.dtype},
    ),
    Field(
        name="bias",
        pattern=rf"b[01]|b1\.{_NATURAL}",
        accepts="b0 or b1, or b1 with a length that does not fit the output channels, as in b1.5",
        default="b0",
        read=lambda text, rank: {"bias": text[1] == "1", "bias_size": int(text[3:]) if text[3:] else None},
        write=lambda case: f"b{int(case.bias)}" + ("" if case.bias_size is None else f".{case.bias_size}"),
        columns=_bias_columns,
        prefix="b",
    ),
    Field(
        name="data",
        pattern=rf"(?:{'|'.join(DATA_KINDS)})\.{_NATURAL}|given\.{_NATURAL}{literals.PATTERN}",
        accepts=f"a kind and a seed, as in ints.0; kinds: {', '.join(DATA_KINDS)}; after given and its seed the "
        "numbers of x, w and b, as in given.0.x1_m2p5.w3",
        default="ints.0",
        read=_read_data,
        write=lambda case: f"{case.data}.{case.seed}" + (f".{case.values}" if case.values else ""),
        columns=lambda case: {"data": case.data, "seed": case.seed},
    ),
    _choice("direction", DIRECTIONS, "fwd"),
)
