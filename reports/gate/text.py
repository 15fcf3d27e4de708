"""The result of the gate as text, worst first, for a terminal and for Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from conformance.cases.columns import Row
from conformance.reports.gate.assess import Gate
from conformance.reports.gate.expectations import Expectation
from conformance.reports.gate.standings import STANDINGS
from conformance.reports.record.breakdown import breakdown, counted
from conformance.reports.record.cut_text import cut
from conformance.reports.record.findings import case_weight, findings
from conformance.reports.record.statuses import STATUSES, label

__all__ = ["Line", "Summary", "headline", "lines", "markdown"]

_MOST_LINES = 30
_MOST_CHARACTERS = 320
_MOST_NAMES = 4


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The discrepancies of one finding, in parts.

    Attributes
    ----------
    name : str
        The finding: its id, or the expectation that explains it.
    counted : str
        The adapter, and the number of cases by kind.
    cause : str
        The diagnosis, or the reason of the expectation.
    adapter, smallest : str
        The adapter, and its smallest case.
    link : str
        Where the discrepancy was reported.
    """

    name: str
    counted: str
    cause: str
    adapter: str
    smallest: str
    link: str = ""

    @property
    def command(self) -> tuple[str, ...]:
        """The command that explains the smallest case."""
        return ("conformance", "explain", self.smallest, "--adapter", self.adapter)


@dataclass(frozen=True)
class Line:
    """One thing to look at.

    Attributes
    ----------
    standing : str
        A name in ``STANDINGS``, or what else it is about.
    text : str
        All of it in one line.
    fails : bool
        Whether it fails the gate.
    summary : Summary or None
        Its parts, if it is about outcomes that `explain` can look into.
    """

    standing: str
    text: str
    fails: bool
    summary: Summary | None = None


def headline(gate: Gate) -> str:
    """The result in one sentence that starts with what is new, and for which adapters."""
    parts = [f"{count} {name}" for name in STANDINGS if (count := gate.standings[name]) and STANDINGS[name].fails]
    parts += [f"{len(items)} {name}" for name, items in (("stale", gate.stale), ("drifted", gate.drifts)) if items]
    if gate.unsteady:
        parts.append(f"{sum(gate.unsteady.values())} flaky, more than chance explains")
    quiet = [f"{count} {name}" for name in STANDINGS if (count := gate.standings[name])]
    quiet = [part for part in quiet if part not in parts]
    tail = f" ({', '.join(quiet)})" if quiet else ""
    tail += _machine_note(gate)
    if parts:
        return f"Gate red: {', '.join(parts)}{_failing_adapters(gate)}{tail}."
    if gate.counts and not gate.compared:
        return f"Nothing was compared: {_count_statuses(gate.counts)}{tail}."
    green = "Gate green: nothing new" + (f" in {_covered(gate)}" if gate.uncompared else "")
    return f"{green}{tail}."


def _machine_note(gate: Gate) -> str:
    """The kinds of machines on which no gate has been settled."""
    kinds = ", ".join(gate.unfamiliar)
    return f"; no gate was settled before on this kind of machine ({kinds})" if kinds else ""


def _covered(gate: Gate) -> str:
    """What a green gate covers, where no output of some adapters was compared."""
    return f"what was compared, but nothing was compared for {', '.join(gate.uncompared)}"


def _count_statuses(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[name]} {status.label}" for name, status in STATUSES.items() if counts[name])


def _failing_adapters(gate: Gate) -> str:
    """The adapters that fail the gate, those with the most failures first."""
    counts = Counter(item.outcome.adapter for item in gate.failing)
    counts.update(drift.adapter for drift in gate.drifts)
    counts.update(entry.path.stem for entry in gate.stale)
    counts.update(gate.unsteady)
    names = [name for name, _ in counts.most_common()]
    if len(names) > _MOST_NAMES:
        names[_MOST_NAMES - 1 :] = [f"{len(names) - _MOST_NAMES + 1} more adapters"]
    return f" in {', '.join(names[:-1])} and {names[-1]}" if names[1:] else f" in {names[0]}"


