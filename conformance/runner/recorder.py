"""The side that controls: plan and outcomes into one SQLite file, then report and summary."""

from __future__ import annotations

import fcntl
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cases import Case
from cases.tiers import tier_hash
from conformance.runner.items import REPORT_ATTRIBUTE
from reports.html import write_report
from reports.outcome import Outcome
from reports.store import Results, ResultsError
from reports.summary import totals_line, write_summary

__all__ = ["Recorder"]


class Recorder:
    """Hooks of the process that writes the results file."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._folder = Path(config.option.out)
        self._started = time.time()
        self._planned = False
        self._environments: dict[str, Any] = {}
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = (self._folder / ".lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.results = Results.create(self._folder / "results.sqlite")
        except BlockingIOError:
            raise pytest.UsageError(f"another run is writing into {self._folder}") from None
        except (OSError, ResultsError) as error:
            raise pytest.UsageError(f"cannot write into {self._folder}: {error}") from None
        self.results.set_meta("command", sys.argv[1:])
        self.results.set_meta("started", self._started)

    def _plan(self, ids: Sequence[str]) -> None:
        if self._planned:
            return
        self._planned = True
        pairs = [name.rpartition("::") for name in ids]
        questions = [(adapter, Case.parse(case_id)) for adapter, _, case_id in pairs]
        self.results.plan(questions)
        self.results.set_meta("case_set_hash", tier_hash({case for _, case in questions}))
        self.results.set_meta("tier", self._config.option.tier)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Without xdist the items are here."""
        if session.items:
            self._plan([item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: Sequence[str]) -> None:
        """With xdist every worker collects the same items and tells."""
        self._plan(ids)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record an outcome, or that a worker went away with it."""
        message = getattr(report, REPORT_ATTRIBUTE, None)
        if message is None:
            if report.failed:
                adapter, _, case_id = report.nodeid.rpartition("::")
                self.results.record(Outcome(case_id, adapter, "infra", detail=str(report.longrepr)[:4000]))
            return
        outcome = Outcome.from_json(message["outcome"])
        self.results.record(outcome)
        if message["environment"]:
            self._environments[outcome.adapter] = message["environment"]
            self.results.set_meta("environments", self._environments)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Write everything that is made from the record."""
        self.results.set_meta("seconds", time.time() - self._started)
        if not self._config.option.no_report and self.results.count():
            write_report(self.results, self._folder / "report")
            write_summary(self.results, self._folder / "summary.md")

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say in pytest's own output what came out."""
        terminalreporter.write_line(totals_line(self.results))

    def pytest_unconfigure(self) -> None:
        """Close the record."""
        self.results.close()
        self._lock.close()
