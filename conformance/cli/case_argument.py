"""A case on the command line: a case id, a framework call, or a node of an ONNX model."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from conformance.calls import CallError, Meaning, WeightForm, parse_call
from conformance.calls.onnx_calls import read_model
from conformance.cases import Case, CaseError
from conformance.cases.layouts import layout_doubt

__all__ = ["case_options", "read_case", "shape_options"]


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


_SHAPE = _ShapeType()


def shape_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that belong to CASE if it is a call or a model."""
    for option in (
        click.option("--node", metavar="NAME", help="If CASE is an ONNX model: the name of the node."),
        click.option(
            "--weight",
            "weight_shape",
            type=_SHAPE,
            help="If CASE is a call: the shape of its weights, in the framework's order.",
        ),
        click.option(
            "--input",
            "input_shape",
            type=_SHAPE,
            help="If CASE is a call or a model: the shape of its input, such as 20x16x50x100.",
        ),
    ):
        command = option(command)
    return command


def case_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the argument CASE and its options; the command receives them as one `Meaning`, named ``meaning``."""

    @functools.wraps(command)  # keeps the options below it
    def read(case: str, input_shape: Any, weight_shape: Any, node: str | None, **rest: Any) -> Any:
        return command(meaning=read_case(case, input_shape, weight_shape, node), **rest)

    return click.argument("case")(shape_options(read))


def read_case(
    text: str,
    input_shape: tuple[int, ...] | None = None,
    weight_shape: tuple[int, ...] | None = None,
    node: str | None = None,
) -> Meaning:
    """Read a case id in full or short form, a framework call, or the path of a model.

    Raises
    ------
    click.UsageError
        One line with the mistake and what is accepted.
    """
    is_model = text.lower().endswith(".onnx")
    is_call = "(" in text
    if node is not None and not is_model:
        raise click.UsageError("--node needs the path of an ONNX model as CASE")
    if (input_shape or weight_shape) and not (is_call or is_model):
        raise click.UsageError("--input and --weight need a call or a model; a case id already holds the sizes")
    try:
        if is_model:
            return read_model(Path(text), node, input_shape)
        if is_call:
            return parse_call(text, input_shape=input_shape, weight_shape=weight_shape)
        case = Case.parse(text)
        doubt = layout_doubt(case)
        return Meaning("", case, WeightForm(), (doubt,) if doubt else ())
    except CallError as error:
        raise click.UsageError(f"bad call: {error}") from None
    except CaseError as error:
        raise click.UsageError(f"bad case id: {error}") from None
