"""The one registry of what an outcome can be."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FAIL_KINDS", "GATING", "STATUSES", "UNCOMPARED", "Status", "label"]


@dataclass(frozen=True)
class Status:
    """How one answer compares with the oracle.

    Attributes
    ----------
    name, label : str
        As stored, and as shown to people.
    symbol : str
        One character for narrow tables; colour is never the only sign.
    colour : str
        Name of the colour in terminals and of the theme variable in pages.
    gates : bool
        Whether it fails a gate unless it is expected.
    ours : bool
        Whether it is our own machinery's failure, never counted against a framework.
    about : str
        What it means.
    """

    name: str
    label: str
    symbol: str
    colour: str
    gates: bool
    ours: bool
    about: str


STATUSES: dict[str, Status] = {
    status.name: status
    for status in (
        Status("pass", "pass", "✓", "green", False, False, "the answer agrees with the oracle"),
        Status("fail", "fail", "✗", "red", True, False, "the answer differs from the oracle"),
        Status("crash", "crash", "☠", "magenta", True, False, "the framework ended its process"),
        Status("timeout", "timeout", "◷", "yellow", True, False, "no answer within the time limit"),
        Status("unsupported", "unsupported", "–", "blue", False, False, "the framework documents that it cannot"),
        Status("inexpressible", "inexpressible", "·", "cyan", False, False, "the interface has no words for it"),
        # By itself no sign of a fault, so it does not gate; a run or an adapter with nothing else is not green.
        Status(
            "unchecked", "unchecked", "○", "yellow", False, False, "the promised error bound says nothing about it"
        ),
        Status(
            "flaky",
            "flaky",
            "~",
            "yellow",
            False,
            False,
            "failed once, and neither alone in a new process nor behind the same calls again",
        ),
        Status("missing", "missing", "?", "yellow", True, True, "no outcome was recorded"),
        Status("infra", "infra", "!", "yellow", True, True, "the suite's own machinery failed"),
    )
}

GATING = frozenset(name for name, status in STATUSES.items() if status.gates)
"""Names of the statuses that fail a gate."""

FAIL_KINDS: dict[str, str] = {
    "shape": "another shape than the rules give",
    "dtype": "another dtype than was asked for",
    "values": "other values than any accuracy profile allows",
    "nonfinite": "NaN or infinity where the right answer is finite, or the other way round",
    "precision": "below the accuracy profile the adapter promises",
    "gradient": "a wrong gradient",
    "rejected": "a valid question was refused",
    "accepted": "numbers for a question that has no answer (R11)",
    "nondeterministic": "run twice in one process, two different outputs",
    "stateful": "right in a process of its own, wrong behind other calls",
}


UNCOMPARED = frozenset({"unsupported", "inexpressible", "unchecked", "missing", "infra"})
"""Names of the statuses of questions for which no answer was compared with the oracle."""


def label(status: str, kind: str | None) -> str:
    """A status and its kind in words."""
    return f"{STATUSES[status].label}: {kind}" if kind else STATUSES[status].label
