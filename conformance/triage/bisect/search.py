"""The search itself: versions in order, an answer for each that is tried, the first that differs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from packaging.version import Version

from conformance.reports.record.outcome import Outcome

__all__ = ["Bisection", "Probe", "bisect"]


@dataclass(frozen=True)
class Probe:
    """What came of one version.

    Attributes
    ----------
    version : Version
        The version.
    outcome : Outcome or None
        Its answer's verdict; None where it could not be asked.
    skipped : str
        Why it could not be asked.
    answer : str
        The answer in words or numbers, for people.
    """

    version: Version
    outcome: Outcome | None
    skipped: str = ""
    answer: str = ""

    def same(self, other: Probe) -> bool:
        """Whether two versions answer alike: the same verdict and the same bits."""
        return self._key() == other._key()

    def _key(self) -> tuple[str, str | None, str]:
        assert self.outcome is not None
        return self.outcome.status, self.outcome.kind, self.outcome.digest


@dataclass(frozen=True)
class Bisection:
    """The result.

    Attributes
    ----------
    last_same, first_different : Probe
        Neighbours among the versions that could be asked.
    skipped : list of Probe
        Versions that could not be asked.
    between : list of Version
        Those of them between the two neighbours, which may be the first that differs too.
    tried : int
        Number of versions that were tried.
    """

    last_same: Probe
    first_different: Probe
    skipped: list[Probe]
    between: list[Version]
    tried: int


def bisect(versions: Sequence[Version], probe: Callable[[Version], Probe]) -> Bisection | str:
    """Find the first version, from the good end on, whose answer differs from the good end's.

    Parameters
    ----------
    versions : sequence of Version
        From good to bad, at least two.
    probe : callable
        Asks one version; called once each, about log2(len(versions)) + 2 times and once for each that cannot be
        asked.

    Returns
    -------
    Bisection or str
        The result, or why there is none.
    """
    first, last = probe(versions[0]), probe(versions[-1])
    for end, name in ((first, "--good"), (last, "--bad")):
        if end.outcome is None:
            return f"{name} {end.version} cannot be asked: {end.skipped}"
    if last.same(first):
        return f"{first.version} and {last.version} answer alike: {first.answer.partition(chr(10))[0]}"
    low, high, tried = 0, len(versions) - 1, 2
    skipped: dict[int, Probe] = {}
    found = {low: first, high: last}
    while open_versions := [index for index in range(low + 1, high) if index not in skipped]:
        middle = min(open_versions, key=lambda index: (abs(2 * index - low - high), index))
        tried += 1
        answered = probe(versions[middle])
        if answered.outcome is None:
            skipped[middle] = answered
            continue
        found[middle] = answered
        if answered.same(first):
            low = middle
        else:
            high = middle
    return Bisection(
        found[low],
        found[high],
        [skipped[index] for index in sorted(skipped)],
        [versions[index] for index in range(low + 1, high)],
        tried,
    )
