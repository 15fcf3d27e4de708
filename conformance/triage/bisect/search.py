"""The search itself: try versions by bisection until the first one whose output differs is found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from packaging.version import Version

from conformance.reports.record.outcome import Outcome

__all__ = ["Bisection", "Probe", "bisect"]


@dataclass(frozen=True, kw_only=True)
class Probe:
    """The result of trying one version.

    Attributes
    ----------
    version : Version
        The version.
    outcome : Outcome or None
        The verdict on its output; None where the version could not run.
    skipped : str
        Why the version could not run.
    output : str
        The outcome and the first numbers of the output, for people.
    """

    version: Version
    outcome: Outcome | None
    skipped: str = ""
    output: str = ""

    @property
    def right(self) -> bool:
        """Whether the version's output passes."""
        return self.outcome is not None and self.outcome.status == "pass"

    def same(self, other: Probe) -> bool:
        """Whether two versions behave alike: the same verdict and the same bits."""
        return self._key() == other._key()

    def _key(self) -> tuple[str, str | None, str]:
        assert self.outcome is not None
        return self.outcome.status, self.outcome.kind, self.outcome.digest


@dataclass(frozen=True, kw_only=True)
class Bisection:
    """The result.

    Attributes
    ----------
    last_same, first_different : Probe
        Neighbours among the versions that could run.
    skipped : list of Probe
        Versions that could not run.
    between : list of Version
        Skipped versions between the two neighbours; one of them may be the first that differs.
    tried : int
        Number of versions that were tried.
    """

    last_same: Probe
    first_different: Probe
    skipped: list[Probe]
    between: list[Version]
    tried: int


def bisect(versions: Sequence[Version], probe: Callable[[Version], Probe]) -> Bisection | str:
    """Find the first version, from the good end on, whose output differs from that of the good end.

    Parameters
    ----------
    versions : sequence of Version
        From good to bad, at least two.
    probe : callable
        Tries one version. It is called about log2(len(versions)) + 2 times, and once more for each version that
        cannot run.

    Returns
    -------
    Bisection or str
        The result, or why there is none.
    """
    first, last = probe(versions[0]), probe(versions[-1])
    for end, name in ((first, "--good"), (last, "--bad")):
        if end.outcome is None:
            return f"{name} {end.version} cannot run: {end.skipped}"
    if last.same(first):
        return f"{first.version} and {last.version} give the same output: {first.output.partition(chr(10))[0]}"
    low, high, tried = 0, len(versions) - 1, 2
    skipped: dict[int, Probe] = {}
    tried_at = {low: first, high: last}
    # The untried version nearest to the middle is next; versions that cannot run are skipped.
    while open_versions := [index for index in range(low + 1, high) if index not in skipped]:
        middle = min(open_versions, key=lambda index: (abs(2 * index - low - high), index))
        tried += 1
        result = probe(versions[middle])
        if result.outcome is None:
            skipped[middle] = result
            continue
        tried_at[middle] = result
        if result.same(first):
            low = middle
        else:
            high = middle
    return Bisection(
        last_same=tried_at[low],
        first_different=tried_at[high],
        skipped=[skipped[index] for index in sorted(skipped)],
        between=[versions[index] for index in range(low + 1, high)],
        tried=tried,
    )
