"""Collection and the items: one item per case and adapter."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import groupby, pairwise, takewhile
from pathlib import Path
from typing import Any, Protocol

import pytest

from conformance.adapters.registry import AdapterSpec
from conformance.cases import Case
from conformance.execution.case_runner import MOST_AHEAD, JudgedOutcome
from conformance.execution.prelaunch import close, launch
from conformance.reports.record.statuses import label
from conformance.runner.plan import Plan
from conformance.suite import SUITE

__all__ = ["LOOKS_AHEAD", "REPORT_ATTRIBUTE", "CaseItem", "RunsCases", "SuitePlugin"]

REPORT_ATTRIBUTE = "conformance"
LOOKS_AHEAD = "conformance_looks_ahead"  # the key in a worker's input that says whether it may send requests ahead
_JUDGED = pytest.StashKey[JudgedOutcome]()


class RunsCases(Protocol):
    """The source of outcomes: a `CaseRunner` in this process, or workers elsewhere."""

    def run(self, spec: AdapterSpec, case: Case, following: Sequence[Case] = ()) -> JudgedOutcome:
        """The outcome of one case; the same adapter runs ``following`` next."""

    def close(self) -> None:
        """End the adapters' processes."""


class Discrepancy(Exception):
    """An outcome that fails the gate; carries it to pytest's report."""


