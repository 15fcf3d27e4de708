"""Options for debugging a run: a log, an adapter in this process, the program that it runs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from conformance.adapters.host.client import AdapterProcess
    from conformance.adapters.registry import AdapterSpec
    from conformance.cases import Case

__all__ = ["log_options", "program_text", "require_in_process", "show_program_option"]

_LEVELS = ("debug", "info", "warning", "error")


def _configure(context: click.Context, parameter: click.Parameter, level: str) -> None:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=level.upper())


def _verbose(context: click.Context, parameter: click.Parameter, count: int) -> None:
    if count:
        logging.getLogger("conformance").setLevel(logging.INFO if count == 1 else logging.DEBUG)


def log_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``-v`` and ``--log-level``, which write a log to standard error. The command receives neither."""
    level = click.option(
        "--log-level",
        type=click.Choice(_LEVELS),
        default="warning",
        expose_value=False,
        callback=_configure,
        help="How much to log about the adapters' processes, on standard error: debug logs every message.",
    )
    verbose = click.option(
        "-v",
        "--verbose",
        count=True,
        expose_value=False,
        callback=_verbose,
        help="Log starts and restarts; -vv logs every message as well.",
    )
    return level(verbose(command))


show_program_option = click.option(
    "--show-program", is_flag=True, help="Print the program that each adapter runs for the case."
)


def program_text(case: Case, host: AdapterProcess) -> str:
    """The program that an adapter runs for a case, or a comment why there is none."""
    from conformance.cases.program import Program

    program = host.program(case)
    return str(program) if isinstance(program, Program) else f"# {program.detail}\n"


def require_in_process(specs: Sequence[AdapterSpec]) -> None:
    """Raise UsageError unless there is one adapter that can run in this process."""
    if len(specs) != 1:
        raise click.UsageError(f"--in-process takes one adapter, not {len(specs)}; name it with --adapter")
    if specs[0].foreign or specs[0].profile.name != "native":
        raise click.UsageError("--in-process takes an adapter of this environment and machine")
    from conformance.adapters.registry import load

    if load(specs[0].target).language != "python":
        raise click.UsageError(f"--in-process takes an adapter in Python; {specs[0].name} runs in another program")
