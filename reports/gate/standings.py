"""How an outcome compares with what was known before: the second registry, next to that of statuses."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.reports.record.outcome import Outcome

__all__ = ["STANDINGS", "Standing", "standing"]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How the outcome of a case changed since the earlier run.

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
    about: str
    fails: bool = False


STANDINGS: dict[str, Standing] = {
    item.name: item
    for item in (
        # The order is the order in which people should look.
        Standing(
            name="infra",
            symbol="!",
            colour="yellow",
            fails=True,
            about="the suite itself failed; this says nothing about a framework",
        ),
        Standing(
            name="missing", symbol="?", colour="yellow", fails=True, about="planned, but no outcome was recorded"
        ),
        Standing(
            name="worse",
            symbol="↓",
            colour="red",
            fails=True,
            about="worse than before: wrong output became a crash, or an output became a refusal",
        ),
        Standing(name="new", symbol="✗", colour="red", fails=True, about="a discrepancy that nothing explains"),
        Standing(
            name="changed",
            symbol="≠",
            colour="red",
            fails=True,
            about="wrong, but differently from before or from what an expectation says",
        ),
        Standing(name="flaky", symbol="~", colour="yellow", about="failed once, then passed on every retry"),
        Standing(name="better", symbol="↑", colour="blue", about="better than before, but not yet right"),
        Standing(name="fixed", symbol="✓", colour="green", about="a discrepancy before, now right"),
        Standing(
            name="known",
            symbol="=",
            colour="blue",
            about="a discrepancy that an expectation or the earlier run already has",
        ),
        Standing(name="rounding", symbol="≈", colour="blue", about="right before and now, with different bits"),
    )
}

# How bad an outcome is for users of the implementation. Outcomes of equal severity are compared by their output.
_SEVERITY = {"pass": 0, "flaky": 0, "unchecked": 1, "unsupported": 1, "inexpressible": 1, "fail": 2, "timeout": 3,
            "crash": 4}  # fmt: skip


def _kind(outcome: Outcome) -> tuple[str, str | None, str | None]:
    return outcome.status, outcome.kind, outcome.transform


def _same_output(old: Outcome, new: Outcome) -> bool:
    if _kind(old) != _kind(new):
        return False
    # Without an output, as after a refusal, there are no bits to compare.
    return old.digest == new.digest or not (old.digest and new.digest)


def standing(old: Outcome | None, new: Outcome | None) -> str | None:
    """Compare the two outcomes of one case.

    Parameters
    ----------
    old, new : Outcome or None
        The outcome in the earlier and in the later run; None where the case was not run.

    Returns
    -------
    str or None
        A name in ``STANDINGS``; None where there is nothing to report.
    """
    if new is None:
        return None
    if new.status in ("infra", "missing", "flaky"):
        return new.status
    if old is None or old.status in ("infra", "missing"):
        return "new" if new.gates else None
    before, after = _SEVERITY[old.status], _SEVERITY[new.status]
    if new.gates and not old.gates:
        return "new"
    if after > before:
        return "worse"
    if after < before:
        return "fixed" if new.status == "pass" else "better"
    if _same_output(old, new):
        return "known" if new.gates else None
    return "changed" if new.gates else "rounding" if new.status == "pass" else None
