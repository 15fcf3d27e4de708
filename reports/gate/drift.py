"""Precision drift: every case still passes, but uses far more of its error bound than before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from conformance.cases.case import Case
from conformance.reports.record.outcome import Outcome

__all__ = ["Drift", "drifts"]

# A different order of summation changes the largest share by less than a factor of two; an accumulator of half
# the bits changes it by hundreds. Below a tenth of the bound a change means little: shares of a few terms scatter
# widely.
FACTOR = 4.0
FLOOR = 0.1

Pair = tuple[Outcome, Outcome]


@dataclass(frozen=True, kw_only=True)
class Drift:
    """Lost precision of one adapter in one dtype.

    Attributes
    ----------
    adapter, dtype : str
        The adapter and the dtype.
    before, after : tuple
        Accuracy profile and largest share of its error bound, over the cases that passed in both runs.
    case_id : str
        The case with the largest share now.
    """

    adapter: str
    dtype: str
    before: tuple[str, float]
    after: tuple[str, float]
    case_id: str

    def __str__(self) -> str:
        shares = [f"{share:.0%} of the bound of {profile}" for profile, share in (self.before, self.after)]
        return f"{self.adapter} {self.dtype}: {shares[0]}, now {shares[1]}, in {self.case_id}"


def drifts(pairs: Iterable[Pair], profiles: Sequence[str]) -> list[Drift]:
    """Find lost precision.

    Parameters
    ----------
    pairs : iterable of pairs of Outcome
        The outcomes of the same case in an earlier and a later run.
    profiles : sequence of str
        Names of the accuracy profiles, the tightest first.

    Returns
    -------
    list of Drift
        One per adapter and dtype whose largest share of the error bound is now at least ``FLOOR``, and is either
        ``FACTOR`` times the earlier share or under a looser profile.
    """
    rank = {name: number for number, name in enumerate(profiles)}
    groups: dict[tuple[str, str], list[Pair]] = {}
    for old, new in pairs:
        if old.status == new.status == "pass" and old.profile in rank and new.profile in rank:
            groups.setdefault((new.adapter, Case.parse(new.case_id).dtype), []).append((old, new))
    lost = []
    for (adapter, dtype), members in groups.items():
        before = max(_used(old, rank) for old, _ in members)
        after, case_id = max((_used(new, rank), new.case_id) for _, new in members)
        # Under a tighter profile than now, the earlier share of the looser bound was next to nothing.
        earlier_share = before[1] if after[0] == before[0] else 0.0
        if after[0] >= before[0] and after[1] >= max(FLOOR, FACTOR * earlier_share):
            lost.append(
                Drift(
                    adapter=adapter,
                    dtype=dtype,
                    before=(profiles[before[0]], before[1]),
                    after=(profiles[after[0]], after[1]),
                    case_id=case_id,
                )
            )
    return lost


def _used(outcome: Outcome, rank: dict[str, int]) -> tuple[int, float]:
    return rank[outcome.profile or ""], outcome.budget or 0.0
