"""``conformance accept``: write the new discrepancies of a run as expectations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from conformance.cli.options import RECORD, quiet_option
from conformance.conditions.set_cover import smallest
from conformance.reports.gate.accept import append, propose
from conformance.reports.gate.assess import assess
from conformance.reports.gate.expectations import BUILT_IN, ExpectationError, load_all
from conformance.reports.record.conditions import Condition
from conformance.reports.record.store import Results, ResultsError
from conformance.runner.activity import Activity
from conformance.runner.selection import expectation_folders

__all__ = ["command"]


@click.command(
    "accept",
    epilog="Example: conformance accept conformance-out/latest/results.sqlite --reason 'documented limit' "
    "--dry-run",
)
@click.argument("results", type=RECORD, metavar="RESULTS")
@click.option(
    "--reason", required=True, metavar="TEXT", help="Why it is accepted; shown wherever the discrepancy is shown."
)
@click.option("--upstream", default="", metavar="URL", help="Where the discrepancy was reported.")
@click.option(
    "--adapter",
    "adapters",
    multiple=True,
    metavar="NAME",
    help="Accept those of this adapter only; may be repeated.",
)
@click.option("--expectations", metavar="DIR", help="Folder to write. Default: the suite's own.")
@click.option("--dry-run", is_flag=True, help="Print the entries; write nothing.")
@quiet_option
def command(
    results: Path,
    reason: str,
    upstream: str,
    adapters: tuple[str, ...],
    expectations: str | None,
    dry_run: bool,
    quiet: bool,
) -> None:
    """Write an expectation for every new or changed discrepancy of the run RESULTS, with the reason given.

    The condition of an entry (`where`) is the one that the run confirmed with further cases. If the run confirmed
    none, the entry says so. Read such an entry before you commit it: its condition may fit by accident.
    """
    if not reason.strip():
        raise click.UsageError("--reason is empty; say why the discrepancy is accepted")
    folder = Path(expectations) if expectations else BUILT_IN
    try:
        with Activity("looking for what is new", quiet=quiet) as say, Results.open(results) as record:
            outcomes = list(record.outcomes())
            recorded = {outcome.adapter for outcome in outcomes}
            for adapter in adapters:
                if adapter not in recorded:
                    raise click.UsageError(
                        f"adapter {adapter!r} is not in {results}; it has {', '.join(sorted(recorded))}"
                    )
            folders = [*expectation_folders(["builtin"]), *([folder] if folder.is_dir() else [])]
            meta = record.meta()
            conditions = {name: Condition(**fields) for name, fields in (meta.get("conditions") or {}).items()}
            gate = assess(record, load_all(recorded, list(dict.fromkeys(folders))))
            say("looking for the conditions of what is new")
            proposals = propose(
                gate, outcomes, record.cases(), meta.get("environments") or {}, _narrow,
                reason=reason, upstream=upstream, conditions=conditions,
            )  # fmt: skip
        proposals = [proposal for proposal in proposals if not adapters or proposal.adapter in adapters]
        for proposal in proposals:
            click.echo(f"# {proposal.adapter}\n{proposal.to_toml()}")
        if dry_run or not proposals:
            read = " and ".join(dict.fromkeys(map(str, folders)))
            covered = "" if proposals else f": those in {read} cover every discrepancy"
            click.echo(f"{len(proposals)} new expectations{covered}; nothing was written")
            return
        for path, count in append(proposals, folder).items():
            click.echo(f"{path}: {count} new expectations; read them, then commit them")
    except (ResultsError, ExpectationError) as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"cannot write into {folder}: {error}") from None


def _narrow(failing: Sequence[dict[str, Any]], others: Sequence[dict[str, Any]]) -> str:
    predicates = smallest(failing, others)
    return str(predicates[0]) if predicates else ""
