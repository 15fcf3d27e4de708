"""The matrix of ports: how the questions of one interface get into another's words.

What one interface is asked is first read as a case, and a case does not know whom it came from. So a port between
two interfaces is one into a case and one out of it, and the questions of a tier are ported once for each interface
to stand for every pair.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from conformance.adapters.host.client import AdapterProcess, ProcessLimits
from conformance.adapters.registry import AdapterSpec, installed
from conformance.cases import Case, DomainError
from conformance.cases.policy import policies
from conformance.execution.check import run_case
from conformance.porting.search import Port, find_port
from conformance.porting.store import KINDS, Ported, PortsRecord
from conformance.reports.gate.assess import matching_expectation
from conformance.reports.gate.expectations import load as load_expectations

__all__ = ["matrix", "port_all", "valid_cases"]


def valid_cases(cases: Sequence[Case]) -> list[Case]:
    """The questions that have an answer which is no matter of policy, each forward question once."""
    forward = dict.fromkeys(replace(case, direction="fwd", data="ints") for case in cases)
    return [case for case in forward if _is_valid(case)]


def _is_valid(case: Case) -> bool:
    try:
        return not policies(case)
    except DomainError:
        return False


def port_all(
    specs: Sequence[AdapterSpec],
    cases: Sequence[Case],
    limits: ProcessLimits,
    record: PortsRecord,
    *,
    workers: int = 1,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, dict[Case, Ported]]:
    """Port every valid case to every interface, and prove each port.

    Parameters
    ----------
    specs : sequence of AdapterSpec
        The interfaces.
    cases : sequence of Case
        Questions; see `valid_cases`.
    limits : ProcessLimits
        Patience with one answer.
    record : PortsRecord
        Where each port is kept as it is found. What it holds is not asked again, unless it was wrong.
    workers : int
        How many interfaces are asked at a time.
    say : callable
        Told of each interface that is done, and of every port that is wrong.

    Raises
    ------
    PortsError
        The record was begun with other versions of an interface.
    """
    asked = valid_cases(cases)
    stopped = threading.Event()

    def port(spec: AdapterSpec) -> dict[Case, Ported]:
        found = {case: entry for case, entry in record.found(spec.name).items() if entry.kind != "wrong"}
        with AdapterProcess(spec, limits) as host:
            if (here := installed(spec)) is None:
                host.start()
                here = dict(host.environment["versions"])
            if here:
                record.begin(spec.name, here)
            for case in asked:
                if stopped.is_set():
                    break
                if case not in found:
                    found[case] = _port(case, host)
                    record.add(spec.name, case, found[case])
                if found[case].kind in ("known", "wrong"):
                    say(f"{spec.name}: {case}: {found[case].kind}: {found[case].why}")
        ported = {case: found[case] for case in asked if case in found}
        counts = Counter(entry.kind for entry in ported.values())
        say(f"{spec.name}: {', '.join(f'{counts[kind]} {kind}' for kind in KINDS if counts[kind])}")
        return ported

    with ThreadPoolExecutor(workers) as pool:
        waiting = [pool.submit(port, spec) for spec in specs]
        try:
            return {spec.name: future.result() for spec, future in zip(specs, waiting, strict=True)}
        finally:  # an interrupt or an error ends the others after the question they are at
            stopped.set()
            pool.shutdown(cancel_futures=True)


def _port(case: Case, host: AdapterProcess) -> Ported:
    port = find_port(case, host)
    if isinstance(port, str):
        return Ported("none", port, taken=False)
    taken = not port.steps or port.reason.startswith("The call alone")
    if port.proof.problem:
        why = f"{port.proof.problem} ({port.asked})"
        return Ported("known" if _known(port, host) else "wrong", why, taken)
    return Ported("with steps" if port.steps else "direct", port.reason, taken)


def _known(port: Port, host: AdapterProcess) -> bool:
    """Whether the interface fails the question it is asked by itself, as its expectations say."""
    asked = [replace(port.asked, direction=direction) for direction in ("fwd", "grad")]
    wrong = [(case, outcome) for case in asked if (outcome := run_case(case, host)).gates]
    entries = load_expectations(host.spec.name)
    return bool(wrong) and all(
        matching_expectation(case, outcome, entries, host.environment) for case, outcome in wrong
    )


def matrix(ported: Mapping[str, Mapping[Case, Ported]]) -> dict[tuple[str, str], Counter[str]]:
    """Count, for every ordered pair, how the questions that the first takes in one call port to the second."""
    return {
        (source, goal): Counter(found[case].kind for case, entry in ported[source].items() if entry.taken)
        for source in ported
        for goal, found in ported.items()
        if source != goal
    }
