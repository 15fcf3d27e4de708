"""One case on one adapter: every way of running the suite calls `run_case`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from conformance.adapters.host.client import AdapterProcess, Pending, ProcessLimits
from conformance.adapters.registry import resolve
from conformance.cases.case import Case
from conformance.cases.errors import DomainError
from conformance.cases.large import is_large
from conformance.cases.policy import beyond_memory
from conformance.cases.program import Program
from conformance.diagnosis import diagnose
from conformance.execution.earlier_calls import programs_of, stateful_outcome
from conformance.oracle.evidence import evidence
from conformance.oracle.expected_output import Tensors, input_tensors
from conformance.oracle.verdict import Verdict, judge
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.statuses import STATUSES

__all__ = ["check", "run_after", "run_case", "verdict"]


_WITHOUT_ARRAYS = ("not_numbers", "misshapen")  # replies without arrays to compare; their detail is complete


def run_case(
    case: Case, host: AdapterProcess, sent: Pending | None = None, *, tensors: Tensors | None = None
) -> Outcome:
    """Run one case and judge the output.

    Parameters
    ----------
    case : Case
        The case.
    host : AdapterProcess
        The adapter's process; started if necessary, replaced after a crash.
    sent : Pending, optional
        The request, if it was sent to the process before.
    tensors : dict of numpy.ndarray, optional
        Input data in place of the case's own, in the shapes and the number format of the case.

    Returns
    -------
    Outcome
        Every error of the adapter is one of its statuses.
    """
    started = time.perf_counter()
    try:
        tensors = input_tensors(case) if tensors is None else tensors
        reply = host.run(case, tensors) if sent is None else host.wait(sent)
        verdict = judge(case, tensors, reply)
        outcome = verdict.outcome(case, host.spec.name)
        if verdict.status not in ("pass", "unchecked", "unsupported", "inexpressible", "infra"):
            program = host.program(case)
            outcome = replace(outcome, program=program if isinstance(program, Program) else None)
            if _comparable(case) and reply.kind not in _WITHOUT_ARRAYS:
                shown = evidence(case, tensors, reply)
                diagnosis = diagnose(case, tensors, reply, verdict, host)
                outcome = replace(outcome, evidence=shown, diagnosis=diagnosis)
            if host.stages and outcome.gates:
                from conformance.execution.stages import with_stage  # imports the readers of model files

                outcome = with_stage(case, tensors, outcome, host)
    except MemoryError as error:
        outcome = _out_of_memory(error).outcome(case, host.spec.name)
    return replace(outcome, seconds=time.perf_counter() - started)


def run_after(case: Case, host: AdapterProcess, after: Sequence[Case]) -> Outcome:
    """Run a case after others in one process, and find out whether a failure depends on them.

    Parameters
    ----------
    case : Case
        The case that is judged.
    host : AdapterProcess
        The adapter's process.
    after : sequence of Case
        The cases that run first, in order.

    Returns
    -------
    Outcome
        ``fail: stateful`` if the case fails after the others, and not in a process of its own.
    """
    if not after:
        return run_case(case, host)
    for other in after:
        host.run(other, input_tensors(other))
    outcome = run_case(case, host)
    if not outcome.gates or STATUSES[outcome.status].ours:
        return outcome
    with AdapterProcess(host.spec, host.limits) as alone:
        if run_case(case, alone).gates:
            return outcome
    return stateful_outcome(outcome, case, after, programs_of(after, host))


def verdict(case: Case, host: AdapterProcess) -> Outcome:
    """Run one case and judge the output as `run_case` does, without diagnosis."""
    try:
        tensors = input_tensors(case)
        found = judge(case, tensors, host.run(case, tensors))
    except MemoryError as error:
        found = _out_of_memory(error)
    return found.outcome(case, host.spec.name)


def _out_of_memory(error: MemoryError) -> Verdict:
    return Verdict(status="infra", detail=f"out of memory: {error}")


def _comparable(case: Case) -> bool:
    """Whether the whole expected output can be computed, or the case is invalid and has none."""
    try:
        return not (beyond_memory(case) or is_large(case))
    except DomainError:
        return True


def check(case: Case | str, adapter: str = "torch", *, limits: ProcessLimits | None = None) -> Outcome:
    """Run one case on one adapter, in a process of its own that ends with the call.

    Parameters
    ----------
    case : Case or str
        The case, or its id in full or short form.
    adapter : str
        A name that `conformance.adapters.registry.resolve` accepts.
    limits : ProcessLimits, optional
        How long to wait.

    Returns
    -------
    Outcome
        The verdict.

    Raises
    ------
    CaseError, UnknownAdapter
        The case id is malformed, or there is no such adapter.
    """
    parsed = Case.parse(case) if isinstance(case, str) else case
    with AdapterProcess(resolve(adapter), limits) as host:
        return run_case(parsed, host)
