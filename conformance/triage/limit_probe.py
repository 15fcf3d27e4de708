"""Check whether the limits that an adapter declares still hold: run cases beyond them anyway."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from conformance.adapters.base import Adapter, Limit
from conformance.adapters.host.client import AdapterProcess
from conformance.cases import Case, DomainError
from conformance.cases.data import DATA_KINDS
from conformance.oracle.expected_output import input_tensors
from conformance.oracle.verdict import judge

__all__ = ["Probed", "probe"]

_CASES = 3
_MOST_ELEMENTS = 10**6


@dataclass(frozen=True)
class Probed:
    """The state of one declared limit.

    Attributes
    ----------
    limit : Limit
        The declaration.
    state : str
        ``holds`` (at least one case that it declines gives no right output), ``stale`` (all cases that ran give
        one), or ``not probed`` (no case meets this limit alone).
    evidence : tuple of (str, str)
        Ids of the cases that ran, and their outcomes.
    """

    limit: Limit
    state: str
    evidence: tuple[tuple[str, str], ...]


def probe(kind: type[Adapter], host: AdapterProcess, cases: Iterable[Case]) -> list[Probed]:
    """Run a few of the given cases that meet one ``unsupported`` limit and no other.

    What an interface cannot express cannot run, so only documented limits are probed.
    """
    # Small integers are right in more formats than the expected one, so the other data come first.
    ordered = sorted(filter(_can_tell, cases), key=lambda case: DATA_KINDS[case.data].exact)
    return [_probe(kind, host, limit, ordered) for limit in kind.limits if limit.status == "unsupported"]


def _can_tell(case: Case) -> bool:
    """Tell whether an implementation without limits would return numbers to judge."""
    try:
        return 0 < math.prod(case.geometry().output_size) <= _MOST_ELEMENTS
    except DomainError:
        return False


def _probe(kind: type[Adapter], host: AdapterProcess, limit: Limit, cases: list[Case]) -> Probed:
    evidence = []
    for case in cases:
        if not limit.applies(case) or any(other.applies(case) for other in kind.limits if other is not limit):
            continue
        tensors = input_tensors(case)
        reply = host.run(case, tensors, beyond_limits=True)
        verdict = judge(case, tensors, reply)
        if verdict.status in ("inexpressible", "infra"):  # the adapter cannot write this call
            continue
        evidence.append((str(case), verdict.status + (f": {reply.detail}" if reply.detail else "")))
        if verdict.status != "pass":
            return Probed(limit, "holds", tuple(evidence))
        if len(evidence) == _CASES:
            break
    return Probed(limit, "stale" if evidence else "not probed", tuple(evidence))
