"""The one registry of what an outcome can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["FAIL_KINDS", "GATING", "STATUSES", "UNCOMPARED", "FailKind", "Status", "StatusName", "label"]

StatusName = Literal["pass", "fail", "crash", "timeout", "unsupported", "inexpressible", "unchecked", "flaky",
                     "missing", "infra"]  # fmt: skip
FailKind = Literal["shape", "dtype", "values", "nonfinite", "precision", "gradient", "rejected", "accepted",
                   "nondeterministic", "stateful", "inputs", "aliased"]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Status:
    """How one output compares with the oracle.

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
        Whether it is a failure of the suite itself, which never counts against a framework.
    about : str
        What it means.
    """

    name: StatusName
    label: str
    symbol: str
    colour: str
    about: str
    gates: bool = False
    ours: bool = False


STATUSES: dict[str, Status] = {
    status.name: status
    for status in (
        Status(name="pass", label="pass", symbol="✓", colour="green", about="the output agrees with the oracle"),
        Status(
            name="fail",
            label="fail",
            symbol="✗",
            colour="red",
            gates=True,
            about="the output differs from the oracle",
        ),
        Status(
            name="crash",
            label="crash",
            symbol="☠",
            colour="magenta",
            gates=True,
            about="the framework ended its process",
        ),
        Status(
            name="timeout",
            label="timeout",
            symbol="◷",
            colour="yellow",
            gates=True,
            about="no output within the time limit",
        ),
        Status(
            name="unsupported",
            label="unsupported",
            symbol="–",
            colour="blue",
            about="the framework documents that it does not support this case",
        ),
        Status(
            name="inexpressible",
            label="inexpressible",
            symbol="·",
            colour="cyan",
            about="the interface cannot express this case",
        ),
        # Not a sign of a fault, so it does not gate; but a run or an adapter with nothing else is not green.
        Status(
            name="unchecked",
            label="unchecked",
            symbol="○",
            colour="yellow",
            about="the promised error bound does not cover this output, or a large case found too little memory",
        ),
        Status(
            name="flaky",
            label="flaky",
            symbol="~",
            colour="yellow",
            about="failed once, then passed alone in a fresh process and after the same calls as before",
        ),
        Status(
            name="missing",
            label="missing",
            symbol="?",
            colour="yellow",
            gates=True,
            ours=True,
            about="no outcome was recorded",
        ),
        Status(
            name="infra",
            label="infra",
            symbol="!",
            colour="yellow",
            gates=True,
            ours=True,
            about="the suite itself failed",
        ),
    )
}

GATING = frozenset(name for name, status in STATUSES.items() if status.gates)
"""Names of the statuses that fail a gate."""

FAIL_KINDS: dict[FailKind, str] = {
    "shape": "a different shape from the one that the rules give",
    "dtype": "a different dtype from the requested one",
    "values": "values outside every accuracy profile",
    "nonfinite": "NaN or infinity where the expected value is finite, or the other way round",
    "precision": "less accurate than the adapter promises",
    "gradient": "a wrong gradient",
    "rejected": "a valid case was rejected",
    "accepted": "numbers for an invalid case (R11)",
    "nondeterministic": "two runs in one process gave different outputs",
    "stateful": "right in a process of its own, wrong after other calls",
    "inputs": "the right output, but the call changed its input, weights or bias in memory",
    "aliased": "the right output, but in the memory of an input or of an earlier output",
}


UNCOMPARED = frozenset({"unsupported", "inexpressible", "unchecked", "missing", "infra"})
"""Names of the statuses of cases for which no output was compared with the oracle."""


def label(status: str, kind: str | None) -> str:
    """The text for a status and its kind."""
    return f"{STATUSES[status].label}: {kind}" if kind else STATUSES[status].label
