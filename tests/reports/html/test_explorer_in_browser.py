"""The explorer in a real browser: its conditions, its address, its files."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from conformance.cases.columns import COLUMN_NAMES
from conformance.reports.html import write_report
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.query import matching
from conformance.reports.record.store import Results
from tests.support.browser import Tab, needs_browser
from tests.support.records import make_run

pytestmark = needs_browser
OUTCOMES, ADAPTERS = 600, 6


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Results]:
    with make_run(tmp_path_factory.mktemp("run") / "results.sqlite", OUTCOMES, ADAPTERS) as results:
        yield results


@pytest.fixture(scope="module")
def outcomes(run: Results) -> list[Outcome]:
    return list(run.outcomes())


@pytest.fixture(scope="module")
def tab(chromium: Any, run: Results) -> Iterator[Tab]:
    opened = Tab(chromium, write_report(run, run.path.parent / "report"), "#/explorer")
    yield opened
    assert opened.complaints == []


def _ids(tab: Tab, where: str) -> set[tuple[str, str]]:
    """Adapter and case of the outcomes that the page finds."""
    row = "(id) => query('SELECT adapter, case_id FROM outcomes WHERE id = ?', [id])[0]"
    found = tab.page.evaluate(f"(where) => matching(where, [null]).map({row})", where)
    return {(row["adapter"], row["case_id"]) for row in found}


def _count(tab: Tab) -> int:
    return int(tab.page.locator("#matches").inner_text().split(" of ")[0].replace(",", ""))


@pytest.mark.parametrize(
    "condition",
    [
        "stride_max > kernel_min and padding = 'same'",
        "status = 'fail' AND NOT adapter LIKE '%-03'",
        "budget BETWEEN 0.1 AND 0.2 OR kind IS NOT NULL",
        "case_id LIKE '%s3%' -- a comment",
    ],
)
def test_conditions_mean_what_they_mean_on_the_command_line(
    tab: Tab, run: Results, outcomes: list[Outcome], condition: str
) -> None:
    cases = run.cases()
    rows = [{**outcome.row(), **cases[outcome.case_id]} for outcome in outcomes]
    names = [*COLUMN_NAMES, "adapter", "status", "kind", "budget"]
    met = matching(rows, condition, names)
    expected = {(o.adapter, o.case_id) for o, hit in zip(outcomes, met, strict=True) if hit}
    # Budgets are rounded to three digits in the page.
    assert 0 < len(expected) < OUTCOMES
    assert len(expected ^ _ids(tab, condition)) <= (2 if "budget" in condition else 0)


def _first(outcome: Outcome) -> bool:
    return outcome.adapter <= "adapter-02"


def _judged(outcome: Outcome) -> bool:
    return outcome.status in ("pass", "fail", "crash", "timeout")


_QUANTIFIED: dict[str, Callable[[list[Outcome]], bool]] = {
    "any(gates)": lambda case: any(o.gates for o in case),
    "none(gates)": lambda case: not any(o.gates for o in case),
    "exactly(1, gates)": lambda case: sum(o.gates for o in case) == 1,
    "every(judged, status = 'pass')": lambda case: (
        any(map(_judged, case)) and all(o.status == "pass" for o in case if _judged(o))
    ),
    "every(judged and adapter <= 'adapter-02', status in ('pass', 'x'))": lambda case: (
        any(_judged(o) and _first(o) for o in case)
        and all(o.status == "pass" for o in case if _judged(o) and _first(o))
    ),
    "differ(adapter <= 'adapter-02')": lambda case: len({o.digest for o in case if o.digest and _first(o)}) > 1,
    "NOT differ(1) AND any(kind = 'va' || 'lues')": lambda case: (
        len({o.digest for o in case if o.digest}) <= 1 and any(o.kind == "values" for o in case)
    ),
}


@pytest.mark.parametrize("condition", _QUANTIFIED)
def test_quantifiers_range_over_the_outcomes_of_a_case(tab: Tab, outcomes: list[Outcome], condition: str) -> None:
    by_case: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_case[outcome.case_id].append(outcome)
    expected = {(o.adapter, o.case_id) for case in by_case.values() if _QUANTIFIED[condition](case) for o in case}
    assert 0 < len(expected) < OUTCOMES
    assert _ids(tab, condition) == expected


@pytest.mark.parametrize(
    "condition",
    [
        "no_such_column = 1",
        'adapter = "x"',
        "1; DROP TABLE asked",
        "1) UNION SELECT 1 --",
        "any(gates",
        "exactly(1)",
    ],
)
def test_an_invalid_condition_is_reported_and_keeps_the_last_rows(tab: Tab, condition: str) -> None:
    tab.go("#/explorer?where=gates")
    rows = tab.page.locator("tr[aria-rowindex]").count()
    tab.page.fill("#where", condition)
    assert tab.page.locator("#matches").inner_text().startswith("invalid condition: ")
    assert tab.page.get_attribute("#where", "aria-invalid") == "true"
    assert tab.page.locator(".scroller.stale").count() == 1, "they do not look like rows of this condition"
    assert tab.page.locator("tr[aria-rowindex]").count() == rows


@pytest.mark.parametrize(
    ("condition", "meant"),
    [
        ("status = fail", "status = 'fail'"),
        ("values", "kind = 'values'"),
        ("kind = value and rank = 2", "kind = 'values' and rank = 2"),
        ("padding in (same, vali)", "padding in ('same', 'valid')"),
        ("stride_mxa > 1", "stride_max > 1"),
        ('dtype = "f32"', "dtype = 'f32'"),
        ("nothing_like_it = 1", None),
    ],
)
def test_an_invalid_condition_is_corrected(tab: Tab, condition: str, meant: str | None) -> None:
    tab.go("#/explorer")
    tab.page.fill("#where", condition)
    link = tab.page.locator("#matches a")
    assert link.all_inner_texts() == ([] if meant is None else [meant])
    if meant is not None:
        link.click()
        tab.page.wait_for_selector("#where:not([aria-invalid])")
        assert tab.page.input_value("#where") == meant


def test_what_is_wrong_comes_first(tab: Tab, outcomes: list[Outcome]) -> None:
    tab.go("#/explorer")
    wrong = sum(o.gates for o in outcomes)
    assert tab.page.evaluate("explorer.ids.map((id) => explorer.statuses[id])")[:wrong] == ["fail"] * wrong


def test_filters_need_no_sql_and_count_what_each_value_gives(tab: Tab, outcomes: list[Outcome]) -> None:
    tab.go("#/explorer")
    names = tab.page.locator(".filters [role=group] h2").all_inner_texts()
    assert names == ["status", "adapter", "dtype", "layout", "padding", "rank"], "kind and machine have one value"
    dtype = tab.page.get_by_role("group", name="filter by dtype")
    dtype.get_by_role("link", name="f32").click()
    tab.page.get_by_role("group", name="filter by status").get_by_role("link", name="fail").click()
    tab.page.wait_for_function("location.hash.includes('status=fail')")
    failed = [o for o in outcomes if o.status == "fail"]
    counts = {name: sum(f"-{name}-" in o.case_id for o in failed) for name in ("f64", "f32", "f16", "bf16")}
    assert _count(tab) == counts["f32"]
    assert dict(map(str.split, dtype.locator("a").all_inner_texts())) == {
        name: str(count) for name, count in counts.items() if count
    }, "the counts of a filter are without its own choice"
    assert dtype.locator("[aria-current]").inner_text().startswith("f32")
    dtype.get_by_role("link", name="f32").click()
    tab.page.wait_for_function("!location.hash.includes('dtype')")
    assert _count(tab) == len(failed)
    assert tab.page.evaluate("document.activeElement.dataset.key") == "dtype=f32", "the focus stays"


def test_words_find_cases_adapters_and_messages(tab: Tab, outcomes: list[Outcome]) -> None:
    tab.go("#/explorer")
    tab.page.fill("#text", "Groups adapter-03 3d-")
    expected = [
        o for o in outcomes if "groups" in o.detail and o.adapter == "adapter-03" and o.case_id[:3] == "3d-"
    ]
    assert 0 < len(expected) == _count(tab)
    assert "text=Groups" in tab.page.url
    tab.page.get_by_role("link", name="show all").click()
    tab.page.wait_for_function("location.hash === '#/explorer'")
    assert _count(tab) == OUTCOMES


def test_typing_filters_and_the_address_follows(tab: Tab, outcomes: list[Outcome]) -> None:
    tab.go("#/explorer")
    assert _count(tab) == OUTCOMES
    tab.page.fill("#where", "status = 'fail'")
    expected = sum(o.status == "fail" for o in outcomes)
    assert _count(tab) == expected
    address = tab.page.url
    tab.page.goto("about:blank")
    tab.page.goto(address)
    tab.page.wait_for_selector("html[data-ready]")
    assert _count(tab) == expected


def test_sorting_and_columns_are_in_the_address(tab: Tab, outcomes: list[Outcome]) -> None:
    tab.go("#/explorer?columns=seconds.adapter.case_id")
    tab.page.get_by_role("button", name="seconds").click()
    tab.page.get_by_role("button", name="seconds ↑").click()
    tab.page.wait_for_selector("th[aria-sort=descending]")
    assert "sort=seconds.desc" in tab.page.url
    slowest = max(round(o.seconds, 3) for o in outcomes)
    assert float(tab.page.locator("[aria-rowindex='2'] td").first.inner_text()) == slowest


def test_only_visible_rows_are_drawn_and_scrolling_reaches_the_last(tab: Tab) -> None:
    tab.go("#/explorer")
    assert tab.page.locator("tr[aria-rowindex]").count() < 100
    tab.page.locator(".scroller").evaluate("(box) => box.scrollTo(0, box.scrollHeight)")
    tab.page.wait_for_selector(f"[aria-rowindex='{OUTCOMES + 1}']")


def test_arrow_keys_walk_the_rows(tab: Tab) -> None:
    tab.go("#/explorer?where=gates")
    tab.page.wait_for_selector("[aria-rowindex='4']")
    tab.page.locator(".scroller").focus()
    for _ in range(3):
        tab.page.keyboard.press("ArrowDown")
    focused = "document.activeElement.closest('[aria-rowindex]').getAttribute('aria-rowindex')"
    assert tab.page.evaluate(focused) == "4"
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_url("**/index.html#/outcome/**")


def test_completion_continues_the_typed_text(tab: Tab) -> None:
    tab.go("#/explorer")
    tab.page.fill("#where", "gates AND stride_m")
    offered = tab.page.locator("#completions option").evaluate_all("(all) => all.map((one) => one.value)")
    assert offered == ["gates AND stride_min", "gates AND stride_max"]
    tab.page.fill("#where", "padding = 's")
    offered = tab.page.locator("#completions option").evaluate_all("(all) => all.map((one) => one.value)")
    assert offered == ["padding = 'same'"]


def test_saves_what_is_shown(tab: Tab, outcomes: list[Outcome], tmp_path: Path) -> None:
    tab.go("#/explorer?where=" + quote("status = 'fail'"))
    saved = {}
    for kind in ("CSV", "JSON", "ids"):
        with tab.page.expect_download() as download:
            tab.page.get_by_role("button", name=f"save {kind}").click()
        saved[kind] = download.value.path().read_text(encoding="utf-8")
    expected = {(o.adapter, o.case_id) for o in outcomes if o.status == "fail"}
    assert {(row["adapter"], row["case_id"]) for row in json.loads(saved["JSON"])} == expected
    assert {(row["adapter"], row["case_id"]) for row in csv.DictReader(saved["CSV"].splitlines())} == expected
    assert set(saved["ids"].split()) == {case_id for _, case_id in expected}


def test_every_preset_is_understood(tab: Tab) -> None:
    for name, where in tab.page.evaluate("PRESETS"):
        tab.page.evaluate("(where) => matching(where, [null]).length", where)
        assert name
