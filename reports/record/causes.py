"""The cause of an outcome, and outcomes grouped by cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from conformance.reports.record.outcome import Outcome

__all__ = ["Cause", "cause", "group_by_cause", "transforms"]

Cause = tuple[str, ...]

# Several names for one mistake: by the format of the accumulator, and by the convention whose crop is swapped.
_ONE_CAUSE = {
    "float16_accumulation": "accumulation",
    "bfloat16_accumulation": "accumulation",
    "same_convention": "crop_exchanged",
}


def cause(outcome: Outcome) -> Cause:
    """The cause of an outcome: the key that the outcomes of one finding share."""
    return next(_causes(outcome))


def transforms(outcome: Outcome) -> tuple[str, ...]:
    """The transformations that explain an outcome equally well, the diagnosis first."""
    diagnosis = outcome.diagnosis or {}
    explanations = [diagnosis, *(other for other in diagnosis.get("also") or () if isinstance(other, Mapping))]
    return tuple(dict.fromkeys(_name(explanation) for explanation in explanations))


def group_by_cause(outcomes: Iterable[Outcome]) -> dict[Cause, list[Outcome]]:
    """Group outcomes by cause.

    Several explanations may fit an outcome equally well. It counts under the one that fits the most outcomes, so
    that one mistake does not become several findings. Outcomes with one explanation each are never merged.
    """
    outcomes = list(outcomes)
    candidates = [tuple(_causes(outcome)) for outcome in outcomes]
    fits = Counter(cause for causes in candidates for cause in causes)
    fits_first = Counter(causes[0] for causes in candidates)
    groups: dict[Cause, list[Outcome]] = {}
    for outcome, causes in zip(outcomes, candidates, strict=True):
        # The name itself breaks the last tie, so that the result does not depend on the order of the outcomes.
        best = min(causes, key=lambda cause: (-fits[cause], -fits_first[cause], cause))
        groups.setdefault(best, []).append(outcome)
    return groups


def _name(diagnosis: Mapping[str, Any]) -> str:
    parts = str(diagnosis.get("transform") or "").split("+")
    return "+".join(sorted(_ONE_CAUSE.get(part, part) for part in parts))


def _causes(outcome: Outcome) -> Iterator[Cause]:
    diagnosis = outcome.diagnosis or {}
    for transform in transforms(outcome):
        if transform in ("", "unexplained"):
            # There is no evidence that different kinds of failure, or different gradients, have the same cause.
            tensors = diagnosis.get("tensors", ())
            yield (outcome.adapter, outcome.status, outcome.kind or "", transform, *tensors)
        else:
            # Crashes differ by their signal, refusals by the argument that the framework refuses.
            more = (diagnosis.get("signal") or "", diagnosis.get("argument") or "")
            yield (outcome.adapter, outcome.status, "", transform, *more)
