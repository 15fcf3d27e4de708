"""The report in a real browser, opened from disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from conformance.cases import Case
from conformance.cases.corpus.reports import load_reports
from conformance.reports.gate.assess import assess
from conformance.reports.html import write_report
from conformance.reports.record.findings import Condition
from conformance.reports.record.history import History
from conformance.reports.record.outcome import Outcome
from conformance.reports.summary.survey import survey
from conformance.reports.summary.user_reports import UserReportStatus
from tests.support.browser import Tab, needs_browser
from tests.support.records import FIRST, HOSTILE, hostile_run

pytestmark = needs_browser
WRONG = f"#/outcome/wrong/{Case.parse(FIRST)}"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    with hostile_run(folder / "results.sqlite") as results:
        return write_report(results, folder / "report")


@pytest.fixture
def tab(chromium: Any, path: Path) -> Iterator[Tab]:
    opened = Tab(chromium, path)
    yield opened
    broken = opened.page.evaluate("window.broken")
    opened.page.close()
    assert broken is None
    assert opened.complaints == []


def test_overview_names_what_is_wrong_and_matrix_cells_lead_to_their_outcomes(tab: Tab) -> None:
    assert tab.page.locator("h1:visible").inner_text().startswith("3 discrepancies")
    tab.page.get_by_label("rows").select_option("rank")
    cell = tab.page.get_by_role("link", name="adapter wrong, rank 2: 2 / 2 differ")
    assert cell.inner_text() == "2 / 2"
    cell.click()
    assert "where=" in tab.page.url
    tab.page.get_by_role("link", name=str(Case.parse(FIRST))).wait_for()


def test_unsupported_is_never_counted_as_right(tab: Tab) -> None:
    tab.page.get_by_label("rows").select_option("rank")
    cell = tab.page.get_by_role("link", name="adapter wrong, rank 3: nothing judged")
    assert cell.inner_text() == "–"


def test_outcome_shows_texts_as_texts_and_both_outputs(tab: Tab) -> None:
    tab.go(WRONG)
    shown = tab.view()
    assert HOSTILE in shown
    assert "shifted by 1 along H" in shown
    assert "y = wrong(x)" in shown
    assert tab.page.locator(".maps figcaption").all_inner_texts() == [
        "expected",
        "got",
        "difference got − expected",
    ]


def test_keyboard_and_sliders_read_the_maps(tab: Tab) -> None:
    tab.go(WRONG)
    readout = tab.page.locator(".readout")
    channel = tab.page.get_by_label("channel", exact=True)
    assert channel.input_value() == "0", "opens where the difference is largest: NaN, in channel 0"
    channel.focus()
    channel.press("ArrowRight")
    tab.page.locator(".maps canvas[role=img]").nth(1).focus()
    for key in ["ArrowDown"] * 3 + ["ArrowRight"] * 9:
        tab.page.keyboard.press(key)
    assert readout.inner_text() == "[0, 1, 3, 5] expected 47 got 48 difference 1"


def test_pixels_differ_exactly_where_the_outputs_do(tab: Tab) -> None:
    tab.go(WRONG)
    colours = tab.page.evaluate("""() => [...document.querySelectorAll(".maps canvas[role=img]")].map((canvas) => {
        const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        const at = (x, y) => [...pixels.data.slice((y * canvas.width + x) * 4, (y * canvas.width + x) * 4 + 3)];
        return [at(29, 19), at(29 + 44, 19)];
    })""")
    (expected_first, expected_next), (got_first, got_next), (difference_first, difference_next) = colours
    assert expected_first != got_first
    assert expected_next == got_next
    assert difference_first == got_first, "NaN has one colour everywhere"
    assert difference_next != difference_first


def test_finding_lists_its_cases(tab: Tab) -> None:
    tab.page.get_by_role("link", name="fail: values").first.click()
    tab.page.wait_for_url("**/index.html#/finding/*")
    tab.page.wait_for_selector(".members")
    assert tab.page.locator(".members a").count() == 2


def test_finding_has_its_condition_script_and_issue_body(chromium: Any, tmp_path: Path) -> None:
    with hostile_run(tmp_path / "results.sqlite") as results:
        finding = next(item for item in survey(results).groups if item.kind == "values")
        condition = Condition(text="stride > 1", sql="stride_min > 1 and rank = 2", failing=2, passing=1, others=4)
        results.set_meta("conditions", {finding.id: asdict(condition)})
        results.set_meta("scripts", {finding.id: f"print({HOSTILE!r})\n"})
        results.set_meta("issues", {finding.id: f"# framework\n\n{HOSTILE}\n"})
        tab = Tab(chromium, write_report(results, tmp_path / "report"), f"#/finding/{finding.id}")
    assert (
        "Seen in 2 cases, all with stride > 1. In this run, 2 cases meet it and show this cause; 4 more meet it"
        in tab.view()
    )
    assert f"print({HOSTILE!r})" in tab.view()
    tab.page.get_by_text("Text for an issue report").click()
    assert tab.page.locator("details.more pre").inner_text() == f"# framework\n\n{HOSTILE}\n"
    tab.page.get_by_role("link", name="stride > 1").click()
    tab.page.wait_for_selector("tr[aria-rowindex]")
    assert tab.page.locator("tr[aria-rowindex]").count() == 2
    assert tab.complaints == []
    assert tab.page.evaluate("window.broken") is None
    tab.page.close()


def test_geometry_counts_wrong_elements_by_phase_and_marks_where_they_land(tab: Tab) -> None:
    tab.go(WRONG)
    # Of 2 channels of 4x6, the first element and the last are wrong: phases (0, 0) and (1, 1) of stride 2.
    phases = tab.page.locator(".phases li").all_inner_texts()
    assert phases == ["(0,0) 1 of 12", "(0,1) 0 of 12", "(1,0) 0 of 12", "(1,1) 1 of 12"]
    pictures = tab.page.locator(".taps svg")
    assert pictures.count() == 2
    assert pictures.nth(0).locator(".tap").count() == 2 * 2
    assert pictures.nth(1).locator(".tap").count() == 3 * 2
    assert pictures.nth(1).locator("rect.out.wrong").count() == 2


def test_cited_rules_open_their_text(tab: Tab) -> None:
    tab.go(WRONG)
    tab.page.get_by_role("link", name="R5", exact=True).click()
    tab.page.wait_for_selector("#rule-R5:focus")
    assert "lo = 0" in tab.page.locator("#rule-R5").inner_text()


def test_agreement_counts_equal_bits_and_equal_verdicts(tab: Tab) -> None:
    tab.go("#/agreement")
    differ = tab.page.get_by_role("link", name="right and wrong: 0 %, 0 of 2 bit for bit")
    assert differ.inner_text() == "0"
    tab.page.get_by_label("measure").select_option("both right")
    tab.page.get_by_role("link", name="right and wrong: 0 %, 0 of 3 both right").wait_for()


def test_names_that_need_quoting_work(tab: Tab) -> None:
    name = "file.py:Odd name"
    tab.go(f"#/outcome/{quote(name, safe='')}/{Case.parse(FIRST)}")
    assert "inexpressible" in tab.view()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fits_a_narrow_window_in_both_colour_schemes(chromium: Any, path: Path, scheme: str) -> None:
    tab = Tab(chromium, path, color_scheme=scheme, viewport={"width": 380, "height": 800})
    for address in ("#/overview", WRONG, "#/explorer?where=gates", "#/agreement", "#/rules"):
        tab.go(address)
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= 380, address
        paper = tab.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
    assert tab.complaints == []
    tab.page.close()


def test_details_beside_the_page_load_on_a_click(
    chromium: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conformance.reports.html.details._ROOM_IN_PAGE", 0)
    with hostile_run(tmp_path / "results.sqlite") as results:
        path = write_report(results, tmp_path / "report")
    tab = Tab(chromium, path, WRONG)
    tab.page.wait_for_selector(".maps canvas")
    assert "y = wrong(x)" in tab.view()
    assert tab.complaints == []
    for file in (path.parent / "details").iterdir():
        file.unlink()
    tab.page.goto("about:blank")
    tab.go(WRONG)
    tab.page.get_by_text("is not in the folder of this page").wait_for()
    tab.page.close()


def test_new_discrepancies_come_first_and_every_outcome_shows_its_standing(chromium: Any, tmp_path: Path) -> None:
    with hostile_run(tmp_path / "old.sqlite") as old, hostile_run(tmp_path / "new.sqlite") as new:
        first, second = str(Case.parse(FIRST)), str(Case.parse("2d-c1x2-i2x3-k3-s3-same-cl"))
        old.record(Outcome(first, "wrong", "pass", profile="exact", budget=0.0, digest="a" * 16))
        new.record(Outcome(second, "wrong", "pass", profile="exact", budget=0.0, digest="a" * 16))
        gate = assess(new, {}, old, ("exact", "fp64", "fp32-acc"))
        path = write_report(new, tmp_path / "report", gate, old)
    tab = Tab(chromium, path)
    assert tab.page.locator("h1:visible").inner_text().startswith("Gate red: 1 missing, 1 new")
    assert tab.page.locator(".standings a").all_inner_texts() == [
        "? 1 missing",
        "✗ 1 new",
        "✓ 1 fixed",
        "= 1 known",
    ]
    assert "1 new" in tab.page.get_by_role("row", name="fail: values").inner_text()
    tab.go(WRONG)
    assert "before: pass" in tab.view()
    tab.go("#/explorer?where=" + quote("standing = 'fixed'"))
    row = tab.page.locator("tr[aria-rowindex]")
    assert row.count() == 1
    assert second in row.inner_text()
    assert tab.complaints == []
    tab.page.close()


def test_a_finding_shows_its_history(chromium: Any, tmp_path: Path) -> None:
    first = str(Case.parse(FIRST))
    with hostile_run(tmp_path / "old.sqlite") as old, hostile_run(tmp_path / "new.sqlite") as new:
        old.record(Outcome(first, "wrong", "pass", profile="exact", budget=0.0, digest="a" * 16))
        old.set_meta("environments", {"wrong": {"versions": {"framework": "1.0"}}})
        new.set_meta("environments", {"wrong": {"versions": {"framework": "2.0"}}})
        with History(tmp_path / "history.sqlite") as history:
            history.add(old)
            history.add(new)
            tab = Tab(chromium, write_report(new, tmp_path / "report", history=history))
    row = tab.page.get_by_role("row", name="fail: values")
    assert "since framework 2.0" in row.inner_text()
    row.get_by_role("link", name="fail: values").click()
    life = tab.page.get_by_role("region", name="By version")
    life.wait_for()
    assert [line.split() for line in life.locator("tbody tr").all_inner_texts()] == [
        ["framework", "1.0", "1", "pass"],
        ["framework", "2.0", "1", "fail:", "values", "shift"],
    ]
    assert tab.complaints == []
    tab.page.close()


def test_copy_puts_the_whole_text_on_the_clipboard(chromium: Any, path: Path) -> None:
    context = chromium.new_context(permissions=["clipboard-read", "clipboard-write"])
    tab = Tab(context, path, WRONG)
    tab.page.get_by_role("button", name="copy", exact=True).first.click()
    tab.page.get_by_role("button", name="copied").wait_for()
    assert tab.page.evaluate("navigator.clipboard.readText()") == str(Case.parse(FIRST))
    assert tab.complaints == []
    context.close()


def test_prints_without_what_only_a_screen_can_use(tab: Tab) -> None:
    tab.go(WRONG)
    tab.page.emulate_media(media="print", color_scheme="dark")
    assert tab.page.locator(".copy:visible").count() == 0
    assert tab.page.locator("nav:visible").count() == 0
    assert tab.page.locator(".maps canvas:visible").count() > 0
    assert tab.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_theme_button_switches_and_every_colour_is_readable(tab: Tab) -> None:
    contrast = """() => {
        const parse = (colour) => { const c = document.createElement("canvas").getContext("2d");
            c.fillStyle = colour; c.fillRect(0, 0, 1, 1); return [...c.getImageData(0, 0, 1, 1).data]; };
        const light = (colour) => { const [r, g, b] = parse(colour).slice(0, 3).map((v) => v / 255)
            .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
        const paper = light(getComputedStyle(document.body).backgroundColor);
        return [...document.querySelectorAll("section:not([hidden]) .badge, section:not([hidden]) a, .note")].map((element) => {
            const ink = light(getComputedStyle(element).color);
            return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
        });
    }"""  # noqa: E501
    for _ in range(2):
        ratios = tab.page.evaluate(contrast)
        # WCAG 2.2, success criterion 1.4.3.
        assert len(ratios) > 10
        assert min(ratios) >= 4.5
        tab.page.get_by_role("button", name="Switch between light and dark").click()


def test_user_reports_show_their_status_and_lead_to_their_outcomes(chromium: Any, tmp_path: Path) -> None:
    first, second = list(load_reports().values())[:2]
    with hostile_run(tmp_path / "results.sqlite") as results:
        results.plan([(first.adapter, first.case)])
        outcome = Outcome(str(first.case), first.adapter, "crash", detail="SIGABRT")
        results.record(outcome)
        corpus = [
            UserReportStatus(first, "reproduces", {first.adapter: outcome}),
            UserReportStatus(second, "not asked", {}),
        ]
        tab = Tab(chromium, write_report(results, tmp_path / "report", corpus=corpus), "#/corpus")
    assert "1 reproduces the output is wrong today" in tab.view()
    row = tab.page.get_by_role("region", name="Reports: reproduces").get_by_role("row", name=first.claim)
    assert row.get_by_role("link", name=first.id).get_attribute("href") == first.link
    not_run = tab.page.get_by_role("region", name="Reports: not asked")  # codespell:ignore asked
    assert second.claim in not_run.inner_text()
    row.get_by_role("link", name="crash").click()
    tab.page.get_by_role("heading", name=f"{first.adapter}: crash").wait_for()
    assert "SIGABRT" in tab.view()
    assert tab.complaints == []
    tab.page.close()


def test_errors_of_right_outputs_are_shown_by_adapter_and_dtype(chromium: Any, tmp_path: Path) -> None:
    case_id = str(Case.parse("1d-i3-k2-f16-normal.0"))
    with hostile_run(tmp_path / "results.sqlite") as results:
        results.record(Outcome(case_id, "right", "pass", profile="fp32-acc", budget=0.25, max_ulp_error=1.75))
        tab = Tab(chromium, write_report(results, tmp_path / "report"), "#/agreement")
    shares = tab.page.get_by_role("region", name="Share of the error bound that is used")
    assert shares.get_by_role("link").all_inner_texts() == ["25 %"]
    steps = tab.page.get_by_role("region", name="Error in units in the last place")
    assert steps.get_by_role("link").all_inner_texts() == ["1.8"]
    assert "[object" not in tab.view()
    steps.get_by_role("link", name="right, f16: 1 output, at most 1.8 ULP").click()
    tab.page.wait_for_selector("tr[aria-rowindex]")
    assert "1.75" in tab.page.locator("tr[aria-rowindex]").inner_text()
    assert tab.complaints == []
    tab.page.close()


def test_without_errors_the_agreement_ends_with_its_table(tab: Tab) -> None:
    tab.go("#/agreement")
    assert "null" not in tab.view()
    assert "[object" not in tab.view()
