"""Collection and the items: one question to one adapter each."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.process import Host, Limits
from adapters.registry import AdapterSpec, UnknownAdapter, available, resolve
from cases import Case
from conformance.check import ask
from conformance.plugin import SUITE
from conformance.selection import SelectionError, select
from reports.outcome import Outcome
from reports.statuses import label

__all__ = ["REPORT_ATTRIBUTE", "CaseItem", "SuitePlugin"]

REPORT_ATTRIBUTE = "conformance"
_OUTCOME = pytest.StashKey[Outcome]()


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


class CaseItem(pytest.Item):
    """One question to one adapter; its id is ``adapter::case id``."""

    def __init__(self, *, spec: AdapterSpec, case: Case, pool: HostPool, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.spec, self.case, self.pool = spec, case, pool

    def runtest(self) -> None:
        """Ask, and fail, skip or pass as the outcome says."""
        outcome = self.stash[_OUTCOME] = ask(self.case, self.pool.get(self.spec))
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
        for spec in plugin.specs:
            for case in plugin.cases:
                nodeid = f"{spec.name}::{case}"
                yield CaseItem.from_parent(
                    self, name=str(case), nodeid=nodeid, spec=spec, case=case, pool=plugin.pool
                )


class SuitePlugin:
    """Hooks of the side that runs items."""

    def __init__(self, config: pytest.Config) -> None:
        option = config.option
        try:
            self.specs = [resolve(name) for name in dict.fromkeys(option.adapter or available())]
            self.cases = select(option.tier, option.case, option.where)
        except (UnknownAdapter, SelectionError) as error:
            raise pytest.UsageError(str(error)) from None
        if not self.specs:
            raise pytest.UsageError("no framework is installed; install one, such as torch, or give --adapter")
        self.pool = HostPool(Limits(answer=option.answer_timeout))

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
