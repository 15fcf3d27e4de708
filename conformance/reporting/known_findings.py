"""The shipped expectations as a page, docs/findings.md, and as a table in the README.

``python -m conformance.reporting.known_findings --write`` writes both, in a checkout.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.adapters.node import npm
from conformance.adapters.registry import BUILT_IN as ADAPTERS
from conformance.adapters.registry import load as load_adapter
from conformance.cases.case import Case
from conformance.reports.gate.expectations import BUILT_IN, Expectation, load

__all__ = ["PAGE", "README", "KnownFinding", "counts", "known_findings", "page", "with_table"]

_ROOT = Path(__file__).resolve().parents[2]
PAGE = _ROOT / "docs" / "findings.md"
README = _ROOT / "README.md"
_TABLE = re.compile(r"^\| software \|.*?\n(?=\n)", re.MULTILINE | re.DOTALL)

# How a failure is counted in the table, by its kind; every other kind is a wrong output.
_EFFECTS = {
    "rejected": "refused",
    "accepted": "invalid call accepted",
    "crash": "process ended",
    "timeout": "process ended",
}
_COLUMNS = ("wrong output", "refused", "invalid call accepted", "process ended")

_HEAD = """# What the suite has found

Each entry is a known discrepancy of the named versions: an output, refusal or crash that the
[rules](../cases/specification.md) or the software's own documentation contradict. The entries come from
`cases/expectations/`, where each also has its condition and signature. A standalone script for any of them:
`conformance repro CASE --adapter NAME`. This page is written by
`python -m conformance.reporting.known_findings --write`.
"""


@dataclass(frozen=True, kw_only=True)
class KnownFinding:
    """One known discrepancy, with every adapter that shows it.

    Attributes
    ----------
    software : str
        Distribution that the first of the adapters calls.
    adapters : tuple of str
        Names of the adapters.
    entry : Expectation
        The entry in the first adapter's file.
    """

    software: str
    adapters: tuple[str, ...]
    entry: Expectation

    @property
    def effects(self) -> tuple[str, ...]:
        """What it does, in the columns of the table."""
        found = {_EFFECTS.get(kind, "wrong output") for kind in self.entry.kinds}
        return tuple(column for column in _COLUMNS if column in found)

    @property
    def smallest(self) -> str:
        """The evidence with the fewest products."""
        return min(self.entry.evidence, key=lambda case_id: (_products(Case.parse(case_id)), case_id))


def _products(case: Case) -> int:
    products = case.batch * case.in_channels * case.out_channels
    for number in (*case.input_size, *case.kernel_size):
        products *= number
    return products


def known_findings() -> list[KnownFinding]:
    """The shipped entries; one that several adapters share is one finding."""
    adapters: dict[tuple[str, str, str], list[str]] = {}
    entries: dict[tuple[str, str, str], Expectation] = {}
    for adapter in ADAPTERS:
        for entry in load(adapter, [BUILT_IN]):
            key = (entry.finding, entry.where, entry.reason)
            adapters.setdefault(key, []).append(adapter)
            entries.setdefault(key, entry)
    return [
        KnownFinding(software=_software(names[0]), adapters=tuple(names), entry=entries[key])
        for key, names in adapters.items()
    ]


def _software(adapter: str) -> str:
    return load_adapter(ADAPTERS[adapter]).packages[0].removeprefix(npm.PREFIX)


def counts(found: Sequence[KnownFinding]) -> Iterator[str]:
    """Yield the lines of the table: how many findings of each effect each software has."""
    yield f"| software | findings | {' | '.join(_COLUMNS)} |"
    yield "| --- |" + " ---: |" * (1 + len(_COLUMNS))
    by_software: dict[str, list[KnownFinding]] = {}
    for finding in found:
        by_software.setdefault(finding.software, []).append(finding)
    for software, findings in by_software.items():
        number = Counter(effect for finding in findings for effect in finding.effects)
        cells = " | ".join(str(number[column] or "") for column in _COLUMNS)
        yield f"| {software} | {len(findings)} | {cells} |"


def page() -> str:
    """The page as Markdown."""
    found = known_findings()
    lines = [_HEAD, *counts(found), "", "A finding counts in each column that one of its outcomes belongs to."]
    for software in dict.fromkeys(finding.software for finding in found):
        lines += ["", f"## {software}"]
        for finding in found:
            if finding.software == software:
                lines += ["", *_section(finding)]
    return "\n".join(lines) + "\n"


def with_table(text: str) -> str:
    """A text with its table of findings replaced by the present one."""
    return _TABLE.sub("".join(f"{line}\n" for line in counts(known_findings())), text)


def _section(finding: KnownFinding) -> Iterator[str]:
    entry = finding.entry
    yield f"### {entry.finding}"
    yield ""
    yield " ".join(entry.reason.split())
    yield ""
    yield f"* Effect: {', '.join(finding.effects)} ({', '.join(entry.kinds)})"
    yield f"* Adapters: {', '.join(f'`{name}`' for name in finding.adapters)}"
    if entry.holds_for:
        yield f"* Versions: {entry.holds_for}"
    if facts := entry.environment.get("facts"):
        yield f"* Where: {', '.join(f'`{name}` is {str(value).lower()}' for name, value in facts.items())}"
    yield f"* Smallest case on record: `{finding.smallest}`"
    if entry.upstream:
        yield f"* Reported: <{entry.upstream}>"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the page, or write it."""
    parser = argparse.ArgumentParser(prog="python -m conformance.reporting.known_findings", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the page and the README's table")
    if parser.parse_args(arguments).write:
        PAGE.write_text(page(), encoding="utf-8")
        README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(page(), end="")


if __name__ == "__main__":
    main()
