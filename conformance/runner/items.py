"""Collection and the items: one question to one adapter each."""

from __future__ import annotations

import gc
from collections.abc import Generator, Iterator, Sequence
from functools import partial
from itertools import groupby, pairwise, takewhile
from pathlib import Path
from typing import Any, Protocol

import pytest

from adapters.registry import AdapterSpec
from cases import Case
from conformance.plugin import SUITE
from conformance.runner.ahead import close, launch
from conformance.runner.asking import MOST_AHEAD, Answer
from conformance.runner.plan import Plan
from reports.statuses import label

__all__ = ["LOOKS_AHEAD", "REPORT_ATTRIBUTE", "Asks", "CaseItem", "SuitePlugin"]

REPORT_ATTRIBUTE = "conformance"
LOOKS_AHEAD = "conformance_looks_ahead"  # what a worker is told under this name says whether it may
_ANSWER = pytest.StashKey[Answer]()


class Asks(Protocol):
    """Where answers come from: an `Asker` in this process, or others elsewhere."""

    def ask(self, spec: AdapterSpec, case: Case, following: Sequence[Case] = ()) -> Answer:
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
        self.following: Sequence[Case] = ()

    def runtest(self) -> None:
        """Ask, and fail, skip or pass as the outcome says."""
        answer = self.stash[_ANSWER] = self.suite.asker.ask(self.spec, self.case, self.following)
        outcome, known = answer.outcome, answer.known
        if known is not None:
            pytest.xfail(f"{known.finding}: {known.reason}")
        if outcome.gates:
            raise Discrepancy(f"{label(outcome.status, outcome.kind)}: {outcome.detail}")
        if outcome.status != "pass":
            pytest.skip(f"{outcome.status}: {outcome.detail}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The outcome in words instead of a traceback of the runner."""
        if isinstance(excinfo.value, Discrepancy):
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
        for number in plugin.plan.order:
            spec, case = plugin.plan.questions[number]
            nodeid = f"{spec.name}::{case}"
            yield CaseItem.from_parent(self, name=str(case), nodeid=nodeid, spec=spec, case=case, suite=plugin)


class SuitePlugin:
    """Hooks of the side that runs items."""

    def __init__(self, plan: Plan, asker: Asks, *, looks_ahead: bool = True) -> None:
        self.plan, self.asker, self._looks_ahead = plan, asker, looks_ahead
        self._number: dict[pytest.Item, int] = {}
        self._items: list[pytest.Item] = []
        self._next_adapter: dict[pytest.Item, AdapterSpec] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Find out which adapter comes after which; a worker of pytest-xdist is not told which items it gets."""
        gc.freeze()  # the items and all that is imported stay: no need to look through them again and again
        if self._looks_ahead and not hasattr(session.config, "workerinput"):
            items = [item for item in session.items if isinstance(item, CaseItem)]
            self._items, self._number = session.items, {item: n for n, item in enumerate(session.items)}
            firsts = [next(group) for _, group in groupby(items, lambda item: item.spec)]
            self._next_adapter = {item: other.spec for item, other in pairwise(firsts)}

    def pytest_pycollect_makemodule(self, module_path: Path, parent: Any) -> Suite | None:
        """Collect the suite in place of its anchor module."""
        return Suite.from_parent(parent, path=module_path) if module_path.samefile(SUITE) else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Run a question as pytest runs a test, but for set-up and teardown: it has neither, and three phases cost
        thrice the time of one. Under plain pytest there are plugins that count on all three, logging first of all.
        """
        if not isinstance(item, CaseItem):
            return None
        if self._looks_ahead:
            item.following = self._after(item, nextitem)
        if item.config.pluginmanager.has_plugin("logging-plugin"):
            return None
        hook = item.ihook
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        call = pytest.CallInfo.from_call(
            partial(hook.pytest_runtest_call, item=item), "call", (pytest.exit.Exception, KeyboardInterrupt)
        )
        report = hook.pytest_runtest_makereport(item=item, call=call)
        hook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        if item in self._next_adapter:
            launch(self._next_adapter[item])
        return True

    def _after(self, item: CaseItem, nextitem: pytest.Item | None) -> list[Case]:
        """What the same adapter is asked next, as far as it is known; a worker of pytest-xdist knows one item."""
        number = self._number.get(item)
        later = [nextitem] if number is None else self._items[number + 1 : number + 1 + MOST_AHEAD]
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

    def pytest_unconfigure(self) -> None:
        """End the adapters' processes."""
        self.asker.close()
        close()
        gc.unfreeze()
