"""Programs and numbers of outcomes that are worth a look: those in the page, and those in files next to it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import NamedTuple

from conformance.reports.record.evidence import Evidence
from conformance.reports.record.findings import Finding

__all__ = ["Detail", "compact", "fill_files", "smallest_first"]

# Characters before compression, in the page itself and in a file next to it, which the page loads on a click.
_ROOM_IN_PAGE = 4_000_000
_ROOM_IN_FILE = 2_000_000

# The strings in evidence are names of tensors, "nan" and the like, so this matches only the end of a number.
_POINT_ZERO = re.compile(r"(?<=\d)\.0(?=[,\]}])")


class Detail(NamedTuple):
    """The program and the numbers of one outcome."""

    id: int
    program: str
    evidence: str

    @property
    def size(self) -> int:
        """Number of characters."""
        return len(self.program) + len(self.evidence)


def compact(evidence: Mapping[str, Evidence]) -> str:
    """Evidence as JSON, integers without a decimal point."""
    plain = {name: tensor.to_json() for name, tensor in evidence.items()}
    return _POINT_ZERO.sub("", json.dumps(plain, separators=(",", ":")))


def smallest_first(groups: Iterable[Finding], details: Mapping[tuple[str, str], Detail]) -> Iterator[Detail]:
    """The smallest case of every group, then the second smallest of every group, and so on."""
    columns = ([(item.adapter, case_id) for case_id in item.members] for item in groups)
    for row in zip_longest(*columns):
        yield from (details[key] for key in row if key in details)


def fill_files(details: Iterable[Detail]) -> list[list[Detail]]:
    """Fill the page, then files next to it, in order."""
    files: list[list[Detail]] = [[]]
    room = _ROOM_IN_PAGE
    for detail in details:
        if detail.size > room and (files[-1] or len(files) == 1):
            files.append([])
            room = _ROOM_IN_FILE
        files[-1].append(detail)
        room -= detail.size
    return files
