"""The command line: one module per command, imported only when that command runs.

A new command is a module here with a click command, and one line in ``COMMANDS``.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from typing import NoReturn

import click

from conformance.reports.gate.exit_codes import INFRA, INTERRUPTED, USAGE

__all__ = ["COMMANDS", "main"]

COMMANDS = {
    "run": "run the cases of a tier, or some of them, and write a report",
    "check": "run one case on every adapter",
    "capture": "run a program and record the transposed convolutions that it calls",
    "audit": "run the transposed convolutions of a model file on its framework and on others",
    "cases": "list the cases of a tier",
    "adapters": "list the adapters, their versions and limits",
    "machines": "list the machine profiles that adapters can run under",
    "explain": "show the geometry of a case, and why an output is wrong",
    "minimize": "find the smallest case with the same diagnosis",
    "fuzz": "run random cases to find discrepancies that are not known yet",
    "repro": "print a script that reproduces an outcome, or an issue body",
    "sizes": "print the arguments that give an output size, in each framework",
    "bisect": "find the first version of a package whose output differs",
    "port": "translate a call into the equivalent call of another framework",
    "report": "write the report of a recorded run again",
    "merge": "merge the records of several runs and judge them as one run",
    "diff": "compare two recorded runs",
    "history": "collect runs in one file and show when an output changed",
    "accept": "write the new discrepancies of a run as expectations",
}


def _as_it_is(text: str | None) -> str | None:
    """The text of an example without line breaks, so that it can be copied; click wraps what has no ``\\b``."""
    return text if text is None or text.startswith("\b") else f"\b\n{text}"


class _Lazy(click.Group):
    """Knows every command's name and first line; imports a command's module only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"conformance.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        command.epilog = _as_it_is(command.epilog)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            from conformance.cases.names import did_you_mean  # for the error only

            hint = did_you_mean(args[0], COMMANDS)
            ctx.fail(f"no such command {args[0]!r}{hint}; the commands are {', '.join(COMMANDS)}")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _print_version(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if not wanted or context.resilient_parsing:
        return
    from importlib.metadata import version

    click.echo(f"conformance, version {version('conv-transpose-conformance')}")
    if context.params.get("verbose"):
        from conformance.adapters.environment import versions
        from conformance.adapters.registry import all_adapters, load

        for name, target in all_adapters().items():
            found = versions(load(target).packages)
            named = ", ".join(f"{package} {number}" for package, number in found.items())
            click.echo(f"{name}: {named or 'not installed'}")
    context.exit()


@click.group(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: conformance check 2d-i5x7-k3-s2-same",
)
@click.option("-v", "verbose", is_flag=True, is_eager=True, help="With --version: also the versions of adapters.")
@click.option(
    "--version", is_flag=True, expose_value=False, callback=_print_version, help="Print the version and exit."
)
def _group(verbose: bool) -> None:
    """Conformance test suite for transposed convolutions."""


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line. Wrong usage prints one line on stderr and exits with 2, our own failure with 3."""
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] == ["help"]:
        words = [*words[1:], "--help"]
    try:
        # Outside standalone mode click returns the code of an Exit and leaves the printing of errors to us.
        sys.exit(_group.main(words, prog_name="conformance", standalone_mode=False) or 0)
    except click.ClickException as error:
        click.echo(f"conformance: {error.format_message()}", err=True)
        sys.exit(USAGE)
    except (click.Abort, KeyboardInterrupt):
        click.echo("conformance: interrupted", err=True)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except Exception:
        traceback.print_exc()
        click.echo("conformance: the suite itself failed", err=True)
        sys.exit(INFRA)
