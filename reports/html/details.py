"""Programs and numbers of outcomes that are worth a look: what the page holds itself, and what lies beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any, NamedTuple

from conformance.reports.record.findings import Finding

__all__ = ["Detail", "compact", "most_telling_first", "shelve"]

# Characters before compression: what the page itself holds, and a file beside it, which loads on a click.
_ROOM_IN_PAGE = 4_000_000
_ROOM_IN_FILE = 2_000_000

# The texts of evidence name tensors and what is no number, so that this is the end of a number.
_WHOLE = re.compile(r"(?<=\d)\.0(?=[,\]}])")


class Detail(NamedTuple):
    """The program and the numbers of one outcome."""

    id: int
    program: str
    evidence: str

    @property
    def size(self) -> int:
        """Characters."""
        return len(self.program) + len(self.evidence)


def compact(evidence: dict[str, Any]) -> str:
    """Evidence as JSON, integers without a decimal point."""
    return _WHOLE.sub("", json.dumps(evidence, separators=(",", ":")))


def most_telling_first(groups: Iterable[Finding], kept: Mapping[tuple[str, str], Detail]) -> Iterator[Detail]:
    """The smallest case of every group, then the second smallest of every group, and so on."""
    columns = ([(item.adapter, case_id) for case_id in item.members] for item in groups)
    for row in zip_longest(*columns):
        yield from (kept[key] for key in row if key in kept)


def shelve(details: Iterable[Detail]) -> list[list[Detail]]:
    """Fill the page, then files beside it, in order."""
    shelves: list[list[Detail]] = [[]]
    room = _ROOM_IN_PAGE
    for detail in details:
        if detail.size > room and (shelves[-1] or len(shelves) == 1):
            shelves.append([])
            room = _ROOM_IN_FILE
        shelves[-1].append(detail)
        room -= detail.size
    return shelves
