"""Running the suite under pytest: items on the side that runs them, the record on the side that controls."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.process import Limits
from adapters.registry import UnknownAdapter, expand, resolve
from conformance.runner.asking import Asker
from conformance.runner.items import SuitePlugin
from conformance.runner.plan import Plan, ShardError, make_plan, read_shard
from conformance.runner.recorder import Recorder
from conformance.selection import SelectionError, expectation_folders, select
from reports.expectations import ExpectationError, load_all

__all__ = ["register"]

_ORDER = "conformance_order"


class _Hand:
    """Hands the order of the questions to every worker, those that replace a crashed one included."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Add to what a worker is started with."""
        node.workerinput[_ORDER] = list(self._plan.order)


def register(config: pytest.Config) -> None:
    """Add the parts of the runner that this process needs.

    Under pytest-xdist the workers ask and the controller records; without it one process does both.
    """
    option = config.option
    try:
        specs = [resolve(name) for name in expand(option.adapter)]
        cases = select(option.tier, option.case, option.where)
        if not specs:
            raise UnknownAdapter("no framework is installed; install one, such as torch, or give --adapter")
        handed = getattr(config, "workerinput", {}).get(_ORDER)
        if handed is not None:
            plan = Plan(tuple((spec, case) for spec in specs for case in cases), (), tuple(handed))
        elif option.collectonly:
            plan = make_plan(specs, cases, shard=read_shard(option.shard))
        else:
            recorder = Recorder(config, specs, cases)
            plan = recorder.plan
            config.pluginmanager.register(recorder, "conformance-recorder")
            config.pluginmanager.register(_Hand(plan), "conformance-hand")
        known = load_all([spec.name for spec in specs], expectation_folders(option.expectations))
        asker = Asker(Limits(answer=option.answer_timeout), known)
        config.pluginmanager.register(SuitePlugin(plan, asker), "conformance-items")
    except (UnknownAdapter, SelectionError, ShardError, ExpectationError) as error:
        raise pytest.UsageError(str(error)) from None
