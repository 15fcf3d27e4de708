"""Texts as users paste them, many after public reports, each with the case that it must become.

``python -m tests.conformance.calls.pastes`` prints the share that is read right at the first paste, by set.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from conformance.calls import CallError, parse_call
from conformance.cases import Case

__all__ = ["PASTES", "Paste", "right", "shares"]


@dataclass(frozen=True, kw_only=True)
class Paste:
    """A paste: its text, and the short id of its case or what the refusal names.

    ``thread`` is the public report whose parameters it has, or ``about`` describes it. ``fails`` says why it is
    not read right yet; ``call`` which of its calls is meant. ``read`` is the set that it was collected in;
    ``first`` whether it was read right then, before the reader was extended for the set.
    """

    text: str
    thread: str = ""
    about: str = ""
    case: str = ""
    error: str = ""
    call: int | None = None
    fails: str = ""
    read: int = 1
    first: bool | None = None


def _load() -> list[Paste]:
    entries = tomllib.loads(Path(__file__).with_name("pastes.toml").read_text(encoding="utf-8"))["paste"]
    return [Paste(**entry) for entry in entries]


PASTES = _load()


def outcome(paste: Paste) -> str:
    """The case that the text becomes, or the error."""
    try:
        return str(parse_call(paste.text, number=paste.call).case)
    except CallError as error:
        return f"error: {error}"


def right(paste: Paste) -> bool:
    """Whether the text is read right, with nothing beside it but which of its calls is meant."""
    came = outcome(paste)
    if paste.error:
        return came.startswith("error: ") and paste.error in came
    return came == str(Case.parse(paste.case))


def _share(flags: list[bool]) -> str:
    return f"{sum(flags)} of {len(flags)} ({100 * sum(flags) // max(len(flags), 1)} %)"


def shares() -> dict[str, str]:
    """What is read right: today, and of each later set when it was read for the first time."""
    found = {"today": _share([right(paste) for paste in PASTES])}
    for number in sorted({paste.read for paste in PASTES if paste.first is not None}):
        found[f"set {number}, when first read"] = _share([bool(p.first) for p in PASTES if p.read == number])
        found[f"set {number}, today"] = _share([right(paste) for paste in PASTES if paste.read == number])
    return found


def main() -> None:
    """Print the pastes that are read wrong, and the shares of those that are read right."""
    for paste in [paste for paste in PASTES if not right(paste)]:
        print(f"{paste.thread or paste.about}: {outcome(paste)[:200]}")
        print(f"    must be {paste.error or Case.parse(paste.case)}" if not paste.fails else f"    {paste.fails}")
    for name, share in shares().items():
        print(f"read right, {name}: {share}")


if __name__ == "__main__":
    main()
