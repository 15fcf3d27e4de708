"""Collection and the items: one question to one adapter each."""

from __future__ import annotations

import gc
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
LOOKS_AHEAD = "conformance_looks_ahead"  # what a worker is told under this name says whether it may
_ANSWER = pytest.StashKey[JudgedOutcome]()


class RunsCases(Protocol):
    """Where answers come from: an `CaseRunner` in this process, or others elsewhere."""

    def run(self, spec: AdapterSpec, case: Case, following: Sequence[Case] = ()) -> JudgedOutcome:
        """The answer to one question; the adapter is asked ``following`` next."""

    def close(self) -> None:
        """Let go of what answers."""


class Discrepancy(Exception):
    """An outcome that fails the gate; carries it to pytest's report."""


class CaseItem(pytest.Item):
    """One question to one adapter; its id is ``adapter::case id``."""

    def __init__(self, *, spec: AdapterSpec, case: Case, suite: SuitePlugin, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.spec, self.case, self.suite = spec, case, suite
        self.turn: int | None = None
        self.following: Sequence[Case] = ()

    def runtest(self) -> None:
        """Ask, and fail, skip or pass as the outcome says."""
        answer = self.stash[_ANSWER] = self.suite.case_runner.run(self.spec, self.case, self.following)
        outcome, known = answer.outcome, answer.known
        if known is not None:
            pytest.xfail(f"{known.finding}: {known.reason}")
        if outcome.gates:
            raise Discrepancy(f"{label(outcome.status, outcome.kind)}: {outcome.detail}")
        if outcome.status != "pass":
            pytest.skip(f"{outcome.status}: {outcome.detail}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The outcome in words instead of a traceback of the runner, which takes pytest longer than to ask."""
        if isinstance(excinfo.value, (Discrepancy, pytest.xfail.Exception)):
            return f"{self.nodeid}\n{excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where the item is said to be."""
        return self.path, None, self.nodeid

    @property
    def location(self) -> tuple[str, None, str]:  # pytest searches for it item by item
        """The same, with the path as text."""
        return str(self.path), None, self.nodeid


class Suite(pytest.File):
    """The suite as pytest collects it."""

    def collect(self) -> Iterator[CaseItem]:
        """Make the items, those of one adapter together."""
        plugin: Any = self.config.pluginmanager.getplugin("conformance-items")
        yield from plugin.items_of(self)


class LazyItems(Sequence[CaseItem]):
    """The items of a run as pytest goes through them, each made when its turn comes and kept for a few turns.

    A list of them would take two kilobytes an item, and a long run has a million.
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
    """By the turn of the first question to each adapter, which one is asked after it."""
    firsts = [next(block) for _, block in groupby(specs, lambda turn: turn[1])]
    return {turn: other for (turn, _), (_, other) in pairwise(firsts)}


class SuitePlugin:
    """Hooks of the side that runs items."""

    def __init__(
        self, plan: Plan, case_runner: RunsCases, *, looks_ahead: bool = True, lists: bool = True
    ) -> None:
        self.plan, self.case_runner, self._looks_ahead, self._lists = plan, case_runner, looks_ahead, lists
        self._items: Sequence[pytest.Item] = ()
        self._launches: dict[int, AdapterSpec] = {}
        self._letting_go: threading.Thread | None = None

    def items_of(self, suite: Suite) -> Sequence[CaseItem]:
        """The items in the order of the plan, not made before they are taken."""

        def make(turn: int) -> CaseItem:
            spec, case = self.plan.pair(self.plan.order[turn])
            nodeid = f"{spec.name}::{case}"
            return CaseItem.from_parent(suite, name=str(case), nodeid=nodeid, spec=spec, case=case, suite=self)

        return LazyItems(len(self.plan.order), make)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> bool | None:
        """Leave out the list of items where nobody picks from it."""
        if self._lists:
            return None
        items: Any = self.items_of(Suite.from_parent(session, path=SUITE))
        session.items, session.testscollected = items, len(items)
        session.config.hook.pytest_collection_finish(session=session)
        return True

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Find out which adapter comes after which; a worker of pytest-xdist is not told which items it gets."""
        gc.freeze()  # the items and all that is imported stay: no need to look through them again and again
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
            self._launches = _launches((t, self.plan.pair(n)[0]) for t, n in enumerate(self.plan.order))

    def pytest_pycollect_makemodule(self, module_path: Path, parent: Any) -> Suite | None:
        """Collect the suite in place of its anchor module."""
        return Suite.from_parent(parent, path=module_path) if module_path.samefile(SUITE) else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Run a question as pytest runs a test, but for set-up and teardown: it has neither, and three phases cost
        thrice the time of one. Under plain pytest there are plugins that count on all three, logging first of all.
        The call is no hook either: pytest notes each in an environment variable, and glibc keeps every value that
        one ever had.
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
        """What the same adapter is asked next, as far as it is known; a worker of pytest-xdist knows one item."""
        later = [nextitem]
        if item.turn is not None:
            later = [self._items[turn] for turn in range(len(self._items))[item.turn + 1 :][:MOST_AHEAD]]
        same = takewhile(lambda other: isinstance(other, CaseItem) and other.spec == item.spec, later)
        return [other.case for other in same if isinstance(other, CaseItem)]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Send the outcome along with pytest's report, also from a worker to the controller."""
        report = yield
        if call.when == "call" and isinstance(item, CaseItem):
            answer = item.stash.get(_ANSWER, None)
            if answer is not None:
                del item.stash[_ANSWER]  # items stay to the end of a run
                outcome = answer.outcome
                message = {"outcome": outcome.to_json(), "environment": answer.environment}
                setattr(report, REPORT_ATTRIBUTE, message)
                report.user_properties = [("status", outcome.status), ("kind", outcome.kind or "")]
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Let go of what answers while the report is made: to free a framework's memory takes a while."""
        self._letting_go = threading.Thread(target=self.case_runner.close)
        self._letting_go.start()

    def pytest_unconfigure(self) -> None:
        """End the adapters' processes."""
        if self._letting_go is not None:
            self._letting_go.join()
        self.case_runner.close()  # where there was no session, or a process was started since
        close()
        gc.unfreeze()
