"""The matrix of ports: how the questions of one interface get into another's words.

What one interface is asked is first read as a case, and a case does not know whom it came from. So a port between
two interfaces is one into a case and one out of it, and the questions of a tier are ported once for each interface
to stand for every pair.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from adapters.process import Host, Limits
from adapters.registry import AdapterSpec
from cases import Case, DomainError
from cases.policy import policies
from conformance.check import verdict
from conformance.port.search import Port, find_port
from reports.expectations import load
from reports.gate import known

__all__ = ["KINDS", "Ported", "answerable", "matrix", "port_all"]

KINDS = ("direct", "with steps", "none", "known", "wrong")


@dataclass(frozen=True)
class Ported:
    """What came of porting one case to one interface.

    Attributes
    ----------
    kind : str
        One of `KINDS`: ``direct`` (one call, right), ``with steps`` (right with steps around it), ``none``,
        ``known`` (wrong in every form, because of a discrepancy of the interface that is known), ``wrong`` (any
        other).
    why : str
        Why it is not ``direct``.
    taken : bool
        Whether the interface takes the case in one call, be its answer right or wrong.
    """

    kind: str
    why: str = ""
    taken: bool = True


def answerable(cases: Sequence[Case]) -> list[Case]:
    """The questions that have an answer which is no matter of policy, each forward question once."""
    forward = dict.fromkeys(replace(case, direction="fwd", data="ints") for case in cases)
    return [case for case in forward if _has_an_answer(case)]


def _has_an_answer(case: Case) -> bool:
    try:
        return not policies(case)
    except DomainError:
        return False


def port_all(
    specs: Sequence[AdapterSpec],
    cases: Sequence[Case],
    limits: Limits,
    *,
    workers: int = 1,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, dict[Case, Ported]]:
    """Port every answerable question to every interface, and prove each port.

    Parameters
    ----------
    specs : sequence of AdapterSpec
        The interfaces.
    cases : sequence of Case
        Questions; see `answerable`.
    limits : Limits
        Patience with one answer.
    workers : int
        How many interfaces are asked at a time.
    say : callable
        Told of each interface that is done, and of every port that is wrong.
    """
    asked = answerable(cases)

    def port(spec: AdapterSpec) -> dict[Case, Ported]:
        found = {}
        with Host(spec, limits) as host:
            for case in asked:
                found[case] = _port(case, host)
                if found[case].kind in ("known", "wrong"):
                    say(f"{spec.name}: {case}: {found[case].kind}: {found[case].why}")
        counts = Counter(entry.kind for entry in found.values())
        say(f"{spec.name}: {', '.join(f'{counts[kind]} {kind}' for kind in KINDS if counts[kind])}")
        return found

    with ThreadPoolExecutor(workers) as pool:
        return dict(zip([spec.name for spec in specs], pool.map(port, specs), strict=True))


def _port(case: Case, host: Host) -> Ported:
    port = find_port(case, host)
    if isinstance(port, str):
        return Ported("none", port, taken=False)
    taken = not port.steps or port.reason.startswith("The call alone")
    if port.proof.problem:
        why = f"{port.proof.problem} ({port.asked})"
        return Ported("known" if _known(port, host) else "wrong", why, taken)
    return Ported("with steps" if port.steps else "direct", port.reason, taken)


def _known(port: Port, host: Host) -> bool:
    """Whether the interface fails the question it is asked by itself, as its expectations say."""
    asked = [replace(port.asked, direction=direction) for direction in ("fwd", "grad")]
    wrong = [(case, outcome) for case in asked if (outcome := verdict(case, host)).gates]
    entries = load(host.spec.name)
    return bool(wrong) and all(known(case, outcome, entries, host.environment) for case, outcome in wrong)


def matrix(ported: Mapping[str, Mapping[Case, Ported]]) -> dict[tuple[str, str], Counter[str]]:
    """Count, for every ordered pair, how the questions that the first takes in one call port to the second."""
    return {
        (source, goal): Counter(found[case].kind for case, entry in ported[source].items() if entry.taken)
        for source in ported
        for goal, found in ported.items()
        if source != goal
    }
