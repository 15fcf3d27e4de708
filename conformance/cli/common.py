"""Options and helpers that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from adapters.registry import AdapterSpec, UnknownAdapter, available, resolve
from cases import Case, CaseError

__all__ = ["CASE", "adapter_option", "resolve_adapters"]


class _CaseType(click.ParamType):  # type: ignore[type-arg]  # generic only in newer click
    """A case id, full or short."""

    name = "case"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Case:
        if isinstance(value, Case):
            return value
        try:
            return Case.parse(value)
        except CaseError as error:
            raise click.UsageError(f"bad case id: {error}") from None


CASE = _CaseType()

adapter_option = click.option(
    "--adapter",
    "adapters",
    multiple=True,
    metavar="NAME",
    help="An adapter, file.py:Class, or NAME@/path/to/python; may be repeated. Default: all that are installed.",
)


def resolve_adapters(names: Sequence[str]) -> list[AdapterSpec]:
    """The adapters asked for, or all that are installed.

    Raises
    ------
    click.UsageError
        An unknown name, or none is installed.
    """
    try:
        specs = [resolve(name) for name in dict.fromkeys(names or available())]
    except UnknownAdapter as error:
        raise click.UsageError(str(error)) from None
    if not specs:
        raise click.UsageError("no framework is installed; install one, such as torch, or give --adapter")
    return specs
