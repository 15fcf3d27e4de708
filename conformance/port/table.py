"""The matrix of ports: how the questions of one interface get into another's words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from adapters.process import Host, Limits
from adapters.registry import AdapterSpec
from cases import Case, DomainError
from cases.policy import policies
from conformance.port.search import find_port, verify

__all__ = ["KINDS", "matrix"]

KINDS = ("direct", "with steps", "none", "wrong")


def matrix(
    specs: Sequence[AdapterSpec],
    cases: Sequence[Case],
    limits: Limits,
    say: Callable[[str], None] = lambda text: None,
) -> dict[tuple[str, str], Counter[str]]:
    """Count, for every ordered pair, the ports of the questions that the first takes as they stand.

    Parameters
    ----------
    specs : sequence of AdapterSpec
        The interfaces.
    cases : sequence of Case
        Questions; those without an answer, and those whose answer is a matter of policy, are left out.
    limits : Limits
        Patience with one answer.
    say : callable
        Told of every port that is wrong.

    Returns
    -------
    dict
        A count of `KINDS` for each pair of names: ``direct`` (one call), ``with steps``, ``none``, and ``wrong``
        (the other interface's answer is not the right one, which is a finding of its own).
    """
    kinds: dict[str, dict[Case, str]] = {}
    asked = [case for case in dict.fromkeys(cases) if _has_an_answer(case)]
    for spec in specs:
        found = kinds[spec.name] = {}
        with Host(spec, limits) as host:
            for case in asked:
                port = find_port(case, host)
                if isinstance(port, str):
                    found[case] = "none"
                elif problem := verify(port, host):
                    found[case] = "wrong"
                    say(f"{spec.name}: {case}: {problem}")
                else:
                    found[case] = "with steps" if port.steps else "direct"
    return {
        (source, target): Counter(
            kinds[target][case] for case in asked if kinds[source][case] in ("direct", "wrong")
        )
        for source in kinds
        for target in kinds
        if source != target
    }


def _has_an_answer(case: Case) -> bool:
    try:
        return not policies(case)
    except DomainError:
        return False
