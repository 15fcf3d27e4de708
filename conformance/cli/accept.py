"""``conformance accept``: write the new discrepancies of a run down as expectations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from conformance.conditions.set_cover import smallest
from conformance.reports.gate.accept import append, propose
from conformance.reports.gate.assess import assess
from conformance.reports.gate.expectations import BUILT_IN, ExpectationError, load_all
from conformance.reports.record.conditions import Condition
from conformance.reports.record.store import Results, ResultsError
from conformance.runner.selection import expectation_folders

__all__ = ["command"]


@click.command(
    "accept",
    epilog="Example: conformance accept conformance-out/results.sqlite --reason 'documented limit' --dry-run",
)
@click.argument("results", type=click.Path(path_type=Path), metavar="RESULTS")
@click.option("--reason", required=True, help="Why this is accepted; it is shown wherever the discrepancy is.")
@click.option("--upstream", default="", metavar="URL", help="Where it was reported.")
@click.option("--adapter", "adapters", multiple=True, metavar="NAME", help="Of these adapters only.")
@click.option("--expectations", metavar="DIR", help="Folder to write. Default: the suite's own.")
@click.option("--dry-run", is_flag=True, help="Print the entries; write nothing.")
def command(
    results: Path, reason: str, upstream: str, adapters: tuple[str, ...], expectations: str | None, dry_run: bool
) -> None:
    """Write an expectation for every new or changed discrepancy of the run RESULTS, with the reason given.

    The condition of an entry is the one that the run confirmed by further cases. Where it confirmed none, the
    entry says so: read it before it is committed, since a condition that only fits may be an accident.
    """
    if not reason.strip():
        raise click.UsageError("--reason is empty; say why the discrepancy is accepted")
    folder = Path(expectations) if expectations else BUILT_IN
    try:
        with Results.open(results) as record:
            outcomes = list(record.outcomes())
            known = {outcome.adapter for outcome in outcomes}
            for adapter in adapters:
                if adapter not in known:
                    raise click.UsageError(
                        f"adapter {adapter!r} is not in {results}; there are {', '.join(known)}"
                    )
            folders = [*expectation_folders(["builtin"]), *([folder] if folder.is_dir() else [])]
            meta = record.meta()
            recorded = {name: Condition(**known) for name, known in (meta.get("conditions") or {}).items()}
            gate = assess(record, load_all(known, list(dict.fromkeys(folders))))
            proposals = propose(
                gate, outcomes, record.cases(), meta.get("environments") or {}, _narrow,
                reason=reason, upstream=upstream, conditions=recorded,
            )  # fmt: skip
        proposals = [proposal for proposal in proposals if not adapters or proposal.adapter in adapters]
        for proposal in proposals:
            click.echo(f"# {proposal.adapter}\n{proposal.to_toml()}")
        if dry_run or not proposals:
            click.echo(f"{len(proposals)} new expectations" + ("; nothing was written" if dry_run else ""))
            return
        for path, count in append(proposals, folder).items():
            click.echo(f"{path}: {count} new expectations; read them, then commit them")
    except (ResultsError, ExpectationError) as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"cannot write into {folder}: {error}") from None


def _narrow(failing: Sequence[dict[str, Any]], others: Sequence[dict[str, Any]]) -> str:
    found = smallest(failing, others)
    return str(found[0]) if found else ""