def lines(gate: Gate, cases: Mapping[str, Row]) -> list[Line]:
    """Everything a person should look at, what fails the gate first.

    Parameters
    ----------
    gate : Gate
        The result.
    cases : mapping
        Columns of every case, by id.
    """
    remarks = []
    unlike = {(item.outcome.adapter, item.outcome.case_id): item.unlike for item in gate.items if item.unlike}
    for name, standing in STANDINGS.items():
        members = [item.outcome for item in gate.items if item.standing == name]
        if name in ("known", "rounding") or not members:
            continue
        for item in findings(members, dict(cases)):
            what = " ".join((item.text or item.detail).split())
            # Several kinds are counted one by one, in `counted`.
            who = item.adapter if len(item.kinds) > 1 else f"{item.adapter} {item.label},"
            over = f" ({item.spread})" if item.spread else ""
            keys = ((item.adapter, case_id) for case_id in item.members)
            entry = next((unlike[key] for key in keys if key in unlike), None)
            what += _expected_instead(entry) if entry else ""
            counts = f"{who} {item.counted}{over}"
            summary = None
            if standing.fails and not STATUSES[item.status].ours:
                summary = Summary(
                    name=f"finding {item.id}", counted=counts, cause=what, adapter=item.adapter,
                    smallest=item.smallest,
                )  # fmt: skip
            remarks.append(Line(name, f"{counts}, smallest {item.smallest}: {what}", standing.fails, summary))
    remarks += [
        Line("not compared", f"{adapter}: nothing was compared: {_count_statuses(counts)}", False)
        for adapter, counts in gate.uncompared.items()
    ]
    remarks += [
        Line("flaky", f"{adapter} has {count} flaky outcomes, more than 3 and more than 1 % of its cases", True)
        for adapter, count in gate.unsteady.items()
    ]
    remarks += [Line("drift", str(drift), True) for drift in gate.drifts]
    remarks += [
        Line("stale", f"{_expectation_name(entry)} no longer fails; {_remove(entry)}", True)
        for entry in gate.stale
    ]
    entries = {item.entry.identity: item.entry for item in gate.items if item.entry}
    for identity, entry in entries.items():
        members = [item.outcome for item in gate.items if item.entry and item.entry.identity == identity]
        by_kind = breakdown(members, cases)["kind"]
        what = f" {label(members[0].status, members[0].kind)}," if len(by_kind) == 1 else ""
        counts = f"{members[0].adapter}{what} {counted(len(members), by_kind)}"
        text = f"{counts}: {_expectation_name(entry)}: {entry.reason} {entry.upstream}".rstrip()
        known = [outcome.case_id for outcome in members]
        smallest = min(known, key=lambda case_id: case_weight(cases[case_id])) if cases else known[0]
        summary = Summary(
            name=_expectation_name(entry), counted=counts, cause=entry.reason, adapter=members[0].adapter,
            smallest=smallest, link=entry.upstream,
        )  # fmt: skip
        remarks.append(Line("known", text, False, summary))
    for one, other, count in gate.overlaps:
        both = f"{_expectation_name(one)} and {_expectation_name(other)} both explain {_cases(count)}"
        remarks.append(Line("overlap", f"{both}; narrow one of them, or {_remove(other)}", False))
    remarks += [Line("unsigned", _unsigned(entry), False) for entry in gate.unsigned]
    if gate.unused:
        names = ", ".join(dict.fromkeys(entry.finding for entry in gate.unused))  # adapters share them
        remarks.append(Line("unused", f"expectations whose cases were not run: {names}", False))
    return sorted(remarks, key=lambda line: not line.fails)


def _cases(count: int) -> str:
    return f"{count} case{'' if count == 1 else 's'}"


def _expectation_name(entry: Expectation) -> str:
    return f"expectation {entry.finding}"


def _expected_instead(entry: Expectation) -> str:
    """What the expectation of a case says that fails differently."""
    signature = entry.signature.text if entry.signature else "any failure of its kind"
    return f"; {_expectation_name(entry)} says {signature}"


def _unsigned(entry: Expectation) -> str:
    return (
        f"{_expectation_name(entry)} ({entry.place}) has no signature, so every {' or '.join(entry.kinds)} that "
        'meets its condition counts as known; say what the output is, as in signature = { diagnosis = "shift" }'
    )


def _remove(entry: Expectation) -> str:
    first, last = entry.lines
    return f"remove lines {first} to {last} of {entry.path}"


def markdown(gate: Gate, cases: Mapping[str, Row]) -> str:
    """A Markdown section for the page of a CI job."""
    remarks = lines(gate, cases)
    table = [f"| {line.standing} | {_cell(line.text)} |" for line in remarks[:_MOST_LINES]]
    if len(remarks) > _MOST_LINES:
        table.append(f"| … | and {len(remarks) - _MOST_LINES} more, in the report |")
    head = ["| gate | |", "| --- | --- |"] if table else []
    return "\n".join([f"## {headline(gate)}", "", *head, *table]).rstrip() + "\n"


def _cell(text: str) -> str:
    """Text for a table cell, with HTML and Markdown escaped."""
    text = cut(text, _MOST_CHARACTERS)
    for character in "\\`*_[]|~#@":
        text = text.replace(character, "\\" + character)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
