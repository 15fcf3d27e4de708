"""How an outcome stands against what was known before: the second registry, beside that of statuses."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.reports.record.outcome import Outcome

__all__ = ["STANDINGS", "Standing", "standing"]


@dataclass(frozen=True)
class Standing:
    """What became of a question since it was last looked at.

    Attributes
    ----------
    name : str
        As stored and shown.
    symbol, colour : str
        For terminals and pages.
    fails : bool
        Whether it fails the gate.
    about : str
        What it means.
    """

    name: str
    symbol: str
    colour: str
    fails: bool
    about: str


STANDINGS: dict[str, Standing] = {
    item.name: item
    for item in (
        # The order is the order in which people should look.
        Standing("infra", "!", "yellow", True, "the suite's own machinery failed; says nothing about a framework"),
        Standing("missing", "?", "yellow", True, "asked for, and no outcome was recorded"),
        Standing("worse", "↓", "red", True, "graver than before: from wrong to a crash, from an answer to none"),
        Standing("new", "✗", "red", True, "a discrepancy that nothing explains"),
        Standing("changed", "≠", "red", True, "wrong as before or as an expectation says, but in another way"),
        Standing("flaky", "~", "yellow", False, "failed once, and came back in no way"),
        Standing("better", "↑", "blue", False, "less grave than before, not yet right"),
        Standing("fixed", "✓", "green", False, "a discrepancy before, right now"),
        Standing("known", "=", "blue", False, "a discrepancy that an expectation or the earlier run has"),
        Standing("rounding", "≈", "blue", False, "right before and now, in other bits"),
    )
}

# How bad an outcome is for whoever relies on the implementation; equal numbers are compared by their answers.
_GRAVITY = {"pass": 0, "flaky": 0, "unchecked": 1, "unsupported": 1, "inexpressible": 1, "fail": 2, "timeout": 3,
            "crash": 4}  # fmt: skip


def _kind(outcome: Outcome) -> tuple[str, str | None, str | None]:
    return outcome.status, outcome.kind, (outcome.diagnosis or {}).get("transform")


def _same_answer(old: Outcome, new: Outcome) -> bool:
    if _kind(old) != _kind(new):
        return False
    # Without an answer, as after a refusal, there are no bits to compare.
    return old.digest == new.digest or not (old.digest and new.digest)


def standing(old: Outcome | None, new: Outcome | None) -> str | None:
    """What became of one question.

    Parameters
    ----------
    old, new : Outcome or None
        The outcome in the earlier and in the later run; None where it was not asked.

    Returns
    -------
    str or None
        A name in ``STANDINGS``; None where there is nothing to say.
    """
    if new is None:
        return None
    if new.status in ("infra", "missing", "flaky"):
        return new.status
    if old is None or old.status in ("infra", "missing"):
        return "new" if new.gates else None
    before, after = _GRAVITY[old.status], _GRAVITY[new.status]
    if new.gates and not old.gates:
        return "new"
    if after > before:
        return "worse"
    if after < before:
        return "fixed" if new.status == "pass" else "better"
    if _same_answer(old, new):
        return "known" if new.gates else None
    return "changed" if new.gates else "rounding" if new.status == "pass" else None
