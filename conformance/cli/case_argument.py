"""A case on the command line: a case id, a framework call, or a node of an ONNX model."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from conformance.calls import CallError, Meaning, WeightForm, parse_call
from conformance.calls.onnx_calls import read_model
from conformance.cases import Case, CaseError
from conformance.cases.dtypes import DTYPES
from conformance.cases.layouts import layout_doubt
from conformance.cases.names import did_you_mean
from conformance.cli.file_kinds import not_a_case

__all__ = ["SHAPE", "case_options", "print_notes", "read_case", "shape_options"]

_EXAMPLE = "2d-c3x6-i5x7-k3-s2-p1, or a call such as 'torch.nn.ConvTranspose2d(3, 6, 3, stride=2, padding=1)'"


class _ShapeType(click.ParamType):  # type: ignore[type-arg]  # generic only in newer click
    """Sizes joined by x, such as 20x16x50x100."""

    name = "shape"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        parts = str(value).split("x")
        if not 1 <= len(parts) <= 8 or not all(part.isascii() and part.isdigit() for part in parts):
            self.fail(f"{value!r} is not a shape; write sizes joined by x, as in 20x16x50x100", param, ctx)
        return tuple(map(int, parts))


SHAPE = _ShapeType()


def shape_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that belong to CASE if it is a call or a model."""
    for option in (
        click.option("--node", metavar="NAME", help="If CASE is an ONNX model: the name of the node."),
        click.option(
            "--call",
            "number",
            type=click.IntRange(min=1),
            metavar="N",
            help="If CASE is a text with several calls: which of them.",
        ),
        click.option(
            "--dtype", metavar="NAME", help="Run CASE in this dtype, such as float16, instead of its own."
        ),
        click.option(
            "--weight",
            "weight_shape",
            type=SHAPE,
            help="If CASE is a call: the shape of its weights, in the framework's order.",
        ),
        click.option(
            "--input",
            "input_shape",
            type=SHAPE,
            help="If CASE is a call or a model: the shape of its input, such as 20x16x50x100.",
        ),
    ):
        command = option(command)
    return command


def case_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the argument CASE and its options; the command receives them as one `Meaning`, named ``meaning``."""

    @functools.wraps(command)  # keeps the options below it
    def read(case: str, **rest: Any) -> Any:
        given = {name: rest.pop(name) for name in ("input_shape", "weight_shape", "node", "number", "dtype")}
        return command(meaning=read_case(case, **given), **rest)

    return click.argument("case")(shape_options(read))


def read_case(
    text: str,
    input_shape: tuple[int, ...] | None = None,
    weight_shape: tuple[int, ...] | None = None,
    node: str | None = None,
    number: int | None = None,
    dtype: str | None = None,
) -> Meaning:
    """Read a case id in full or short form, a framework call or program, or the path of a model.

    Raises
    ------
    click.UsageError
        One line with the mistake and what is accepted.
    """
    if not text.strip():
        raise click.UsageError("CASE is empty; give a case id such as 2d-i5x7-k3-s2-same, or a framework call")
    is_model = text.lower().endswith(".onnx")
    # No case id has a bracket, an equals sign or a line break, and every call, program or graph has one.
    is_call = not is_model and any(mark in text for mark in "([{=\n")
    if node is not None and not is_model:
        raise click.UsageError("--node needs the path of an ONNX model as CASE")
    if (input_shape or weight_shape) and not (is_call or is_model):
        raise click.UsageError("--input and --weight need a call or a model; a case id already holds the sizes")
    if number is not None and not is_call:
        raise click.UsageError("--call needs a text with several calls as CASE")
    if not is_call and not is_model and (why := not_a_case(text)):
        raise click.UsageError(why)
    try:
        if is_model:
            meaning = read_model(Path(text), node, input_shape)
        elif is_call:
            meaning = parse_call(text, input_shape=input_shape, weight_shape=weight_shape, number=number)
        else:
            case = Case.parse(text)
            doubt = layout_doubt(case)
            meaning = Meaning("", case, WeightForm(), (doubt,) if doubt else ())
        return meaning if dtype is None else replace(meaning, case=replace(meaning.case, dtype=_dtype(dtype)))
    except CallError as error:
        raise click.UsageError(f"bad call: {error}") from None
    except CaseError as error:
        raise click.UsageError(f"bad case id: {error}; an example is {_EXAMPLE}") from None


def _dtype(name: str) -> str:
    labels = {dtype.label: short for short, dtype in DTYPES.items()}
    if name in DTYPES:
        return name
    if name.rpartition(".")[2] in labels:
        return labels[name.rpartition(".")[2]]
    known = [*DTYPES, *labels]
    raise click.UsageError(
        f"--dtype: {name!r} is not known{did_you_mean(name, known)}; known are {', '.join(known)}"
    )


def print_notes(meaning: Meaning) -> None:
    """Print on stderr what of a text is not part of its case."""
    for note in meaning.notes:
        click.echo(f"note: {note}", err=True)
