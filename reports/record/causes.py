"""The cause of an outcome, and outcomes grouped by cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from conformance.reports.record.diagnosis import Diagnosis
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


def transforms(diagnosis: Diagnosis | None) -> tuple[str, ...]:
    """The transformations that explain an output equally well, the first first; one empty name without any."""
    names = [each.transform for each in diagnosis.all] if diagnosis else [""]
    return tuple(dict.fromkeys(map(_name, names)))


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


def _name(transform: str) -> str:
    return "+".join(sorted(_ONE_CAUSE.get(part, part) for part in transform.split("+")))


def _causes(outcome: Outcome) -> Iterator[Cause]:
    diagnosis = outcome.diagnosis
    stage = (outcome.stage,) if outcome.stage else ()
    for transform in transforms(diagnosis):
        if transform in ("", "unexplained"):
            # There is no evidence that different kinds of failure, or different gradients, have the same cause.
            tensors = diagnosis.tensors if diagnosis else ()
            yield (outcome.adapter, outcome.status, outcome.kind or "", transform, *tensors, *stage)
        elif diagnosis:
            # Crashes differ by their signal, refusals by the argument that the framework refuses.
            more = (diagnosis.signal or "", diagnosis.argument or "")
            yield (outcome.adapter, outcome.status, "", transform, *more, *stage)