class CaseItem(pytest.Item):
    """One case on one adapter; its id is ``adapter::case id``."""

    def __init__(self, *, spec: AdapterSpec, case: Case, suite: SuitePlugin, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.spec, self.case, self.suite = spec, case, suite
        self.turn: int | None = None
        self.following: Sequence[Case] = ()

    def runtest(self) -> None:
        """Run the case, and fail, skip or pass according to the outcome."""
        judged = self.stash[_JUDGED] = self.suite.case_runner.run(self.spec, self.case, self.following)
        outcome, expectation = judged.outcome, judged.expectation
        if expectation is not None:
            pytest.xfail(f"{expectation.finding}: {expectation.reason}")
        if outcome.gates:
            raise Discrepancy(f"{label(outcome.status, outcome.kind)}: {outcome.detail}")
        if outcome.status != "pass":
            pytest.skip(f"{outcome.status}: {outcome.detail}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The outcome as text. A traceback of the runner would take longer to make than a case takes to run."""
        if isinstance(excinfo.value, (Discrepancy, pytest.xfail.Exception)):
            return f"{self.nodeid}\n{excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """The location that pytest reports."""
        return self.path, None, self.nodeid

    @property
    def location(self) -> tuple[str, None, str]:  # pytest's own property searches the file system for each item
        """The same, with the path as text."""
        return str(self.path), None, self.nodeid


class Suite(pytest.File):
    """The suite as pytest collects it."""

    def collect(self) -> Iterator[CaseItem]:
        """Make the items, those of one adapter together."""
        plugin: Any = self.config.pluginmanager.getplugin("conformance-items")
        yield from plugin.items_of(self)


class LazyItems(Sequence[CaseItem]):
    """The items of a run, each made when pytest takes it and kept for a few turns.

    A list of all items would take two kilobytes per item, and a long run has a million.
    """

    def __init__(self, count: int, make: Callable[[int], CaseItem]) -> None:
        self._count, self._make = count, make
        self._made: dict[int, CaseItem] = {}

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, turn: Any) -> Any:
        if not 0 <= turn < self._count:
            raise IndexError(turn)
        if turn not in self._made:
            self._made[turn] = self._make(turn)
            self._made[turn].turn = turn
            if len(self._made) > 2 * MOST_AHEAD:
                del self._made[min(self._made)]
        return self._made[turn]


def _launches(specs: Iterable[tuple[int, AdapterSpec]]) -> dict[int, AdapterSpec]:
    """The next adapter, by the turn of the first case of each adapter: at that turn the next one is launched."""
    firsts = [next(block) for _, block in groupby(specs, lambda turn_and_spec: turn_and_spec[1])]
    return {turn: next_spec for (turn, _), (_, next_spec) in pairwise(firsts)}


class SuitePlugin:
    """Hooks of the process that runs items."""

    def __init__(
        self, plan: Plan, case_runner: RunsCases, *, looks_ahead: bool = True, lists: bool = True
    ) -> None:
        self.plan, self.case_runner, self._looks_ahead, self._lists = plan, case_runner, looks_ahead, lists
        self._items: Sequence[pytest.Item] = ()
        self._launches: dict[int, AdapterSpec] = {}
        self._closing: threading.Thread | None = None

    def items_of(self, suite: Suite) -> Sequence[CaseItem]:
        """The items in the order of the plan, made lazily."""

        def make(turn: int) -> CaseItem:
            spec, case = self.plan.pair(self.plan.order[turn])
            nodeid = f"{spec.name}::{case}"
            return CaseItem.from_parent(suite, name=str(case), nodeid=nodeid, spec=spec, case=case, suite=self)

        return LazyItems(len(self.plan.order), make)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> bool | None:
        """Collect lazily, without a list of all items, if no option of pytest selects from it."""
        if self._lists:
            return None
        items: Any = self.items_of(Suite.from_parent(session, path=SUITE))
        session.items, session.testscollected = items, len(items)
        session.config.hook.pytest_collection_finish(session=session)
        return True

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Find out which adapter follows which. A worker of pytest-xdist does not know which items it will get."""
        if not self._looks_ahead or hasattr(session.config, "workerinput"):
            return
        self._items = session.items
        if self._lists:
            specs = []
            for turn, item in enumerate(session.items):
                if isinstance(item, CaseItem):
                    item.turn = turn
                    specs.append((turn, item.spec))
            self._launches = _launches(specs)
        else:
            self._launches = _launches(
                (turn, self.plan.pair(number)[0]) for turn, number in enumerate(self.plan.order)
            )

    def pytest_pycollect_makemodule(self, module_path: Path, parent: Any) -> Suite | None:
        """Collect the suite in place of the module `conformance.suite`."""
        return Suite.from_parent(parent, path=module_path) if module_path.samefile(SUITE) else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Run an item as pytest runs a test, but without set-up and teardown.

        An item has neither. With three phases a gate run of PyTorch takes 1.08 of the time (benchmarks: speed).
        Under plain pytest some plugins need all three, such as logging. The call does not go through a hook:
        pytest writes the name of each phase into an environment variable, and glibc never frees the old values.
        """
        if not isinstance(item, CaseItem):
            return None
        if self._looks_ahead:
            item.following = self._after(item, nextitem)
        if item.config.pluginmanager.has_plugin("logging-plugin"):
            return None
        hook = item.ihook
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        call = pytest.CallInfo.from_call(item.runtest, "call", (pytest.exit.Exception, KeyboardInterrupt))
        report = hook.pytest_runtest_makereport(item=item, call=call)
        hook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        if item.turn in self._launches:
            launch(self._launches[item.turn])
        return True

    def _after(self, item: CaseItem, nextitem: pytest.Item | None) -> list[Case]:
        """The next cases of the same adapter, as far as they are known: a worker of pytest-xdist knows one."""
        later = [nextitem]
        if item.turn is not None:
            later = [self._items[turn] for turn in range(len(self._items))[item.turn + 1 :][:MOST_AHEAD]]
        same = takewhile(lambda other: isinstance(other, CaseItem) and other.spec == item.spec, later)
        return [other.case for other in same if isinstance(other, CaseItem)]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Attach the outcome to pytest's report, which also travels from a worker to the controller."""
        report = yield
        if call.when == "call" and isinstance(item, CaseItem):
            judged = item.stash.get(_JUDGED, None)
            if judged is not None:
                del item.stash[_JUDGED]  # items stay in memory to the end of a run
                outcome = judged.outcome
                message = {"outcome": outcome.to_json(), "environment": judged.environment}
                setattr(report, REPORT_ATTRIBUTE, message)
                report.user_properties = [("status", outcome.status), ("kind", outcome.kind or "")]
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Close adapters on a thread while the report is written; freeing a framework's memory is slow."""
        self._closing = threading.Thread(target=self.case_runner.close)
        self._closing.start()

    def pytest_unconfigure(self) -> None:
        """End the adapters' processes."""
        if self._closing is not None:
            self._closing.join()
        self.case_runner.close()  # there was no session, or a process was started since
        close()
