"""The cases of a run and their order: the selection without other shards' cases and without recorded ones."""

from __future__ import annotations

import hashlib
import re
import zlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from conformance.adapters.registry import AdapterSpec
from conformance.cases import Case
from conformance.cases.tiers import load_sequences
from conformance.reports.record.outcome import Outcome

__all__ = ["Plan", "ShardError", "first_of", "make_plan", "read_shard", "shards_of", "turn"]

Key = tuple[str, str]


class ShardError(ValueError):
    """A shard that is not of the form I/M."""


@dataclass(frozen=True)
class Plan:
    """The pairs of adapter and case of a run, numbered adapter by adapter.

    Attributes
    ----------
    specs, cases : sequences
        The whole selection.
    here : sequence of int
        Numbers of the pairs that this run is responsible for: all, or those of its shard.
    order : sequence of int
        Numbers of the pairs that are still to run, in the order in which to run them.
    """

    specs: Sequence[AdapterSpec]
    cases: Sequence[Case]
    here: Sequence[int]
    order: Sequence[int]

    @property
    def numbers(self) -> range:
        """The numbers of the whole selection."""
        return range(len(self.specs) * len(self.cases))

    def pair(self, number: int) -> tuple[AdapterSpec, Case]:
        """The adapter and the case of a number."""
        adapter, case = divmod(number, len(self.cases))
        return self.specs[adapter], self.cases[case]

    def key(self, number: int) -> Key:
        """The name of the adapter and the id of the case of a number."""
        spec, case = self.pair(number)
        return spec.name, str(case)


def read_shard(text: str | None) -> tuple[int, int] | None:
    """Read ``I/M``; None means that the run is not split.

    Raises
    ------
    ShardError
        The text is not of that form.
    """
    if text is None:
        return None
    match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise ShardError(f"--shard {text!r}: write I/M with I from 1 to M, such as 2/3")
    return int(match[1]), int(match[2])


def shards_of(keys: Sequence[Key], count: int, seconds: Mapping[Key, float]) -> list[int]:
    """The shard of every pair of adapter and case, counted from 0.

    Parameters
    ----------
    keys : sequence of pairs
        Adapter and case id.
    count : int
        Number of shards.
    seconds : mapping
        Recorded durations; may be empty.

    Returns
    -------
    list of int
        The same on every machine. The shard of a pair without a duration is a hash of the pair, so it does not
        depend on the rest of the selection. The others, longest first, go to the shard with the least work.
    """
    shards = [int.from_bytes(hashlib.sha256("\0".join(key).encode()).digest()[:8]) % count for key in keys]
    load = [0.0] * count
    timed = [number for number, key in enumerate(keys) if key in seconds]
    for number in sorted(timed, key=lambda number: (-seconds[keys[number]], keys[number])):
        least = min(range(count), key=lambda shard: (load[shard], shard))
        shards[number] = least
        load[least] += seconds[keys[number]]
    return shards


def turn(case_id: str) -> int:
    """The position of a case that has no reason to be early or late: shuffled, but the same on every machine."""
    return zlib.crc32(case_id.encode())


def first_of(case_id: str) -> tuple[str, int]:
    """The first case of the sequence that a case belongs to, and its place there; by default itself and 0."""
    return load_sequences().get(case_id, (case_id, 0))


def make_plan(
    specs: Sequence[AdapterSpec],
    cases: Sequence[Case],
    *,
    shard: tuple[int, int] | None = None,
    durations: Iterable[Outcome] = (),
    recorded: Iterable[Outcome] = (),
    previous: Iterable[Outcome] = (),
) -> Plan:
    """Decide which cases run on which adapters, and in which order.

    Parameters
    ----------
    specs, cases : sequences
        The selection is every case for every adapter.
    shard : pair of int, optional
        Which part of how many, from 1.
    durations : iterable of Outcome
        Outcomes whose durations balance the shards.
    recorded : iterable of Outcome
        Outcomes of this run from before it was interrupted; these pairs do not run again, except after a failure
        of the suite itself.
    previous : iterable of Outcome
        Outcomes of an earlier run: within an adapter, the cases that failed then come first, then the slowest. The
        rest is shuffled, so that most discrepancies show early. The cases of a sequence stay together and in
        their order, in one shard.
    """
    selection = Plan(specs, cases, (), ())
    here: Sequence[int] = selection.numbers
    if shard is not None:
        index, count = shard
        keys = [selection.key(number) for number in here]
        shards = shards_of(keys, count, _seconds(durations))
        # A case of a sequence takes the shard of the first case of the sequence, if that is selected.
        place = dict(zip(keys, here, strict=True))
        shards = [shards[place.get((name, first_of(case_id)[0]), place[name, case_id])] for name, case_id in keys]
        here = array("L", [number for number in here if shards[number] == index - 1])
    done = {(o.adapter, o.case_id) for o in recorded if o.status not in ("missing", "infra")}
    earlier: dict[Key, tuple[bool, float]] = {}
    for old in previous:
        key, seen = (old.adapter, first_of(old.case_id)[0]), (not old.gates, -old.seconds)
        earlier[key] = min(seen, earlier.get(key, seen))

    def urgency(number: int) -> tuple[bool, float, int, str, int]:
        """Sort key: failed before, then slow before, then shuffled; a sequence stays together, in its order."""
        adapter, case_id = selection.key(number)
        first, place = first_of(case_id)
        return (*earlier.get((adapter, first), (True, 0.0)), turn(first), first, place)

    order = array("L")
    for _, numbers in groupby(here, lambda number: number // len(cases)):
        order.extend(sorted((number for number in numbers if selection.key(number) not in done), key=urgency))
    return Plan(specs, cases, here, order)


def _seconds(outcomes: Iterable[Outcome]) -> dict[Key, float]:
    return {(o.adapter, o.case_id): o.seconds for o in outcomes if o.status != "missing"}
