"""The cause of an outcome, and outcomes grouped by cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from conformance.reports.record.outcome import Outcome

__all__ = ["Cause", "cause", "group_by_cause", "transforms"]

Cause = tuple[str, ...]

# Names of one mistake in other words: by the format it is made in, and by the convention whose crop is exchanged.
_ONE_CAUSE = {
    "float16_accumulation": "accumulation",
    "bfloat16_accumulation": "accumulation",
    "same_convention": "crop_exchanged",
}


def cause(outcome: Outcome) -> Cause:
    """What outcomes of one finding share."""
    return next(_causes(outcome))


def transforms(outcome: Outcome) -> tuple[str, ...]:
    """The names of the diagnosis and of those that could not be told apart from it; parts of one in one order."""
    diagnosis = outcome.diagnosis or {}
    found = [diagnosis, *(other for other in diagnosis.get("also") or () if isinstance(other, Mapping))]
    return tuple(dict.fromkeys(_name(each) for each in found))


def group_by_cause(outcomes: Iterable[Outcome]) -> dict[Cause, list[Outcome]]:
    """Outcomes by cause.

    Several explanations may fit an outcome equally well. It is counted under the one that fits the most outcomes,
    so that one mistake is not several findings; outcomes with one explanation each are never grouped.
    """
    outcomes = list(outcomes)
    causes = [tuple(_causes(outcome)) for outcome in outcomes]
    fits = Counter(each for several in causes for each in several)
    first = Counter(several[0] for several in causes)
    found: dict[Cause, list[Outcome]] = {}
    for outcome, several in zip(outcomes, causes, strict=True):
        best = min(several, key=lambda each: (-fits[each], -first[each], each))
        found.setdefault(best, []).append(outcome)
    return found


def _name(diagnosis: Mapping[str, Any]) -> str:
    parts = str(diagnosis.get("transform") or "").split("+")
    return "+".join(sorted(_ONE_CAUSE.get(part, part) for part in parts))


def _causes(outcome: Outcome) -> Iterator[Cause]:
    diagnosis = outcome.diagnosis or {}
    for transform in transforms(outcome):
        if transform in ("", "unexplained"):
            # Nothing says that different kinds of failure, or gradients, have the same cause.
            tensors = diagnosis.get("tensors", ())
            yield (outcome.adapter, outcome.status, outcome.kind or "", transform, *tensors)
        else:
            # Crashes differ by their signal, refusals by the argument they are about.
            more = (diagnosis.get("signal") or "", diagnosis.get("argument") or "")
            yield (outcome.adapter, outcome.status, "", transform, *more)
