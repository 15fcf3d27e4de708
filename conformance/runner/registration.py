"""What a process registers with pytest: the items where cases run, the recorder where the run is controlled."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from conformance.adapters.host.client import ProcessLimits
from conformance.adapters.registry import AdapterSpec, UnknownAdapter, installed, resolve
from conformance.adapters.selection import expand
from conformance.execution.case_runner import CaseRunner, repeat_always, repeat_sampled
from conformance.execution.prelaunch import close, launch
from conformance.reports.gate.expectations import ExpectationError, load_all
from conformance.runner.items import LOOKS_AHEAD, RunsCases, SuitePlugin
from conformance.runner.options import RunOptions
from conformance.runner.plan import Plan, ShardError, make_plan, read_shard
from conformance.runner.remote import RemoteCaseRunner
from conformance.runner.selection import SelectionError, expectation_folders, select

if TYPE_CHECKING:
    from conformance.cluster.run import ClusterRun

__all__ = ["register"]

_ORDER = "conformance_order"


class _WorkerSetup:
    """Sends the order of the cases to every worker, including those that replace a crashed one.

    A lost worker may have died of a case that it had sent ahead. The workers that replace it do not look ahead: if
    they die, the current case is the cause.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._lost = False

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, error: object | None) -> None:
        """Remember that a worker was lost."""
        self._lost = self._lost or error is not None

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Add to the input of a new worker."""
        node.workerinput[_ORDER] = list(self._plan.order)
        node.workerinput[LOOKS_AHEAD] = not self._lost

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Use our own scheduler, unless ``--dist`` selects a different one."""
        if config.getoption("dist") != "load":
            return None
        # Imported here because a run without workers needs no scheduler.
        from conformance.runner.xdist_scheduler import ByAdapter

        return ByAdapter(config, log)


def register(config: pytest.Config, connect: Callable[[], ClusterRun] | None = None) -> None:
    """Add the parts of the runner that this process needs.

    Under pytest-xdist the workers run cases and the controller records; on a cluster its workers run them. Without
    either, one process does both.

    Parameters
    ----------
    config : pytest.Config
        The options of the run.
    connect : callable, optional
        Connects to the cluster that runs the cases.
    """
    options = RunOptions.of(config)
    collects_only = bool(config.option.collectonly)
    workers = getattr(config.option, "numprocesses", None)
    with ExitStack() as stack:
        stack.callback(close)
        try:
            cases = select(options.tier, options.case_ids, options.where)
            cluster = None if collects_only else _connect(connect, stack, workers)
            specs = _specs(options, cluster)
            worker = getattr(config, "workerinput", {})
            order = worker.get(_ORDER)  # None outside a worker of pytest-xdist
            runs_here = not (cluster is not None or collects_only or workers)
            looks_ahead = runs_here and worker.get(LOOKS_AHEAD, True)
            if looks_ahead and not options.resume:
                number = int(worker.get("workerid", "gw0").removeprefix("gw"))
                launch(specs[number % len(specs)])  # the adapter that a worker of this number gets first
            if order is not None:
                plan = Plan(specs, cases, (), order)
            elif collects_only:
                plan = make_plan(specs, cases, shard=read_shard(options.shard))
            else:
                # Imported here, while a framework loads: the report is a third of the runner's imports.
                from conformance.runner.recorder import Recorder

                recorder = Recorder(config, specs, cases, installed if cluster is None else cluster.versions)
                plan = recorder.plan
                config.pluginmanager.register(recorder, "conformance-recorder")
                config.pluginmanager.register(_WorkerSetup(plan), "conformance-worker-setup")
            entries = load_all([spec.name for spec in specs], expectation_folders(options.expectations))
            limits = ProcessLimits(answer=options.timeout, calls=options.calls, at_once=options.at_once)
            case_runner: RunsCases
            if cluster is not None:
                case_runner = RemoteCaseRunner(cluster, limits, entries, every=bool(options.case_ids))
                config.pluginmanager.register(case_runner, "conformance-cluster")
            else:
                # Cases that the user names are few, so each is computed twice.
                twice = repeat_always if options.case_ids else repeat_sampled
                case_runner = CaseRunner(limits, entries, twice, in_process=options.in_process)
            plugin = SuitePlugin(
                plan, case_runner, looks_ahead=looks_ahead,
                lists=not (runs_here and options.unselected and order is None),
            )  # fmt: skip
            config.pluginmanager.register(plugin, "conformance-items")
            stack.pop_all()
        except (UnknownAdapter, SelectionError, ShardError, ExpectationError) as error:
            raise pytest.UsageError(str(error)) from None


def _connect(connect: Callable[[], ClusterRun] | None, stack: ExitStack, workers: object) -> ClusterRun | None:
    """The cluster that runs the cases, or None."""
    if connect is None:
        return None
    if workers:
        raise pytest.UsageError("with --dask the workers of the cluster run the cases; drop -n")
    cluster = connect()
    stack.callback(cluster.close)
    return cluster


def _specs(options: RunOptions, cluster: ClusterRun | None) -> list[AdapterSpec]:
    """The selected adapters, or the default ones, as far as they are installed where they run."""
    if cluster is not None:
        return cluster.engage(options.adapters, options.device)
    specs = [resolve(name) for name in expand(options.adapters, options.device)]
    if not specs:
        raise UnknownAdapter("no framework is installed; install one, such as torch, or give --adapter")
    return specs
