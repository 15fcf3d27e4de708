"""The controller of a run: it writes plan and outcomes into one SQLite file, then gate, report and summary."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from conformance.adapters.host.client import AdapterProcess, ProcessLimits
from conformance.adapters.registry import AdapterSpec
from conformance.cases import Case
from conformance.cases.tiers import tier_hash
from conformance.reporting.finish import Further, finish, write_files
from conformance.reporting.page import prepare_page
from conformance.reports.formats.markdown import totals_line
from conformance.reports.gate.assess import Gate
from conformance.reports.gate.expectations import load_all
from conformance.reports.gate.text import headline
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.store import Results, ResultsError
from conformance.runner.activity import Activity
from conformance.runner.items import LOOKS_AHEAD, REPORT_ATTRIBUTE
from conformance.runner.options import RunOptions
from conformance.runner.plan import Key, make_plan, read_shard
from conformance.runner.replacing import describe, relation
from conformance.runner.run_folder import Folder, FolderError
from conformance.runner.selection import expectation_folders

__all__ = ["Recorder"]


class Recorder:
    """Hooks of the process that writes the results file.

    Parameters
    ----------
    config : Config
        The configuration of pytest.
    specs, cases : sequences
        The selection.
    versions_of : callable
        Versions of the packages of an adapter where it runs now.

    Attributes
    ----------
    plan : Plan
        The pairs of adapter and case that run; set from the start.
    folder : Folder
        Where the record is.
    earlier : Path or None
        Where the record is that this one has replaced; set at the end.
    gate : Gate or None
        What is new; set at the end.
    totals : str
        The totals in one line; set at the end.
    cases : dict
        Columns of every case; set at the end.
    progress : tuple of int
        Number of cases with an outcome, and of planned cases, counted once per adapter; set at the end.
    trouble : str
        The first error of writing, empty if there was none.
    """

    def __init__(
        self,
        config: pytest.Config,
        specs: Sequence[AdapterSpec],
        cases: Sequence[Case],
        versions_of: Callable[[AdapterSpec], dict[str, str] | None],
    ) -> None:
        self._options = RunOptions.of(config)
        self._clock = time.monotonic()
        self._planned = False
        self._results: Results | None = None
        self._replaced: Results | None = None
        self._versions_of = versions_of
        self.earlier: Path | None = None
        self._specs = {spec.name: spec for spec in specs}
        self._crashed: set[str] = set()
        self.gate: Gate | None = None
        self.cases: dict[str, dict[str, Any]] = {}
        self.totals = self.trouble = ""
        self.progress = 0, 0
        shard = read_shard(self._options.shard)
        folders = expectation_folders(self._options.expectations)
        self._expectations = load_all((spec.name for spec in specs), folders)
        with ExitStack() as stack:
            try:
                self._baseline = self._open(stack, self._options.baseline)
                durations = self._open(stack, self._options.durations_from)
                self.folder = Folder(self._options.out, resume=self._options.resume)
                stack.callback(self.folder.close)
                stack.callback(self._close_results)
                if self._options.resume:
                    self._results = self.folder.resume()
                else:
                    self._replaced = self.folder.open_record()
            except (FolderError, ResultsError) as error:
                raise pytest.UsageError(str(error)) from None
            recorded = list(self._results.outcomes(details=False)) if self._results else []
            self._continue(self._results)
            self.plan = make_plan(
                specs, cases, shard=shard, durations=durations.outcomes(details=False) if durations else (),
                recorded=recorded,
                previous=self._replaced.outcomes(details=False) if self._replaced else (),
            )  # fmt: skip
            self._recorded = {(outcome.adapter, outcome.case_id) for outcome in recorded}
            if self._options.unselected:
                self._require_selection(None)
            self._close = stack.pop_all()

    def _continue(self, results: Results | None) -> None:
        """Take over what a record has of its run: environments and time; refuse other versions."""
        meta = results.meta() if results is not None else {}
        self._environments: dict[str, Any] = meta.get("environments") or {}
        self._seconds_before = float(meta.get("seconds") or 0)
        if results is not None:
            _check_versions(
                self._specs.values(), self._environments, self._versions_of, resume=self._options.resume
            )

    def _require_selection(self, collected: Collection[Key] | None) -> bool:
        """Whether the run is a part of the record; raise UsageError if the record has a different selection."""
        shard = self._options.shard
        if self._results is not None:
            if relation(self._results, self.plan, shard=shard, collected=None) == "same":
                return False
            # A run of a part, as with -k, is resumed with the same part.
            left = set(map(self.plan.key, self.plan.order) if collected is None else collected)
            if left <= self._recorded <= set(map(self.plan.key, self.plan.here)):
                return False
            raise pytest.UsageError(f"{self.folder.path} has a run of a different selection; drop --resume")
        if self._replaced is None or self._options.overwrite:
            return False
        kind = relation(self._replaced, self.plan, shard=shard, collected=collected)
        if kind == "different":
            raise pytest.UsageError(
                f"{self.folder.path} has the record of a different selection ({describe(self._replaced)}); give "
                "another --out, or --overwrite"
            )
        return kind == "part"

    @property
    def results(self) -> Results:
        """The record; there is one once the plan is known."""
        assert self._results is not None
        return self._results

    def _close_results(self) -> None:
        for results in (self._results, self._replaced):
            if results is not None:
                results.close()

    @staticmethod
    def _open(stack: ExitStack, path: str | None) -> Results | None:
        return None if path is None else stack.enter_context(Results.open(Path(path)))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Keep the first error of writing, such as a full disk."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            self.trouble = self.trouble or f"cannot write into {self.folder.path}: {error}"

    def _plan(self, count: int, ids: Iterable[str]) -> None:
        """Record the plan: the items that pytest collected, without those that its own options deselect.

        Until here nothing is written, so that a wrong argument or an empty selection changes no record.
        """
        if self._planned or (self.plan.order and not count):
            return
        self._planned = True
        collected: set[Key] | None = None
        if count < len(self.plan.order):
            keys = (nodeid.rpartition("::") for nodeid in ids)
            collected = {(adapter, case_id) for adapter, _, case_id in keys if adapter in self._specs}
        with self._writing():
            is_part = self._require_selection(collected)
            if self._results is None:
                self._start(collected, is_part=is_part)
            else:
                self._write_plan(collected)
        self.pytest_runtest_logfinish()
        if not self._options.no_report:
            prepare_page(self.results.cases())  # now, while the frameworks load

    def _start(self, collected: Collection[Key] | None, *, is_part: bool) -> None:
        """Start the record; a part of the recorded selection runs again within a copy of the record."""
        try:
            if is_part:
                self._continue(self._replaced)
                self._results = self.folder.create(self._replaced)
                self.results.discard(collected or ())
            else:
                self._results = self.folder.create()
                self._write_plan(collected)
                self.results.set_meta("tier", self._options.tier)
                self.results.set_meta("shard", self._options.shard)
        except FolderError as error:
            raise pytest.UsageError(str(error)) from None
        self.results.set_meta("command", sys.argv[1:])
        self.results.set_meta("started", time.time())

    def _write_plan(self, collected: Collection[Key] | None) -> None:
        plan = self.plan
        here: Iterable[int] = plan.order
        elsewhere: Iterable[int] = ()
        if collected is not None:
            # Items were deselected here; other shards may or may not deselect theirs.
            here = (number for number in plan.order if plan.key(number) in collected)
        elif len(plan.here) < len(plan.numbers):
            own = set(plan.here)
            elsewhere = (number for number in plan.numbers if number not in own)
        pairs_here, pairs_elsewhere = (
            ((spec.name, case) for spec, case in map(plan.pair, numbers)) for numbers in (here, elsewhere)
        )
        self.results.plan(pairs_here, elsewhere=pairs_elsewhere)
        planned = self.results.cases()
        self.results.set_meta("case_set_hash", tier_hash([case for case in plan.cases if str(case) in planned]))

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionstart(self) -> Iterator[None]:
        """If nothing can be deselected, record the plan while the workers start."""
        yield
        if self._options.unselected:
            self._plan(len(self.plan.order), ())

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Without xdist the items are here."""
        if getattr(session.config.option, "dist", "no") == "no":
            self._plan(len(session.items), (item.nodeid for item in session.items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: Sequence[str]) -> None:
        """With xdist every worker collects the same items and reports them."""
        self._plan(len(ids), ids)

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport, sched: Any) -> None:
        """Run the case that killed a worker once more, in a different worker.

        A worker that looked ahead may have died of a later case, so that crash does not count.
        """
        looked_ahead = report.node.workerinput.get(LOOKS_AHEAD)
        if looked_ahead or crashitem not in self._crashed:
            if not looked_ahead:
                self._crashed.add(crashitem)
            sched.mark_test_pending(crashitem)
            report.outcome = "rerun"  # type: ignore[assignment]  # as pytest's plugins name it

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record an outcome, or that its worker was lost."""
        message = getattr(report, REPORT_ATTRIBUTE, None)
        with self._writing():
            if message is not None:
                outcome = Outcome.from_json(message["outcome"])
                self.results.record(outcome)
                if message["environment"]:
                    self._environments[outcome.adapter] = message["environment"]
                    self.results.set_meta("environments", self._environments)
            elif report.failed:
                adapter, _, case_id = report.nodeid.rpartition("::")
                if adapter not in self._specs:  # an item of a different suite
                    return
                self.results.record(Outcome(case_id, adapter, "infra", detail=str(report.longrepr)[:4000]))

    def pytest_runtest_logfinish(self) -> None:
        """Stop the run if outcomes can no longer be recorded."""
        if self.trouble:
            raise pytest.exit.Exception(self.trouble, returncode=pytest.ExitCode.INTERNAL_ERROR)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the gate, the report and everything else that is made from the record."""
        if self._results is None:
            return
        with Activity("finishing the record", quiet=self._options.quiet) as say, self._writing():
            planned, by_adapter = self.results.count(), self.results.counts().values()
            self.progress = planned - sum(counts["missing"] for counts in by_adapter), planned
            self.results.set_meta("seconds", self._seconds_before + time.monotonic() - self._clock)
            # Further cases run only after a run that was not stopped.
            stopped = session.exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
            further = None if stopped else Further(self._host_of)
            self.gate = finish(self.results, self._expectations, self._baseline, further=further, say=say)
            self.totals = totals_line(self.results)
            self.cases = self.results.cases()
            if self.results.path == self.folder.draft and "missing" not in self.gate.counts:
                self._put_in_place()
            # A run that has not finished leaves the files of the record that stays.
            in_place = self.results.path == self.folder.record
            if in_place and not self._options.no_report and self.results.count():
                say("writing the report")
                write_files(self.results, self.folder.path, self.gate, self._baseline)
        if session.exitstatus == pytest.ExitCode.OK and (self.trouble or (self.gate and self.gate.fails)):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _put_in_place(self) -> None:
        """Replace the record by that of this run."""
        self._close_results()
        self._replaced = None
        self.earlier = self.folder.put_in_place()
        self._results = Results.open(self.folder.record)

    def _host_of(self, adapter: str) -> AdapterProcess:
        return AdapterProcess(self._specs[adapter], ProcessLimits(answer=self._options.timeout))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the result in pytest's own output."""
        terminalreporter.write_line(self.trouble or (headline(self.gate) if self.gate else ""))
        terminalreporter.write_line(self.totals)

    def pytest_unconfigure(self) -> None:
        """Close the record."""
        self._close.close()


def _check_versions(
    specs: Iterable[AdapterSpec],
    environments: dict[str, Any],
    versions_of: Callable[[AdapterSpec], dict[str, str] | None],
    *,
    resume: bool,
) -> None:
    """Refuse to continue a record under versions that differ from those at its start."""
    for spec in specs:
        before = environments.get(spec.name, {}).get("versions")
        now = versions_of(spec)
        if before and now and before != now:
            raise pytest.UsageError(
                f"{spec.name}: versions changed from {_named(before)} to {_named(now)} since the run started; "
                + ("drop --resume" if resume else "run all cases of the record again, or give another --out")
            )


def _named(versions: dict[str, str]) -> str:
    return ", ".join(f"{package} {version}" for package, version in versions.items())
