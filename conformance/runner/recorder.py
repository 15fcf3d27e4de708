"""The side that controls: plan and outcomes into one SQLite file, then the gate, the report and the summary."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
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
from conformance.runner.items import LOOKS_AHEAD, REPORT_ATTRIBUTE
from conformance.runner.plan import make_plan, read_shard
from conformance.runner.run_folder import Folder, FolderError
from conformance.runner.selection import expectation_folders

__all__ = ["Recorder"]


class Recorder:
    """Hooks of the process that writes the results file.

    Parameters
    ----------
    config : Config
        Of pytest.
    specs, cases : sequences
        What is asked.
    versions_of : callable
        Versions of the packages of an adapter where it is asked now.

    Attributes
    ----------
    plan : Plan
        What is asked, known from the start.
    results : Results
        The record.
    gate : Gate or None
        What is news, known at the end.
    totals : str
        The totals in one line, known at the end.
    cases : dict
        Columns of every case, known at the end.
    trouble : str
        Why nothing more could be written, empty if all was.
    """

    def __init__(
        self,
        config: pytest.Config,
        specs: Sequence[AdapterSpec],
        cases: Sequence[Case],
        versions_of: Callable[[AdapterSpec], dict[str, str] | None],
    ) -> None:
        self._option = config.option
        self._clock = time.monotonic()
        self._planned = False
        self._specs = {spec.name: spec for spec in specs}
        self._crashed: set[str] = set()
        self.gate: Gate | None = None
        self.cases: dict[str, dict[str, Any]] = {}
        self.totals = self.trouble = ""
        shard = read_shard(self._option.shard)
        folders = expectation_folders(self._option.expectations)
        self._expectations = load_all((spec.name for spec in specs), folders)
        with ExitStack() as stack:
            try:
                self._baseline = self._open(stack, self._option.baseline)
                durations = self._open(stack, self._option.durations_from)
                self._folder = Folder(Path(self._option.out))
                stack.callback(self._folder.close)
                self.results = self._folder.open_results(resume=self._option.resume)
                stack.callback(self.results.close)
                recorded = list(self.results.outcomes(details=False))
                previous = self._folder.open_previous()
            except (FolderError, ResultsError) as error:
                raise pytest.UsageError(str(error)) from None
            meta = self.results.meta()
            self._environments: dict[str, Any] = meta.get("environments") or {}
            self._seconds_before = float(meta.get("seconds") or 0)
            if recorded:
                _check_versions(specs, self._environments, versions_of)
            self.plan = make_plan(
                specs, cases, shard=shard, durations=durations.outcomes(details=False) if durations else (),
                recorded=recorded, previous=previous.outcomes(details=False) if previous else (),
            )  # fmt: skip
            if previous is not None:
                previous.close()
            if recorded and not self._asks_what_is_planned():
                raise pytest.UsageError(f"the run in {self._option.out} asked other questions; leave out --resume")
            self._close = stack.pop_all()
        if not recorded:
            facts = {"command": sys.argv[1:], "started": time.time(), "tier": self._option.tier}
            with self._writing():
                for key, value in {**facts, "shard": self._option.shard}.items():
                    self.results.set_meta(key, value)

    def _asks_what_is_planned(self) -> bool:
        """Whether the record that this run goes on with is one of the same questions."""
        ids = sorted(map(str, self.plan.cases))
        return self.results.adapters(here=False) == sorted(self._specs) and all(
            self.results.questions(name, here=False) == ids for name in self._specs
        )

    @staticmethod
    def _open(stack: ExitStack, path: str | None) -> Results | None:
        return None if path is None else stack.enter_context(Results.open(Path(path)))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Keep the first thing that could not be written, such as for want of space."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            self.trouble = self.trouble or f"cannot write into {self._folder.path}: {error}"

    def _plan(self, count: int, ids: Iterable[str]) -> None:
        """Record what is asked: what was collected, which leaves out what pytest's own options deselect."""
        if self._planned:
            return
        self._planned = True
        with self._writing():
            self._write_plan(count, ids)
        self.pytest_runtest_logfinish()
        if not self._option.no_report:
            prepare_page(self.results.cases())  # frameworks are loading

    def _write_plan(self, count: int, ids: Iterable[str]) -> None:
        plan = self.plan
        here: Iterable[int] = plan.order
        elsewhere: Iterable[int] = ()
        if count < len(plan.order):
            # Something was deselected here; whether other shards deselect theirs is not known.
            asked = set(ids)
            here = (number for number in plan.order if "::".join(plan.key(number)) in asked)
        elif len(plan.here) < len(plan.numbers):
            mine = set(plan.here)
            elsewhere = (number for number in plan.numbers if number not in mine)
        questions, others = (
            ((spec.name, case) for spec, case in map(plan.pair, numbers)) for numbers in (here, elsewhere)
        )
        self.results.plan(questions, elsewhere=others)
        asked_cases = self.results.cases()
        self.results.set_meta("case_set_hash", tier_hash([c for c in plan.cases if str(c) in asked_cases]))

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionstart(self) -> Iterator[None]:
        """Where nothing is deselected, record what is asked while workers start."""
        yield
        if self._option.unselected:
            self._plan(len(self.plan.order), ())

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Without xdist the items are here."""
        if getattr(session.config.option, "dist", "no") == "no":
            self._plan(len(session.items), (item.nodeid for item in session.items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: Sequence[str]) -> None:
        """With xdist every worker collects the same items and tells."""
        self._plan(len(ids), ids)

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport, sched: Any) -> None:
        """Ask the question that a worker died with once more, in another worker.

        A worker that looked ahead may have died over the question after it, so that does not count.
        """
        looked_ahead = report.node.workerinput.get(LOOKS_AHEAD)
        if looked_ahead or crashitem not in self._crashed:
            if not looked_ahead:
                self._crashed.add(crashitem)
            sched.mark_test_pending(crashitem)
            report.outcome = "rerun"  # type: ignore[assignment]  # the word for it among pytest's plugins

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record an outcome, or that a worker went away with it."""
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
                if adapter not in self._specs:  # a test that is not ours
                    return
                self.results.record(Outcome(case_id, adapter, "infra", detail=str(report.longrepr)[:4000]))

    def pytest_runtest_logfinish(self) -> None:
        """Stop where going on would ask what cannot be recorded."""
        if self.trouble:
            raise pytest.exit.Exception(self.trouble, returncode=pytest.ExitCode.INTERNAL_ERROR)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write everything that is made from the record."""
        with self._writing():
            self.results.set_meta("seconds", self._seconds_before + time.monotonic() - self._clock)
            # Further cases are run only at the end of a run that nobody stopped.
            stopped = session.exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
            further = None if stopped else Further(self._host_of)
            self.gate = finish(self.results, self._expectations, self._baseline, further=further)
            self.totals = totals_line(self.results)
            self.cases = self.results.cases()
            if not self._option.no_report and self.results.count():
                write_files(self.results, self._folder.path, self.gate, self._baseline)
        if session.exitstatus == pytest.ExitCode.OK and (self.trouble or (self.gate and self.gate.fails)):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _host_of(self, adapter: str) -> AdapterProcess:
        return AdapterProcess(self._specs[adapter], ProcessLimits(answer=self._option.answer_timeout))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say in pytest's own output what came out."""
        terminalreporter.write_line(self.trouble or (headline(self.gate) if self.gate else ""))
        terminalreporter.write_line(self.totals)

    def pytest_unconfigure(self) -> None:
        """Close the record."""
        self._close.close()


def _check_versions(
    specs: Sequence[AdapterSpec],
    environments: dict[str, Any],
    versions_of: Callable[[AdapterSpec], dict[str, str] | None],
) -> None:
    """Refuse to go on with a run under other versions than it began with."""
    for spec in specs:
        before = environments.get(spec.name, {}).get("versions")
        now = versions_of(spec)
        if before and now and before != now:
            raise pytest.UsageError(
                f"{spec.name} was {before} when the run began and is {now}; leave out --resume"
            )
