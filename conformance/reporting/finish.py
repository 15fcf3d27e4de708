"""The end of a run: judge the record and make everything from it, in the same way for `run` and `merge`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from conformance.adapters.host.client import AdapterProcess, ProcessLimits
from conformance.adapters.registry import UnknownAdapter, installed, resolve
from conformance.oracle.error_bound import TIGHTEST_FIRST
from conformance.reporting.confirmed_conditions import confirm_conditions
from conformance.reporting.issues import issues
from conformance.reporting.page import write_page
from conformance.reporting.recorded_conditions import conditions
from conformance.reporting.scripts import scripts
from conformance.reports.formats.junit import write_junit
from conformance.reports.formats.markdown import write_summary
from conformance.reports.gate.assess import Expectations, Gate, assess
from conformance.reports.gate.text import headline
from conformance.reports.record.store import Results

__all__ = ["Further", "finish", "here", "write_files"]

HostOf = Callable[[str], AdapterProcess | None]


@dataclass(frozen=True)
class Further:
    """How further cases are run to confirm conditions.

    Attributes
    ----------
    host_of : callable
        The process of an adapter; None if the adapter cannot run here as it did in the run.
    """

    host_of: HostOf


def finish(
    results: Results,
    expectations: Expectations,
    baseline: Results | None = None,
    *,
    further: Further | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Gate:
    """Judge a record, and write into it the headline and the conditions, scripts and issue texts of its findings.

    Parameters
    ----------
    results : Results
        The record, open for writing.
    expectations : mapping
        Entries by adapter.
    baseline : Results, optional
        An earlier run.
    further : Further, optional
        How to run further cases; without it no condition is confirmed.
    say : callable
        Gets what is done next.

    Returns
    -------
    Gate
        The new, known and fixed discrepancies of the run.
    """
    say("comparing the outcomes with what is known")
    gate = assess(results, expectations, baseline, TIGHTEST_FIRST)
    results.set_meta("gate", headline(gate))
    by_finding = conditions(results)
    if further is not None:
        new = [item.outcome for item in gate.items if item.standing == "new"]
        say(f"running further cases to confirm when the {len(new)} new discrepancies happen")
        by_finding |= confirm_conditions(new, results, further.host_of)
    results.set_meta("conditions", {name: asdict(condition) for name, condition in by_finding.items()})
    say("writing scripts and texts that report the discrepancies")
    by_script = scripts(results)
    results.set_meta("scripts", by_script)
    results.set_meta("issues", issues(results, by_script, by_finding))
    return gate


def here(results: Results, limits: ProcessLimits | None = None) -> HostOf:
    """The adapters of a record that can be run on this machine, in the versions that the record has."""
    environments = results.meta().get("environments") or {}

    def host_of(adapter: str) -> AdapterProcess | None:
        try:
            spec = resolve(adapter)
        except UnknownAdapter:
            return None
        versions = environments.get(adapter, {}).get("versions")
        return AdapterProcess(spec, limits) if versions and installed(spec) == versions else None

    return host_of


def write_files(results: Results, folder: Path, gate: Gate, baseline: Results | None = None) -> None:
    """Write report, summary and JUnit XML of a run into its folder."""
    write_page(results, folder / "report", gate, baseline)
    write_summary(results, folder / "summary.md", gate)
    write_junit(results, gate, folder / "junit.xml")
