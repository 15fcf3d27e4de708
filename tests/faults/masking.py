"""What shipped expectations hide: every planted fault in an adapter that is wrong as recorded as well.

Of the cases that notice a fault, some lie under an expectation. There the adapter refuses or crashes, so nothing
can notice (`not visible`); or it outputs, wrong as recorded and with the fault as well, and the gate says
`changed`, or takes the outcome for the known one (`swallowed`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from unittest.mock import patch

import numpy as np

from conformance.adapters.base import Adapter, Tensor
from conformance.adapters.host.client import Reply
from conformance.adapters.registry import load as load_adapter
from conformance.adapters.registry import resolve
from conformance.cases import Case
from conformance.cases.columns import columns
from conformance.cases.tiers import load_tier
from conformance.diagnosis import search
from conformance.diagnosis.diagnose import diagnose
from conformance.diagnosis.mutations.problem import Problem
from conformance.diagnosis.mutations.registry import Variation, variations
from conformance.diagnosis.search import Search
from conformance.oracle.expected_output import input_tensors
from conformance.oracle.reference import Reference
from conformance.oracle.verdict import Verdict, judge
from conformance.reports.gate.expectations import BUILT_IN, CONDITION_COLUMNS, Expectation, load
from conformance.reports.record.outcome import Outcome
from tests.faults.catalogue import FAULTS, RIGHT, Fault
from tests.faults.matrix import judged_cases
from tests.faults.recorded import RECORDED, Refused, together
from tests.support.machines import met_on_some_machine

__all__ = ["UNNAMED", "Masked", "adapters", "markdown", "masking"]

# An adapter that ends in one of these has no output in which a fault could show.
_NO_OUTPUT = {"crash", "timeout", "rejected"}

Place = tuple[str, str, str]

UNNAMED = {
    "cv2-dnn-classic": "with one axis it takes channels for a second axis and leaves memory unwritten",
    "tfjs-wasm": "its loops in three dimensions leave out products or read foreign memory",
}
"""Why faults may hide: no mistake of the diagnosis has such an output, so that one more mistake looks the same."""


@dataclass(frozen=True)
class Masked:
    """What the expectations of one adapter hide.

    Attributes
    ----------
    notices : int
        Pairs of a fault and a case that notices it and that the adapter takes.
    not_visible : int
        Those where the adapter is known to give no output, where what it gets wrong undoes the fault, or where the
        fault changes nothing of its output.
    swallowed : int
        Those where the outcome passes for the known one.
    hidden : tuple of str
        Faults whose visible notices are all swallowed.
    unseen : tuple of str
        Faults of which no notice is visible, because the adapter has no output for any such case.
    worst : str
        The fault of which the largest share is swallowed, and the share.
    """

    notices: int
    not_visible: int
    swallowed: int
    hidden: tuple[str, ...]
    worst: str
    unseen: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """The share of the visible notices that is swallowed."""
        return self.swallowed / max(self.notices - self.not_visible, 1)


def adapters() -> list[str]:
    """The adapters that have an expectation file."""
    return sorted(path.stem for path in BUILT_IN.glob("*.toml"))


@cache
def _kind_of(adapter: str) -> type[Adapter]:
    return load_adapter(resolve(adapter).target)


@cache
def _entries(adapter: str) -> tuple[Expectation, ...]:
    # Faults are noticed on cases that have an output.
    return tuple(entry for entry in load(adapter) if set(entry.kinds) != {"accepted"})


@cache
def _models() -> dict[tuple[str, str], Fault]:
    """The recorded faults by finding and condition, for the files that share an entry, too."""
    return {
        (entry.finding, entry.where): fault
        for (adapter, finding), fault in RECORDED.items()
        for entry in load(adapter)
        if entry.finding == finding
    }


@contextmanager
def _searching(wanted: frozenset[str] | None, *, pairs: bool) -> Iterator[None]:
    """Have the diagnosis look for some of the transformations only, or for all, with or without pairs of them."""

    def some(problem: Problem) -> Iterator[Variation]:
        return variations(problem.but(wanted=wanted))

    double = Search.double if pairs else lambda self: []
    with patch.object(Search, "double", double), patch.object(search, "variations", some):
        yield


def _wanted(entry: Expectation) -> frozenset[str] | None:
    """The transformations that the signature of an entry names; None for all, where it names unexplained ones."""
    named = entry.signature.diagnosis if entry.signature is not None else ()
    if not named or "unexplained" in named:
        return None
    return frozenset(part for name in named for part in name.split("+"))


class _Replies:
    """The outcomes of one case, of a planted fault alone or on top of a recorded one, each found out once."""

    def __init__(self, case: Case, expected: dict[str, Reference]) -> None:
        self._case, self._expected = case, expected
        self._tensors = input_tensors(case)
        self._judged: dict[tuple[Any, ...], tuple[Reply, Verdict]] = {}
        self._outcomes: dict[tuple[Any, ...], Outcome] = {}

    def verdict(self, fault: Fault, recorded: Fault | None = None, *, shape_only: bool = False) -> Verdict:
        """The verdict."""
        return self._judge((fault.name, id(recorded), shape_only), fault, recorded, shape_only)[1]

    def changes(self, fault: Fault, recorded: Fault, *, shape_only: bool = False) -> bool:
        """Whether a fault changes the output of an adapter that is wrong as recorded."""
        alone, both = (
            self._judge((one.name, id(recorded), shape_only), one, recorded, shape_only)[0]
            for one in (RIGHT, fault)
        )
        return (both.kind, both.detail) != (alone.kind, alone.detail) or not (
            both.tensors.keys() == alone.tensors.keys()
            and all(_same(tensor, alone.tensors[name]) for name, tensor in both.tensors.items())
        )

    def _judge(
        self, key: tuple[Any, ...], fault: Fault, recorded: Fault | None, shape_only: bool
    ) -> tuple[Reply, Verdict]:
        if key not in self._judged:
            with np.errstate(all="ignore"):
                whole = fault if recorded is None else together(recorded, fault)
                try:
                    reply = whole.reply(self._case, self._tensors)
                except Refused as refused:
                    reply = Reply("raised", detail=str(refused))
                if shape_only and "y" in reply.tensors:
                    shape = np.array(reply.tensors["y"].values.shape, np.int64)
                    reply = Reply("answer", {"shape": Tensor(shape, "i64")})
                fields = judge(self._case, self._tensors, reply, expected=self._expected)
            self._judged[key] = reply, fields
        return self._judged[key]

    def passes_for(
        self, entry: Expectation, fault: Fault, recorded: Fault | None = None, *, shape_only: bool = False
    ) -> bool:
        """Whether the outcome with its diagnosis has the signature of an entry.

        To look for all mistakes, and for all pairs, takes most of a diagnosis. So the diagnosis first looks for
        those that the signature names: what it does not recognise then has another signature anyway.
        """
        key, wanted = (fault.name, id(recorded), shape_only), _wanted(entry)
        named = entry.signature.diagnosis if entry.signature is not None else ()
        with _searching(wanted, pairs=wanted is not None and any("+" in name for name in named)):
            found = self._outcome((*key, wanted), fault, recorded)
        return entry.recognises(found) and entry.recognises(self._outcome((*key, "all"), fault, recorded))

    def outcome(self, fault: Fault, recorded: Fault | None = None, *, shape_only: bool = False) -> Outcome:
        """The outcome with its diagnosis."""
        return self._outcome((fault.name, id(recorded), shape_only, "all"), fault, recorded)

    def _outcome(self, key: tuple[Any, ...], fault: Fault, recorded: Fault | None) -> Outcome:
        if key not in self._outcomes:
            reply, fields = self._judge(key[:3], fault, recorded, key[2])
            found = diagnose(self._case, self._tensors, reply, fields)
            self._outcomes[key] = replace(fields.outcome(self._case, ""), diagnosis=found)
        return self._outcomes[key]


def _same(tensor: Tensor, other: Tensor) -> bool:
    return tensor.dtype == other.dtype and np.array_equal(tensor.values, other.values, equal_nan=True)


def _becomes(entry: Expectation, case: Case, fault: Fault, replies: _Replies, *, shape_only: bool) -> str:
    """The outcome of a fault in an adapter that is wrong as an entry says: `seen` if the gate says so."""
    recorded = _models().get((entry.finding, entry.where))
    if recorded is not None and not replies.changes(fault, recorded, shape_only=shape_only):
        return "not visible"  # the adapter has it already, or cuts off what it changes
    fields = replies.verdict(fault, recorded, shape_only=shape_only)
    if fields.status != "fail":
        return "not visible"  # one undoes the other, or there is no output
    if fields.kind not in entry.kinds:
        return "seen"
    if not replies.passes_for(entry, fault, recorded, shape_only=shape_only):
        return "seen"
    if not entry.case_columns_only:
        row = columns(case) | replies.outcome(fault, recorded, shape_only=shape_only).columns()
        if not met_on_some_machine([row], entry.where, CONDITION_COLUMNS)[0]:
            return "seen"
    return "swallowed"


def _met(cases: Sequence[Case], names: Sequence[str]) -> dict[Place, list[bool]]:
    """Which cases meet the condition of each entry, as far as it is about the case."""
    # Conditions over the outcome say that the gradient of the weights is the first to be wrong.
    wrong = Outcome("", "", "fail", "gradient", detail="dw differs").columns()
    rows = [columns(case) | wrong for case in cases]
    return {
        (name, *entry.identity): met_on_some_machine(rows, entry.where, CONDITION_COLUMNS)
        for name in names
        for entry in _entries(name)
    }


def _counted(
    cases: Sequence[Case], names: Sequence[str], faults: Collection[str]
) -> Counter[tuple[str, str, str]]:
    """By adapter, fault and outcome: the number of cases that notice the fault."""
    found: Counter[tuple[str, str, str]] = Counter()
    able = list(judged_cases(cases))
    met = _met([case for case, _ in able], names)
    for number, (case, expected) in enumerate(able):
        taken = {
            name: [entry for entry in _entries(name) if met[name, *entry.identity][number]]
            for name in names
            if _kind_of(name).declines(case) is None
        }
        replies = _Replies(case, expected)
        for name_of_fault in faults:
            fault = FAULTS[name_of_fault]
            if case.rank not in fault.ranks or replies.verdict(fault).status != "fail":
                continue
            for name, entries in taken.items():
                shape_only = _kind_of(name).shape_only
                if shape_only and (
                    case.direction != "fwd" or replies.verdict(fault, shape_only=True).status == "pass"
                ):
                    continue
                found[name, fault.name, "notices"] += 1
                if any(entry.case_columns_only and set(entry.kinds) <= _NO_OUTPUT for entry in entries):
                    found[name, fault.name, "not visible"] += 1
                    continue
                fates = {_becomes(entry, case, fault, replies, shape_only=shape_only) for entry in entries}
                # Where one entry takes it, it is gone, whatever others say.
                for fate in ("swallowed", "not visible"):
                    if fate in fates:
                        found[name, fault.name, fate] += 1
                        break
    return found


def masking(
    tier: str, *, names: Sequence[str] = (), faults: Sequence[str] = (), jobs: int = 1
) -> dict[str, Masked]:
    """What the expectations of each adapter hide.

    Parameters
    ----------
    tier : str
        Whose cases run.
    names, faults : sequence of str
        Adapters and planted faults; empty for all.
    jobs : int
        Processes.
    """
    names, faults = names or adapters(), faults or list(FAULTS)
    cases = load_tier(tier)
    if jobs == 1:
        found = _counted(cases, names, faults)
    else:
        with ProcessPoolExecutor(jobs) as pool:
            parts = 16 * jobs
            waiting = [pool.submit(_counted, cases[n::parts], names, faults) for n in range(parts)]
            found = sum((part.result() for part in waiting), Counter())
    return {name: _summed(found, name, faults) for name in names}


def _summed(found: Mapping[tuple[str, str, str], int], name: str, faults: Sequence[str]) -> Masked:
    def count(what: str, fault: str) -> int:
        return found.get((name, fault, what), 0)

    noticed = [fault for fault in faults if count("notices", fault)]
    left = {fault: count("notices", fault) - count("not visible", fault) for fault in noticed}
    shares = {fault: count("swallowed", fault) / left[fault] for fault in noticed if left[fault]}
    worst = max(shares, key=lambda fault: shares[fault], default="")
    return Masked(
        sum(count("notices", fault) for fault in noticed),
        sum(count("not visible", fault) for fault in noticed),
        sum(count("swallowed", fault) for fault in noticed),
        tuple(fault for fault in noticed if 0 < left[fault] == count("swallowed", fault)),
        f"{worst} ({shares[worst]:.0%})" if worst and shares[worst] else "",
        tuple(fault for fault in noticed if not left[fault]),
    )


def markdown(found: Mapping[str, Masked]) -> Iterator[str]:
    """A table."""
    yield "| adapter | notices | not visible | swallowed | share | hidden | most hidden | never visible | reason |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | --- | --- | --- |"
    for name, masked in found.items():
        cells = (masked.notices, masked.not_visible, masked.swallowed, f"{masked.share:.2%}", len(masked.hidden))
        faults = ", ".join(masked.hidden) or masked.worst
        texts = (faults, ", ".join(masked.unseen), UNNAMED.get(name, ""))
        yield f"| {name} | {' | '.join(map(str, (*cells, *texts)))} |"
