"""Texts as users paste them, many after public reports, each with the case that it must become.

``python -m tests.conformance.calls.pastes`` prints the share that is read right at the first paste.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from conformance.calls import CallError, parse_call
from conformance.cases import Case

__all__ = ["PASTES", "Paste", "right"]


@dataclass(frozen=True, kw_only=True)
class Paste:
    """A paste: its text, and the short id of its case or what the refusal names.

    ``thread`` is the public report whose parameters it has, or ``about`` describes it. ``fails`` says why it is
    not read right yet; ``call`` which of its calls is meant.
    """

    text: str
    thread: str = ""
    about: str = ""
    case: str = ""
    error: str = ""
    call: int | None = None
    fails: str = ""


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


def main() -> None:
    """Print the pastes that are read wrong, and the share of those that are read right."""
    wrong = [paste for paste in PASTES if not right(paste)]
    for paste in wrong:
        print(f"{paste.thread or paste.about}: {outcome(paste)[:200]}")
        print(f"    must be {paste.error or Case.parse(paste.case)}" if not paste.fails else f"    {paste.fails}")
    count = len(PASTES) - len(wrong)
    print(f"{count} of {len(PASTES)} pastes are read right at the first paste ({100 * count // len(PASTES)} %)")


if __name__ == "__main__":
    main()
