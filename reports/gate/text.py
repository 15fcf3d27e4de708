"""The gate in words, worst first, for a terminal and for Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conformance.reports.gate.assess import Gate
from conformance.reports.gate.expectations import Expectation
from conformance.reports.gate.standings import STANDINGS
from conformance.reports.record.breakdown import breakdown, counted
from conformance.reports.record.findings import findings
from conformance.reports.record.statuses import STATUSES, label

__all__ = ["Line", "headline", "lines", "markdown"]

_MOST_LINES = 30
_MOST_CHARACTERS = 240
_MOST_NAMES = 4


@dataclass(frozen=True)
class Line:
    """One thing to look at: how it stands, what it is in words, and whether it fails the gate."""

    standing: str
    text: str
    fails: bool


def headline(gate: Gate) -> str:
    """The result in one sentence that begins with what is new, and in whose answers."""
    parts = [f"{count} {name}" for name in STANDINGS if (count := gate.standings[name]) and STANDINGS[name].fails]
    parts += [f"{len(found)} {name}" for name, found in (("stale", gate.stale), ("drifted", gate.drifts)) if found]
    if gate.unsteady:
        parts.append(f"{sum(gate.unsteady.values())} flaky, more than chance explains")
    quiet = [f"{count} {name}" for name in STANDINGS if (count := gate.standings[name])]
    quiet = [part for part in quiet if part not in parts]
    tail = f" ({', '.join(quiet)})" if quiet else ""
    tail += _unfamiliar(gate)
    if parts:
        return f"Gate red: {', '.join(parts)}{_whose(gate)}{tail}."
    if gate.counts and not gate.compared:
        return f"Nothing was compared: {_counted(gate.counts)}{tail}."
    green = "Gate green: nothing new" + (f" in {_others(gate)}" if gate.uncompared else "")
    return f"{green}{tail}."


def _unfamiliar(gate: Gate) -> str:
    """On which kinds of machines no gate was ever settled."""
    kinds = ", ".join(gate.unfamiliar)
    return f"; no gate was settled on this kind of machine before ({kinds})" if kinds else ""


def _others(gate: Gate) -> str:
    """What a green gate holds for, where nothing of some adapters was compared."""
    return f"what was compared, which is nothing of {', '.join(gate.uncompared)}"


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[name]} {status.label}" for name, status in STATUSES.items() if counts[name])


def _whose(gate: Gate) -> str:
    """The adapters that what fails the gate is about, those with the most of it first."""
    counts = Counter(item.outcome.adapter for item in gate.failing)
    counts.update(drift.adapter for drift in gate.drifts)
    counts.update(entry.path.stem for entry in gate.stale)
    counts.update(gate.unsteady)
    names = [name for name, _ in counts.most_common()]
    if len(names) > _MOST_NAMES:
        names[_MOST_NAMES - 1 :] = [f"{len(names) - _MOST_NAMES + 1} more adapters"]
    return f" in {', '.join(names[:-1])} and {names[-1]}" if names[1:] else f" in {names[0]}"


def lines(gate: Gate, cases: Mapping[str, dict[str, Any]]) -> list[Line]:
    """Everything a person should look at, what fails the gate first.

    Parameters
    ----------
    gate : Gate
        The result.
    cases : mapping
        Columns of every case, by id.
    """
    found = []
    unlike = {(item.outcome.adapter, item.outcome.case_id): item.unlike for item in gate.items if item.unlike}
    for name, standing in STANDINGS.items():
        members = [item.outcome for item in gate.items if item.standing == name]
        if name in ("known", "rounding") or not members:
            continue
        for item in findings(members, dict(cases)):
            what = " ".join((item.text or item.detail).split())
            # Several kinds are counted one by one.
            who = item.adapter if len(item.kinds) > 1 else f"{item.adapter} {item.label},"
            over = f" ({item.spread})" if item.spread else ""
            text = f"{who} {item.counted}{over}, smallest {item.smallest}: {what}"
            keys = ((item.adapter, case_id) for case_id in item.members)
            entry = next((unlike[key] for key in keys if key in unlike), None)
            found.append(Line(name, text + (_otherwise(entry) if entry else ""), standing.fails))
    found += [
        Line("not compared", f"{adapter}: nothing was compared: {_counted(counts)}", False)
        for adapter, counts in gate.uncompared.items()
    ]
    found += [
        Line("flaky", f"{adapter} has {count} flaky outcomes, more than 3 and more than 1 % of its cases", True)
        for adapter, count in gate.unsteady.items()
    ]
    found += [Line("drift", str(drift), True) for drift in gate.drifts]
    found += [
        Line("stale", f"{_named(entry)} does not fail any more; {_remove(entry)}", True) for entry in gate.stale
    ]
    known = {item.entry.place: item.entry for item in gate.items if item.entry}
    for place, entry in known.items():
        members = [item.outcome for item in gate.items if item.entry and item.entry.place == place]
        by_kind = breakdown(members, cases)["kind"]
        what = f" {label(members[0].status, members[0].kind)}," if len(by_kind) == 1 else ""
        text = f"{members[0].adapter}{what} {counted(len(members), by_kind)}: {_named(entry)}: {entry.reason}"
        found.append(Line("known", f"{text} {entry.upstream}".rstrip(), False))
    for one, other, count in gate.overlaps:
        both = f"{_named(one)} and {_named(other)} both explain {_cases(count)}"
        found.append(Line("overlap", f"{both}; narrow one, or {_remove(other)}", False))
    found += [Line("unsigned", _unsigned(entry), False) for entry in gate.unsigned]
    if gate.unused:
        names = ", ".join(dict.fromkeys(entry.finding for entry in gate.unused))  # adapters share them
        found.append(Line("unused", f"expectations whose cases were not asked: {names}", False))
    return sorted(found, key=lambda line: not line.fails)


def _cases(count: int) -> str:
    return f"{count} case{'' if count == 1 else 's'}"


def _named(entry: Expectation) -> str:
    return f"expectation {entry.finding}"


def _otherwise(entry: Expectation) -> str:
    """What is expected of a case that fails in another way."""
    signature = entry.signature.text if entry.signature else "any failure of its kind"
    return f"; {_named(entry)} says {signature}"


def _unsigned(entry: Expectation) -> str:
    return (
        f"{_named(entry)} ({entry.place}) has no signature, so every {' or '.join(entry.kinds)} under its "
        'condition passes for it; say what the output is, as in signature = { diagnosis = "shift" }'
    )


def _remove(entry: Expectation) -> str:
    first, last = entry.lines
    return f"remove lines {first} to {last} of {entry.path}"


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "…"


def markdown(gate: Gate, cases: Mapping[str, dict[str, Any]]) -> str:
    """A section for a job's page."""
    every = lines(gate, cases)
    table = [f"| {line.standing} | {_cell(line.text)} |" for line in every[:_MOST_LINES]]
    if len(every) > _MOST_LINES:
        table.append(f"| … | and {len(every) - _MOST_LINES} more, in the report |")
    head = ["| gate | |", "| --- | --- |"] if table else []
    return "\n".join([f"## {headline(gate)}", "", *head, *table]).rstrip() + "\n"


def _cell(text: str) -> str:
    """Text that stays in its table cell and is neither HTML nor Markdown."""
    text = _cut(" ".join(text.split()))
    for character in "\\`*_[]|~#@":
        text = text.replace(character, "\\" + character)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
