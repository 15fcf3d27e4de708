"""The fixed, named case sets: text files of full case ids, one per line.

``python -m conformance.cases.design.generate`` writes them. Scores are comparable where the hash is the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from conformance.cases.case import Case

__all__ = ["TIERS", "Kills", "load_kills", "load_sequences", "load_tier", "tier_hash"]

TIERS: dict[str, str] = {
    "smoke": "every pair of parameter classes on each rank; under a minute",
    "gate": "every three parameter classes together, every boundary and size class, layers of public models; for "
    "every change",
    "full": "every four parameter classes together, more boundaries and data kinds; for every release",
    "deploy": "what exported models contain, forward in float32; for converters and the runtimes behind them",
    "large": "indices, lengths and offsets in bytes beyond 2**31; needs 9 GiB of memory",
}


@lru_cache(maxsize=len(TIERS))
def _read(name: str) -> tuple[Case, ...]:
    lines = resources.files(__name__).joinpath(f"{name}.txt").read_text("ascii").split()
    return tuple(Case.parse(line) for line in lines)


def load_tier(name: str) -> list[Case]:
    """The cases of a tier, in file order.

    Parameters
    ----------
    name : str
        A key of ``TIERS``.

    Raises
    ------
    KeyError
        There is no such tier.
    """
    if name not in TIERS:
        raise KeyError(f"unknown tier {name!r}; the tiers are {', '.join(TIERS)}")
    return list(_read(name))


@lru_cache(maxsize=1)
def load_sequences() -> dict[str, tuple[str, int]]:
    """Cases that run one after the other in one process: by id, the first of them and the position after it."""
    lines = resources.files(__name__).joinpath("sequences.txt").read_text("ascii").splitlines()
    chains = (line.split() for line in lines)
    return {case_id: (chain[0], position) for chain in chains for position, case_id in enumerate(chain)}


def tier_hash(cases: Iterable[Case]) -> str:
    """Identify a case set: the first 16 hex digits of the SHA-256 of its sorted full ids, one per line."""
    ids = sorted({str(case) for case in cases})
    return hashlib.sha256("".join(f"{case_id}\n" for case_id in ids).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Kills:
    """The kill matrix, counted by ``python -m tests.faults.matrix --write``.

    Attributes
    ----------
    tiers : dict of str
        Per tier, the hash of the cases that were counted.
    faults : dict
        Per planted fault and tier, the number of cases that notice it.
    source : str
        Hash of the faults' own text.
    """

    tiers: dict[str, str]
    faults: dict[str, dict[str, int]]
    source: str

    def noticed(self, tier: str) -> int:
        """The number of faults that some case of a tier notices."""
        return sum(counts[tier] > 0 for counts in self.faults.values())


@lru_cache(maxsize=1)
def load_kills() -> Kills:
    """How many cases of each tier notice each planted fault."""
    return Kills(**json.loads(resources.files(__name__).joinpath("kills.json").read_text("ascii")))
