"""The matrix of ports: which cases port from one interface to another.

A call is first read as a case, and a case does not depend on the interface it came from. So a port between two
interfaces is a port into a case and one out of it, and porting the cases of a tier once to each interface covers
every pair.
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
    """Return the valid cases on which the rules leave no choice (R12), each once, in the forward direction."""
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
        Cases; see `valid_cases`.
    limits : ProcessLimits
        Time limit of one run.
    record : PortsRecord
        Where each port is kept as it is found. Ports that it holds are not made again, unless they were wrong.
    workers : int
        How many interfaces are ported to at a time.
    say : callable
        Called with a line for each interface that is done, and for every port that is wrong.

    Raises
    ------
    PortsError
        The record was started with different versions of an interface.
    """
    valid = valid_cases(cases)
    stopped = threading.Event()

    def port(spec: AdapterSpec) -> dict[Case, Ported]:
        ports = {case: entry for case, entry in record.ports(spec.name).items() if entry.kind != "wrong"}
        with AdapterProcess(spec, limits) as host:
            if (versions := installed(spec)) is None:
                host.start()
                versions = dict(host.environment["versions"])
            if versions:
                record.set_versions(spec.name, versions)
            for case in valid:
                if stopped.is_set():
                    break
                if case not in ports:
                    ports[case] = _port(case, host)
                    record.add(spec.name, case, ports[case])
                if ports[case].kind in ("known", "wrong"):
                    say(f"{spec.name}: {case}: {ports[case].kind}: {ports[case].why}")
        ported = {case: ports[case] for case in valid if case in ports}
        counts = Counter(entry.kind for entry in ported.values())
        say(f"{spec.name}: {', '.join(f'{counts[kind]} {kind}' for kind in KINDS if counts[kind])}")
        return ported

    with ThreadPoolExecutor(workers) as pool:
        waiting = [pool.submit(port, spec) for spec in specs]
        try:
            return {spec.name: future.result() for spec, future in zip(specs, waiting, strict=True)}
        finally:  # an interrupt or an error ends the others after the case that they are porting
            stopped.set()
            pool.shutdown(cancel_futures=True)


def _port(case: Case, host: AdapterProcess) -> Ported:
    port = find_port(case, host)
    if isinstance(port, str):
        return Ported("none", port, taken=False)
    taken = not port.steps or port.reason.startswith("The call alone")
    if port.proof.problem:
        why = f"{port.proof.problem} ({port.call_case})"
        return Ported("known" if _is_known(port, host) else "wrong", why, taken)
    return Ported("with steps" if port.steps else "direct", port.reason, taken)


def _is_known(port: Port, host: AdapterProcess) -> bool:
    """Whether the interface fails the case of its own call, as its expectations say."""
    cases = [replace(port.call_case, direction=direction) for direction in ("fwd", "grad")]
    wrong = [(case, outcome) for case in cases if (outcome := run_case(case, host)).gates]
    entries = load_expectations(host.spec.name)
    return bool(wrong) and all(
        matching_expectation(case, outcome, entries, host.environment) for case, outcome in wrong
    )


def matrix(ported: Mapping[str, Mapping[Case, Ported]]) -> dict[tuple[str, str], Counter[str]]:
    """Count for every ordered pair how the cases that the first interface takes in one call port to the second."""
    return {
        (source, goal): Counter(ports[case].kind for case, entry in ported[source].items() if entry.taken)
        for source in ported
        for goal, ports in ported.items()
        if source != goal
    }
