"""Build an aarch64 environment: ``python -m conformance.execution.aarch64 --into FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from conformance.execution.aarch64.build import CPU, build
from conformance.execution.aarch64.errors import BuildError
from conformance.execution.aarch64.packages import EXTRAS, requirements
from conformance.reports.gate import exit_codes

__all__ = ["main"]


@click.command()
@click.option("--into", type=click.Path(path_type=Path), required=True, help="The folder to build in.")
@click.option("--extra", "extras", multiple=True, default=EXTRAS, show_default=True,
              help="An extra of the suite whose packages are installed; repeatable.")  # fmt: skip
@click.option("--cpu", default=CPU, show_default=True, help="The processor, as `qemu-aarch64 -cpu help` names it.")
@click.option("--sources", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="A sources file for apt, where the system's own sources have no arm64 packages.")  # fmt: skip
def main(into: Path, extras: tuple[str, ...], cpu: str, sources: Path | None) -> None:
    """Build an aarch64 Python that QEMU runs, with the frameworks that have wheels for it.

    Prints the path of the interpreter, for --adapter NAME@PATH. Steps that are done already are skipped.
    """
    try:
        python = build(
            into,
            requirements=requirements(extras),
            cpu=cpu,
            sources=sources,
            say=lambda line: click.echo(line, err=True),
        )
    except BuildError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(exit_codes.INFRA)
    click.echo(python)


if __name__ == "__main__":
    main()
