"""What a run asks and in which order: the selection, less what other shards ask and what is recorded already."""

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

__all__ = ["Plan", "ShardError", "make_plan", "read_shard", "shards_of", "turn"]

Key = tuple[str, str]


class ShardError(ValueError):
    """A shard that is not of the form I/M."""


@dataclass(frozen=True)
class Plan:
    """The questions of a run: every case for every adapter, numbered adapter by adapter.

    Attributes
    ----------
    specs, cases : sequences
        The whole selection.
    here : sequence of int
        Numbers of the questions this run is to ask: all, or those of its shard.
    order : sequence of int
        Numbers of the questions still to be asked, in the order to ask them.
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
        """The names of both."""
        spec, case = self.pair(number)
        return spec.name, str(case)


def read_shard(text: str | None) -> tuple[int, int] | None:
    """Read ``I/M``; None stands for a run that is not split.

    Raises
    ------
    ShardError
        It is not of that form.
    """
    if text is None:
        return None
    form = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
    if form is None or not 1 <= int(form[1]) <= int(form[2]):
        raise ShardError(f"--shard {text!r}: write I/M with I from 1 to M, such as 2/3")
    return int(form[1]), int(form[2])


def shards_of(keys: Sequence[Key], count: int, seconds: Mapping[Key, float]) -> list[int]:
    """The shard of every question, from 0.

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
        The same on every machine. A question without a duration goes by a hash of its own, so that it keeps its
        shard whatever else is asked; the others, longest first, go where least is to be done.
    """
    shards = [int.from_bytes(hashlib.sha256("\0".join(key).encode()).digest()[:8]) % count for key in keys]
    load = [0.0] * count
    known = [number for number, key in enumerate(keys) if key in seconds]
    for number in sorted(known, key=lambda number: (-seconds[keys[number]], keys[number])):
        least = min(range(count), key=lambda shard: (load[shard], shard))
        shards[number] = least
        load[least] += seconds[keys[number]]
    return shards


def turn(case_id: str) -> int:
    """When a case comes that nothing else puts earlier or later: mixed, and the same on every machine."""
    return zlib.crc32(case_id.encode())


def first_of(case_id: str) -> tuple[str, int]:
    """The first case of the sequence that a case is in, and its place there; alone, it is its own first."""
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
    """Decide what is asked.

    Parameters
    ----------
    specs, cases : sequences
        The selection is every case for every adapter.
    shard : pair of int, optional
        Which part of how many, from 1.
    durations : iterable of Outcome
        Outcomes whose durations balance the shards.
    recorded : iterable of Outcome
        Outcomes of this run from before it was interrupted; those that stand are not asked for again.
    previous : iterable of Outcome
        Outcomes of an earlier run: within an adapter, what failed then comes first, then what took longest. The
        rest is mixed, so that most of what is wrong shows early. The cases of a sequence stay together and in
        their order, in one shard.
    """
    whole = Plan(specs, cases, (), ())
    here: Sequence[int] = whole.numbers
    if shard is not None:
        index, count = shard
        keys = [whole.key(number) for number in here]
        shards = shards_of(keys, count, _seconds(durations))
        place = dict(zip(keys, here, strict=True))
        shards = [shards[place.get((name, first_of(case_id)[0]), place[name, case_id])] for name, case_id in keys]
        here = array("L", [number for number in here if shards[number] == index - 1])
    done = {(o.adapter, o.case_id) for o in recorded if o.status not in ("missing", "infra")}
    earlier: dict[Key, tuple[bool, float]] = {}
    for old in previous:
        key, seen = (old.adapter, first_of(old.case_id)[0]), (not old.gates, -old.seconds)
        earlier[key] = min(seen, earlier.get(key, seen))

    def urgency(number: int) -> tuple[bool, float, int, str, int]:
        adapter, case_id = whole.key(number)
        first, place = first_of(case_id)
        return (*earlier.get((adapter, first), (True, 0.0)), turn(first), first, place)

    order = array("L")
    for _, those in groupby(here, lambda number: number // len(cases)):
        order.extend(sorted((number for number in those if whole.key(number) not in done), key=urgency))
    return Plan(specs, cases, here, order)


def _seconds(outcomes: Iterable[Outcome]) -> dict[Key, float]:
    return {(o.adapter, o.case_id): o.seconds for o in outcomes if o.status != "missing"}
