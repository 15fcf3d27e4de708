"""docs/findings.md and the README's table say what the shipped expectations say."""

from __future__ import annotations

from conformance.cases.case import Case
from conformance.reporting.known_findings import PAGE, README, counts, known_findings, page, with_table
from conformance.reports.gate.expectations import BUILT_IN, load

REFRESH = "stale: python -m conformance.reporting.known_findings --write"


def test_every_shipped_entry_is_on_the_page_once() -> None:
    found = known_findings()
    shown = {(adapter, finding.entry.finding) for finding in found for adapter in finding.adapters}
    shipped = {(path.stem, entry.finding) for path in BUILT_IN.glob("*.toml") for entry in load(path.stem)}
    assert shown == shipped
    assert sum(len(finding.adapters) for finding in found) == len(shipped)


def test_the_page_and_the_table_are_up_to_date() -> None:
    readme = README.read_text(encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), REFRESH
    assert readme == with_table(readme), REFRESH
    assert "\n".join(counts(known_findings())) in readme, REFRESH


def test_an_older_table_is_replaced_and_the_rest_is_kept() -> None:
    text = "before\n\n| software | findings |\n| --- | ---: |\n| torch | 99 |\n\nafter\n"
    lines = with_table(text).split("\n")
    assert (lines[0], lines[-2]) == ("before", "after")
    assert lines[2:-3] == list(counts(known_findings()))


def test_every_finding_has_an_effect_and_a_case() -> None:
    for finding in known_findings():
        assert finding.effects, finding
        assert Case.parse(finding.smallest)
