"""Cases that a search found and a user kept: ``found.txt``, one full id per line, remarks after a ``#``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from conformance.cases.case import Case

__all__ = ["FOUND", "load_found", "promote"]

FOUND = Path(__file__).with_name("found.txt")


def load_found(path: Path = FOUND) -> list[Case]:
    """The kept cases, in file order."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    ids = (line.partition("#")[0].strip() for line in lines)
    return [Case.parse(case_id) for case_id in ids if case_id]


def promote(cases: Iterable[tuple[Case, str]], path: Path = FOUND) -> int:
    """Add cases with a remark each; cases that the file already has stay as they are.

    Returns
    -------
    int
        How many were new.
    """
    present = set(load_found(path))
    added = 0
    with path.open("a", encoding="utf-8") as file:
        for case, remark in cases:
            if case in present:
                continue
            present.add(case)
            added += 1
            file.write(f"{case}  # {' '.join(remark.split())}\n")
    return added
