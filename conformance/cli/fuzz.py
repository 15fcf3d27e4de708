"""``conformance fuzz``: search for new findings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import click

from adapters.process import Host, Limits
from cases.corpus.found import FOUND, promote
from conformance.cli.common import adapter_option, expectations_option, resolve_adapters
from conformance.exit_codes import DISCREPANCY, INFRA
from conformance.fuzz import AdapterUnavailable, Discovery, fuzz
from conformance.selection import expectation_folders
from reports.expectations import ExpectationError, load_all, plain_name
from reports.statuses import label

__all__ = ["command"]


@click.command("fuzz", epilog="Example: conformance fuzz --adapter torch --minutes 5")
@adapter_option
@click.option("--minutes", type=click.FloatRange(min=0.01), default=5.0, help="How long to search, an adapter.")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="The same seed asks the same questions.")
@click.option("--timeout", type=click.FloatRange(min=0.1), default=20.0, help="Seconds for one answer.")
@click.option("--promote", "keep", is_flag=True, help=f"Write the smallest cases to {FOUND.name} in the corpus.")
@expectations_option
def command(
    adapters: tuple[str, ...],
    minutes: float,
    seed: int,
    timeout: float,
    keep: bool,
    expectations: Sequence[str],
) -> None:
    """Ask random questions, and shrink each failure that is not known to the smallest case that fails alike.

    Prints one line a finding: adapter, how it fails, the smallest case. The exit code is 1 where there is one.
    """
    specs = resolve_adapters(adapters)
    try:
        known = load_all([spec.name for spec in specs], expectation_folders(expectations))
    except ExpectationError as error:
        raise click.UsageError(str(error)) from None
    discoveries: list[Discovery] = []
    for spec in specs:
        with Host(spec, Limits(answer=timeout)) as host:
            entries = known.get(spec.name) or known.get(plain_name(spec.name)) or ()
            try:
                for found in fuzz(
                    host, seconds=minutes * 60, seed=seed, expectations=entries, tick=_tick(spec.name)
                ):
                    discoveries.append(found)
                    click.echo(_line(found))
            except AdapterUnavailable as error:
                click.echo(f"{spec.name}: {error}", err=True)
                raise click.exceptions.Exit(INFRA) from None
    if keep and discoveries:
        try:
            added = promote([(found.smallest, _remark(found)) for found in discoveries])
        except OSError as error:
            raise click.UsageError(f"cannot write {FOUND}: {error}") from None
        click.echo(f"{added} new in {FOUND}; python -m cases.generate puts them into the gate tier", err=True)
    if discoveries:
        raise click.exceptions.Exit(DISCREPANCY)


def _tick(name: str) -> Callable[[int], None]:
    def tick(asked: int) -> None:
        if asked % 200 == 0 and sys.stderr.isatty():
            click.echo(f"{name}: {asked} asked", err=True)

    return tick


def _remark(found: Discovery) -> str:
    outcome = found.outcome
    text = (outcome.diagnosis or {}).get("text") or outcome.detail
    return f"{outcome.adapter}, {label(outcome.status, outcome.kind)}: {' '.join(text.split())[:150]}"


def _line(found: Discovery) -> str:
    return f"{found.smallest}\n  {_remark(found)}"
