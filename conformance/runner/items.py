"""Collection and the items: one question to one adapter each."""

from __future__ import annotations

import traceback
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.process import Host, Limits
from adapters.registry import AdapterSpec
from cases import Case
from cases.columns import columns
from conformance.check import ask
from conformance.plugin import SUITE
from conformance.runner.again import Confirmation
from conformance.runner.plan import Plan
from conformance.selection import expectation_folders
from reports.expectations import Expectation, load_all
from reports.gate import explain
from reports.outcome import Outcome
from reports.statuses import label

__all__ = ["REPORT_ATTRIBUTE", "CaseItem", "SuitePlugin"]

REPORT_ATTRIBUTE = "conformance"
_OUTCOME = pytest.StashKey[Outcome]()
_MOST_CHARACTERS = 4000


class Discrepancy(Exception):
    """An outcome that fails the gate; carries it to pytest's report."""


class HostPool:
    """The adapter processes of this worker.

    Items come sorted by adapter, so one live process is enough; the last is ended when another is asked for.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._host: Host | None = None
        self._announced: set[str] = set()

    def get(self, spec: AdapterSpec) -> Host:
        """The process of an adapter."""
        if self._host is None or self._host.spec != spec:
            self.close()
            self._host = Host(spec, self._limits)
        return self._host

    def fresh(self, spec: AdapterSpec) -> Host:
        """A process of an adapter that has been asked nothing yet."""
        self.close()
        return self.get(spec)

    @property
    def environment(self) -> dict[str, Any]:
        """What the current process runs in."""
        return self._host.environment if self._host is not None else {}

    def news(self) -> dict[str, Any] | None:
        """The environment of the current process, once for each adapter."""
        if self._host is None or self._host.spec.name in self._announced:
            return None
        if not self._host.environment["versions"]:
            return None
        self._announced.add(self._host.spec.name)
        return self._host.environment

    def close(self) -> None:
        """End the live process."""
        if self._host is not None:
            self._host.close()
            self._host = None


def _ask(case: Case, host: Host) -> Outcome:
    """Ask; an error of our own is an outcome too, said in its own words."""
    try:
        return ask(case, host)
    except Exception as error:
        words = f"{type(error).__name__}: {error}"[:_MOST_CHARACTERS]
        trace = "".join(traceback.format_exception(error))[-_MOST_CHARACTERS:]
        return Outcome(str(case), host.spec.name, "infra", detail=f"{words}\n{trace}")


class CaseItem(pytest.Item):
    """One question to one adapter; its id is ``adapter::case id``."""

    def __init__(self, *, spec: AdapterSpec, case: Case, suite: SuitePlugin, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.spec, self.case, self.suite = spec, case, suite

    def runtest(self) -> None:
        """Ask, and fail, skip or pass as the outcome says."""
        outcome, known = self.suite.ask(self.spec, self.case)
        self.stash[_OUTCOME] = outcome
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

    def __init__(self, config: pytest.Config, plan: Plan) -> None:
        option = config.option
        self.plan = plan
        self.pool = HostPool(Limits(answer=option.answer_timeout))
        adapters = dict.fromkeys(spec.name for spec, _ in plan.questions)
        self._expectations = load_all(adapters, expectation_folders(option.expectations))
        self._confirmation = Confirmation()

    def ask(self, spec: AdapterSpec, case: Case) -> tuple[Outcome, Expectation | None]:
        """Ask, and ask again where the outcome is news; the second value is what explains it."""
        outcome = _ask(case, self.pool.get(spec))
        known = self._known(outcome, case)
        if not outcome.gates or known is not None:
            return outcome, known
        settled = self._confirmation.confirm(outcome, lambda: _ask(case, self.pool.fresh(spec)))
        return settled, None if settled is outcome else self._known(settled, case)

    def _known(self, outcome: Outcome, case: Case) -> Expectation | None:
        entries = self._expectations[outcome.adapter]
        if not outcome.gates or not entries:
            return None
        row = {**columns(case), **outcome.columns()}
        (explained,) = explain([row], entries, self.pool.environment)
        return explained[0] if explained else None

    def pytest_pycollect_makemodule(self, module_path: Path, parent: Any) -> Suite | None:
        """Collect the suite in place of its anchor module."""
        return Suite.from_parent(parent, path=module_path) if module_path.samefile(SUITE) else None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Send the outcome along with pytest's report, also from a worker to the controller."""
        report = yield
        if call.when == "call" and isinstance(item, CaseItem):
            outcome = item.stash.get(_OUTCOME, None)
            if outcome is not None:
                message = {"outcome": outcome.to_json(), "environment": self.pool.news()}
                setattr(report, REPORT_ATTRIBUTE, message)
                report.user_properties = [("status", outcome.status), ("kind", outcome.kind or "")]
        return report

    def pytest_unconfigure(self) -> None:
        """End the adapter's process."""
        self.pool.close()
