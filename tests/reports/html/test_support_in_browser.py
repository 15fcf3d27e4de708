"""Support, timeline, titles and links of the report in a real browser: one page with a history of two runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.cases import Case
from conformance.reports.html import write_report
from conformance.reports.record.evidence import Evidence
from conformance.reports.record.history import History
from conformance.reports.record.outcome import Outcome
from tests.support.browser import Tab, needs_axe, needs_browser, violations
from tests.support.records import FIRST, SECOND, hostile_run

pytestmark = needs_browser
# Two outputs that are too short along D: zeros up to the last plane, which the second one lacks.
DEEP = str(Case.parse("3d-c1x1-i2x2x3-k2-s2"))
VIEWS = ("#/overview", "#/support", "#/explorer", "#/agreement", "#/timeline", "#/rules", "#/nothing",
         f"#/outcome/wrong/{DEEP}")  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("support")
    expected: list[float | str] = [*([0.0] * 72), *map(float, range(24))]
    tensor = Evidence(got=expected[:72], expected=expected, shape=[1, 1, 3, 4, 6], expected_shape=[1, 1, 4, 4, 6])
    first, second = str(Case.parse(FIRST)), str(Case.parse(SECOND))
    with hostile_run(folder / "old.sqlite") as old, hostile_run(folder / "new.sqlite") as new:
        old.record(Outcome(first, "wrong", "pass", profile="exact", budget=0.0, digest="a" * 16))
        old.record(Outcome(second, "right", "fail", "values", digest="b" * 16))
        new.plan([("wrong", Case.parse(DEEP))])
        new.record(Outcome(DEEP, "wrong", "fail", "shape", detail="too short", evidence={"y": tensor}))
        for record, started in ((new, 2.0), (old, 1.0)):
            record.set_meta("started", started)
        with History(folder / "history.sqlite") as history:
            history.add(new)
            history.add(old)
            return write_report(new, folder / "report", history=history)


@pytest.fixture(scope="module")
def tab(chromium: Any, path: Path) -> Iterator[Tab]:
    opened = Tab(chromium.new_context(permissions=["clipboard-read", "clipboard-write"]), path)
    yield opened
    assert opened.complaints == []


def test_support_is_a_state_of_each_adapter_and_feature(tab: Tab) -> None:
    tab.go("#/support")
    assert tab.page.locator("nav a").nth(1).inner_text() == "Support"
    row = tab.page.get_by_role("row", name="2-D")
    assert row.locator("td").all_inner_texts() == ["·", "✓", "✗ 2"]
    assert tab.page.get_by_role("row", name="3-D").locator("td").all_inner_texts() == ["○", "✓", "✗ 1"]
    assert tab.page.get_by_role("row", name="gradients").locator("td").all_inner_texts() == ["○", "✓", "–"]
    assert tab.page.get_by_role("row", name="circular").count() == 0, "no case has it"
    wrong = row.get_by_role("link", name="wrong, 2-D: ✗ 2 wrong")
    title = str(wrong.get_attribute("title"))
    assert "2 of 2 wrong: " in title
    assert "shifted by 1 along H" in title, "what is wrong"
    assert "wrong:" not in str(row.get_by_role("link", name="right, 2-D").get_attribute("title"))
    wrong.click()
    tab.page.wait_for_selector("#explorer:not([hidden]) tr[aria-rowindex]")
    assert tab.page.locator("tr[aria-rowindex]").count() == 2


def test_the_overview_has_a_small_map_of_each_wrong_output(tab: Tab) -> None:
    tab.go("#/overview")
    row = tab.page.get_by_role("row", name="fail: values")
    image = row.get_by_role("img", name="where y is wrong: got − expected, 4 by 6 values")
    colours = """(canvas) => {
        const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        const at = (x, y) => [...pixels.data.slice((y * canvas.width + x) * 4, (y * canvas.width + x) * 4 + 4)];
        return [at(1, 1), at(20, 1)];
    }"""
    nan, same = image.evaluate(colours)
    assert nan == [0, 150, 143, 255]
    assert same != nan
    shape = tab.page.get_by_role("row", name="fail: shape")
    assert shape.locator("canvas").count() == 0, "tensors of different shapes have no difference"


def test_timeline_has_the_runs_in_order_and_what_was_fixed(tab: Tab) -> None:
    tab.go("#/timeline")
    assert tab.page.locator("#timeline thead th").all_inner_texts() == ["1", "2"]
    row = tab.page.get_by_role("row", name="wrong: shifted by 1 along H")
    assert row.locator("td").all_inner_texts() == ["✓", "✗"]
    assert "1970-01-01 00:00 UTC" in str(row.locator("td span").first.get_attribute("aria-label"))
    fixed = tab.page.get_by_role("row", name="right, fixed:")
    assert fixed.locator("td").all_inner_texts() == ["✗", "✓"]


def test_every_view_has_its_own_title(tab: Tab) -> None:
    titles = []
    for address in (*VIEWS, "#/rules/R4", "#/explorer?text=shifted&status=fail", f"#/outcome/right/{DEEP}"):
        tab.go(address)
        titles.append(tab.page.title())
    assert len(set(titles)) == len(titles)
    report = titles[0]
    assert all(title.endswith(report) for title in titles)
    assert titles[-2].startswith("Explorer: shifted, fail")


def test_an_unknown_view_is_said(tab: Tab) -> None:
    tab.go("#/nothing")
    assert 'no view "nothing"' in tab.view()


def test_a_link_to_a_part_is_copied_and_leads_there(tab: Tab) -> None:
    tab.go("#/rules")
    tab.page.get_by_role("button", name="copy link to R4 ").click()
    tab.page.get_by_role("button", name="copy link to R4 ").get_by_text("copied").wait_for()
    address = tab.page.evaluate("navigator.clipboard.readText()")
    assert address == f"{tab.url}#/rules/R4"
    tab.go("#/explorer?status=fail&text=shifted")
    tab.page.get_by_role("button", name="copy link").click()
    tab.page.get_by_role("button", name="copy link").get_by_text("copied").wait_for()
    assert tab.page.evaluate("navigator.clipboard.readText()").endswith("#/explorer?status=fail&text=shifted")


def test_the_planes_open_where_an_output_ends_too_early_and_are_saved(tab: Tab) -> None:
    tab.go(f"#/outcome/wrong/{DEEP}")
    assert tab.page.get_by_label("D", exact=True).input_value() == "3"
    assert "ends at D = 2" in tab.page.locator(".maps").inner_text()
    with tab.page.expect_download() as download:
        tab.page.get_by_role("button", name="save image").click()
    assert download.value.suggested_filename == f"{DEEP}-wrong-y.png"
    assert download.value.path().read_bytes().startswith(b"\x89PNG")


def test_underscores_are_above_the_line_of_a_link(tab: Tab) -> None:
    tab.go("#/explorer")
    offset = "(link) => parseFloat(getComputedStyle(link).textUnderlineOffset)"
    assert tab.page.locator("a.case").first.evaluate(offset) >= 4, "pixels; 2 are on the underscore"


def test_a_narrow_window_shows_the_case_of_every_row(chromium: Any, path: Path) -> None:
    tab = Tab(chromium, path, "#/explorer", viewport={"width": 400, "height": 800})
    first = tab.page.locator("tr[aria-rowindex] a.case").first
    box = first.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 400
    assert first.evaluate("(link) => link.scrollWidth <= link.parentElement.clientWidth")
    heights = tab.page.locator("tr[aria-rowindex]").evaluate_all("(rows) => rows.map((row) => row.offsetHeight)")
    assert set(heights) == {tab.page.evaluate("explorer.rowHeight()")}
    assert tab.complaints == []
    tab.page.close()


@needs_axe
def test_axe_finds_nothing_in_any_view(chromium: Any, path: Path) -> None:
    tab = Tab(chromium, path, reduced_motion="reduce")
    for number, address in enumerate(VIEWS):
        # Every second view in a narrow window and the dark scheme: each takes seconds.
        tab.page.emulate_media(color_scheme=("light", "dark")[number % 2])
        tab.page.set_viewport_size({"width": (1280, 400)[number % 2], "height": 800})
        tab.go(address)
        assert violations(tab) == [], address
    tab.page.evaluate("document.getElementById('theme').removeAttribute('aria-label')")
    tab.page.evaluate("document.getElementById('theme').textContent = ''")
    assert violations(tab) == ["button-name"], "a planted fault is found"
    tab.page.close()
