"""The output of `conformance run` while it runs: a progress bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pytest
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from conformance.reports.record.cut_text import cut
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.statuses import STATUSES, label
from conformance.runner.items import REPORT_ATTRIBUTE
from conformance.runner.recorder import Recorder

__all__ = ["ConsoleReporter"]

_LINE_EVERY_SECONDS = 15.0
_FAILURES_SHOWN = 20


class ConsoleReporter:
    """Hooks that print the progress of the run.

    Parameters
    ----------
    quiet : bool
        Whether to print nothing but an error of pytest or of the suite itself.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(highlight=False, stderr=False)
        self._quiet = quiet
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=quiet or not self._console.is_terminal,
        )
        self._task = self._bar.add_task("running", total=None)
        self._total: int | None = None
        self._done = self._failures = self._shown = 0
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._reasons: set[tuple[str, str]] = set()
        self._last_line = time.monotonic()
        self.recorder: Recorder | None = None
        self.interrupted = False

    def _start(self, total: int) -> None:
        if self._total is None:
            self._total = total
            self._bar.update(self._task, total=total)
            self._bar.start()
            if not (self._quiet or self._console.is_terminal):
                self._console.print(f"running {total} case{'s' * (total != 1)}, counted once per adapter")

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Without xdist the items are here."""
        if session.items:
            self._start(len(session.items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: Sequence[str]) -> None:
        """With xdist every worker reports its collection."""
        self._start(len(ids))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Advance, and show the first discrepancies as they come."""
        message = getattr(report, REPORT_ATTRIBUTE, None)
        if message is None or self._quiet:
            return
        outcome = Outcome.from_json(message["outcome"])
        self._done += 1
        self.seconds[outcome.adapter] += outcome.seconds
        self._bar.update(self._task, completed=self._done, description=outcome.adapter)
        if outcome.gates and not hasattr(report, "wasxfail"):
            self._failures += 1
            self._show(outcome)
        now = time.monotonic()
        if not self._console.is_terminal and now - self._last_line > _LINE_EVERY_SECONDS:
            self._last_line = now
            self._console.print(f"{self._done} of {self._total} run, {self._failures} discrepancies")

    def _show(self, outcome: Outcome) -> None:
        """Print a discrepancy: only the first ones, and a failure of the suite once per adapter and reason."""
        if outcome.status == "infra":
            reason = outcome.adapter, outcome.detail
            if reason in self._reasons:
                return
            self._reasons.add(reason)
        self._shown += 1
        if self._shown > _FAILURES_SHOWN:
            if self._shown == _FAILURES_SHOWN + 1:
                self._console.print("… further discrepancies are in the report")
            return
        status = STATUSES[outcome.status]
        text = label(outcome.status, outcome.kind)
        self._console.print(
            f"[{status.colour}]{status.symbol} {text}[/] {escape(outcome.adapter)} {outcome.case_id}\n"
            f"    {escape(cut(outcome.detail, 200))}",
            soft_wrap=True,
        )

    def pytest_internalerror(self, excrepr: Any) -> None:
        """Show an error of pytest or of the suite itself."""
        self._console.print(str(excrepr), markup=False, soft_wrap=True)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Distinguish an interrupt by the user from a stop by the suite."""
        self.interrupted = excinfo.errisinstance(KeyboardInterrupt)

    def pytest_sessionfinish(self) -> None:
        """Remove the bar."""
        self._bar.stop()

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Keep the recorder, which has the text of the last lines."""
        self.recorder = config.pluginmanager.getplugin("conformance-recorder")
