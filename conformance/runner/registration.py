"""What a process adds to pytest: the items where questions are asked, the record where the run is controlled."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from conformance.adapters.host.client import ProcessLimits
from conformance.adapters.registry import AdapterSpec, UnknownAdapter, expand, installed, resolve
from conformance.execution.case_runner import CaseRunner, repeat_always, repeat_sampled
from conformance.execution.prelaunch import close, launch
from conformance.reports.gate.expectations import ExpectationError, load_all
from conformance.runner.items import LOOKS_AHEAD, RunsCases, SuitePlugin
from conformance.runner.plan import Plan, ShardError, make_plan, read_shard
from conformance.runner.remote import RemoteCaseRunner
from conformance.runner.remote_run import RemoteRun
from conformance.runner.selection import SelectionError, expectation_folders, select

__all__ = ["register"]

_ORDER = "conformance_order"


class _WorkerSetup:
    """Hands the order of the questions to every worker, those that replace a crashed one included.

    A worker that was lost may have been lost over the question it looked ahead to, so those that replace it do
    not look ahead: they die over the question that they are asking.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._lost = False

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, error: object | None) -> None:
        """Take note of a worker that went away."""
        self._lost = self._lost or error is not None

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Add to what a worker is started with."""
        node.workerinput[_ORDER] = list(self._plan.order)
        node.workerinput[LOOKS_AHEAD] = not self._lost

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Deal the questions out in our way, unless another is asked for (``--dist``)."""
        if config.getoption("dist") != "load":
            return None
        from conformance.runner.xdist_scheduler import (
            ByAdapter,  # here, as a run without workers goes without xdist's
        )

        return ByAdapter(config, log)


def register(config: pytest.Config, connect: Callable[[str], RemoteRun] | None = None) -> None:
    """Add the parts of the runner that this process needs.

    Under pytest-xdist the workers ask and the controller records; on a cluster its workers ask, and without either
    one process does both.

    Parameters
    ----------
    config : pytest.Config
        The options of the run.
    connect : callable, optional
        From the address of a scheduler to its cluster.
    """
    option = config.option
    with ExitStack() as stack:
        stack.callback(close)
        try:
            cases = select(option.tier, option.case, option.where)
            cluster = _connect(option, connect, stack)
            specs = _specs(option, cluster)
            worker = getattr(config, "workerinput", {})
            handed = worker.get(_ORDER)
            asks_here = not (cluster is not None or option.collectonly or getattr(option, "numprocesses", None))
            looks_ahead = asks_here and worker.get(LOOKS_AHEAD, True)
            if looks_ahead and not option.resume:
                number = int(worker.get("workerid", "gw0").removeprefix("gw"))
                launch(specs[number % len(specs)])  # which a worker of this number is asked for first
            if handed is not None:
                plan = Plan(specs, cases, (), handed)
            elif option.collectonly:
                plan = make_plan(specs, cases, shard=read_shard(option.shard))
            else:
                # Imported where it is needed, and while a framework loads: the report is a third of the runner.
                from conformance.runner.recorder import Recorder

                recorder = Recorder(config, specs, cases, installed if cluster is None else cluster.versions)
                plan = recorder.plan
                config.pluginmanager.register(recorder, "conformance-recorder")
                config.pluginmanager.register(_WorkerSetup(plan), "conformance-hand")
            known = load_all([spec.name for spec in specs], expectation_folders(option.expectations))
            limits = ProcessLimits(answer=option.answer_timeout)
            case_runner: RunsCases
            if cluster is not None:
                case_runner = RemoteCaseRunner(cluster, limits, known, every=bool(option.case))
                config.pluginmanager.register(case_runner, "conformance-cluster")
            else:
                # Questions that somebody names are few, and get all the care there is.
                twice = repeat_always if option.case else repeat_sampled
                case_runner = CaseRunner(limits, known, twice, in_process=option.in_process)
            plugin = SuitePlugin(
                plan, case_runner, looks_ahead=looks_ahead,
                lists=not (asks_here and option.unselected and handed is None),
            )  # fmt: skip
            config.pluginmanager.register(plugin, "conformance-items")
            stack.pop_all()
        except (UnknownAdapter, SelectionError, ShardError, ExpectationError) as error:
            raise pytest.UsageError(str(error)) from None


def _connect(option: Any, connect: Callable[[str], RemoteRun] | None, stack: ExitStack) -> RemoteRun | None:
    """The cluster to ask, None without one."""
    if connect is None or option.collectonly:
        return None
    if getattr(option, "numprocesses", None):
        raise pytest.UsageError("--dask and -n: the workers of the cluster ask; leave out -n")
    cluster = connect(option.dask)
    stack.callback(cluster.close)
    return cluster


def _specs(option: Any, cluster: RemoteRun | None) -> list[AdapterSpec]:
    """The adapters asked for, or the everyday ones, as far as they are installed where they are asked."""
    if cluster is not None:
        return cluster.engage(option.adapter, option.device)
    specs = [resolve(name) for name in expand(option.adapter, option.device)]
    if not specs:
        raise UnknownAdapter("no framework is installed; install one, such as torch, or give --adapter")
    return specs
