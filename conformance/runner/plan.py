"""What a run asks and in which order: the selection, less what other shards ask and what is recorded already."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from adapters.registry import AdapterSpec
from cases import Case
from reports.outcome import Outcome

__all__ = ["Plan", "ShardError", "make_plan", "read_shard", "shards_of", "turn"]

Key = tuple[str, str]


class ShardError(ValueError):
    """A shard that is not of the form I/M."""


@dataclass(frozen=True)
class Plan:
    """The questions of a run.

    Attributes
    ----------
    questions : tuple
        The whole selection as pairs of adapter and case: every adapter's cases together.
    here : tuple of int
        Indices of the questions this run is to ask: all, or those of its shard.
    order : tuple of int
        Indices of the questions still to be asked, in the order to ask them.
    """

    questions: tuple[tuple[AdapterSpec, Case], ...]
    here: tuple[int, ...]
    order: tuple[int, ...]


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
        rest is mixed, so that most of what is wrong shows early.
    """
    questions = tuple((spec, case) for spec in specs for case in cases)
    keys = [(spec.name, str(case)) for spec, case in questions]
    here = list(range(len(keys)))
    if shard is not None:
        index, count = shard
        shards = shards_of(keys, count, _seconds(durations))
        here = [number for number in here if shards[number] == index - 1]
    done = {(o.adapter, o.case_id) for o in recorded if o.status not in ("missing", "infra")}
    earlier = {(o.adapter, o.case_id): o for o in previous}
    adapter_order = {spec.name: number for number, spec in enumerate(specs)}

    def urgency(number: int) -> tuple[int, bool, float, int]:
        adapter, case_id = keys[number]
        old = earlier.get(keys[number])
        seconds = old.seconds if old is not None else 0.0
        return adapter_order[adapter], not (old is not None and old.gates), -seconds, turn(case_id)

    left = [number for number in here if keys[number] not in done]
    return Plan(questions, tuple(here), tuple(sorted(left, key=urgency)))


def _seconds(outcomes: Iterable[Outcome]) -> dict[Key, float]:
    return {(o.adapter, o.case_id): o.seconds for o in outcomes if o.status != "missing"}
