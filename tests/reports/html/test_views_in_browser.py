"""Navigation between the views in a real browser: links, pickers, keys, and a run with expected discrepancies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.cases import Case
from conformance.reports.gate.assess import assess
from conformance.reports.gate.expectations import read
from conformance.reports.html import write_report
from conformance.reports.record.evidence import Evidence
from conformance.reports.record.outcome import Outcome
from conformance.reports.summary.equivalent_calls import Wording
from tests.support.browser import Tab, needs_browser
from tests.support.records import FIRST, SECOND, hostile_run

pytestmark = needs_browser
DEEP = str(Case.parse("3d-c1x1-i2x2x3-k2-s2-normal.0"))
ENTRY = """[[expectation]]
finding = "shifted-by-one"
where = "rank = 2 and stride_max = 3"
kind = "values"
reason = "the output is shifted"
upstream = "https://example.org/issues/1"
"""
CALL = "framework.ConvTranspose(2, 3)"
LIGHT = """(element) => {
    const canvas = document.createElement("canvas").getContext("2d");
    const light = (colour) => { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((v) => v / 255)
            .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
    const [ink, paper] = [getComputedStyle(element).color, getComputedStyle(element).backgroundColor].map(light);
    return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
}"""  # noqa: E501


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a discrepancy that is expected, others that are new, and one in three dimensions that rounds."""
    folder = tmp_path_factory.mktemp("views")
    (folder / "wrong.toml").write_text(ENTRY, encoding="utf-8")
    expected: list[float | str] = [float(index) for index in range(4 * 4 * 6)]
    got: list[float | str] = [*expected[:-1], float(expected[-1]) + 1]
    used: list[float | str] = [*[0.5] * (len(expected) - 1), 40.0]
    shape = [1, 1, 4, 4, 6]
    tensor = Evidence(got=got, expected=expected, shape=shape, expected_shape=shape, budget=used)
    with hostile_run(folder / "results.sqlite") as results:
        results.plan([("wrong", Case.parse(DEEP))])
        results.record(Outcome(DEEP, "wrong", "fail", "precision", detail="beyond", evidence={"y": tensor}))
        gate = assess(results, {"wrong": read(folder / "wrong.toml")})
        porting = {
            "twice the size": [
                Wording(
                    call=CALL,
                    case=DEEP,
                    rule="R4",
                    output_size=(4,),
                    crop=((1, 0),),
                    layout="channels first",
                    weights="(Cin, Cout)",
                )
            ]
        }
        return write_report(results, folder / "report", gate, porting=porting)


@pytest.fixture
def tab(chromium: Any, path: Path) -> Iterator[Tab]:
    opened = Tab(chromium, path)
    yield opened
    opened.page.close()
    assert opened.complaints == []


def _found(tab: Tab) -> list[str]:
    """Cases in the explorer, once it is shown."""
    tab.page.wait_for_selector("#explorer:not([hidden]) tr[aria-rowindex]")
    return list(tab.page.locator("tr[aria-rowindex] .case").all_inner_texts())


def test_new_comes_before_known_and_counts_lead_to_their_cases(tab: Tab) -> None:
    assert (
        tab.page.locator("h1:visible").inner_text().startswith("Gate red: 1 missing, 3 new in wrong and file.py")
    )
    assert tab.page.locator("#overview h2").all_inner_texts()[:3] == [
        "What is new",
        "Other changes",
        "Outcomes by adapter",
    ]
    row = tab.page.get_by_role("row", name="fail: values")
    assert row.get_by_role("link", name="1 known").count() == 1
    assert row.locator(".case").inner_text() == str(Case.parse(FIRST)), "the smallest that is new"
    row.get_by_role("link", name="1 known").click()
    assert _found(tab) == [str(Case.parse(SECOND))]
    tab.go("#/overview")
    tab.page.get_by_role("row", name="fail: values").get_by_role("link", name="2", exact=True).click()
    assert len(_found(tab)) == 2


def test_reasons_of_what_is_expected_unfold_with_their_links(tab: Tab) -> None:
    reason = tab.page.get_by_role("region", name="Expectations that apply")
    assert not reason.is_visible()
    tab.page.get_by_text("Why they are expected").click()
    assert "shifted by one. the output is shifted" in " ".join(reason.inner_text().split())
    assert reason.get_by_role("link", name="https://example.org").get_attribute("rel") == "noreferrer noopener"
    reason.get_by_role("link", name="1", exact=True).click()
    assert _found(tab) == [str(Case.parse(SECOND))]


def test_finding_shows_its_expectation_and_the_adapters_that_share_it(tab: Tab) -> None:
    tab.page.get_by_role("link", name="fail: values").click()
    tab.page.wait_for_selector(".members")
    shown = tab.view()
    assert "Expected shifted-by-one: the output is shifted https://example.org/issues/1" in shown
    assert "No other adapter fails these cases." in shown
    tab.page.get_by_role("link", name="1 new").click()
    assert _found(tab) == [str(Case.parse(FIRST))]
    tab.page.go_back()
    tab.page.wait_for_selector(".members")


def test_every_adapter_on_a_case_comes_before_the_code(tab: Tab) -> None:
    tab.page.get_by_role("link", name="fail: values").click()
    tab.page.wait_for_selector(".members")
    headings = tab.page.locator("#detail h3").all_inner_texts()
    assert headings.index("Every adapter on this case") < headings.index("The call")


def test_slices_of_three_dimensions_and_the_share_of_the_bound_by_element(tab: Tab) -> None:
    tab.go(f"#/outcome/wrong/{DEEP}")
    titles = tab.page.locator(".maps figcaption").all_inner_texts()
    assert titles[2:] == ["difference got − expected", "bound used 1 is the most that rounding can cause"]
    depth = tab.page.get_by_label("D", exact=True)
    assert depth.input_value() == "3", "opens where the difference is largest"
    canvas = tab.page.locator(".maps canvas[role=img]").nth(3)
    canvas.focus()
    for key in ["ArrowDown"] * 3 + ["ArrowRight"] * 5:
        tab.page.keyboard.press(key)
    assert "expected 95 got 96 difference 1 bound used 40" in tab.page.locator(".readout").inner_text()
    depth.focus()
    depth.press("ArrowLeft")
    tab.page.locator(".maps canvas[role=img]").nth(1).hover(position={"x": 30, "y": 20})
    assert tab.page.locator(".readout").inner_text().startswith("[0, 0, 2, 0, 0] expected 48 got 48")


def test_matrix_swaps_its_axes_and_totals_lead_to_their_outcomes(tab: Tab) -> None:
    tab.page.get_by_label("rows").select_option("rank")
    tab.page.get_by_label("columns").select_option("adapter")
    tab.page.get_by_role("button", name="swap").click()
    assert tab.page.get_by_label("rows").input_value() == "adapter"
    assert tab.page.locator(".grid thead th").all_inner_texts() == ["1", "2", "3"]
    tab.page.get_by_role("region", name="Outcomes by adapter").get_by_role("row", name="wrong").get_by_role(
        "link", name="3", exact=True
    ).click()
    assert len(_found(tab)) == 3


def test_environment_coverage_and_kill_matrix_unfold(tab: Tab) -> None:
    for heading, within in (("Kill matrix", "Planted fault"), ("wrong", "avx2")):
        summary = tab.page.locator("#overview summary", has_text=heading).last
        summary.focus()
        tab.page.keyboard.press("Enter")
        assert within in summary.locator("xpath=..").inner_text()


def test_columns_and_ready_made_conditions_are_picked_in_the_explorer(tab: Tab) -> None:
    tab.go("#/explorer")
    tab.page.get_by_label("Ready-made conditions").select_option(label="every discrepancy")
    tab.page.wait_for_url("**where=gates*")
    assert tab.page.locator("#where").input_value() == "gates"
    tab.page.get_by_text("columns", exact=True).click()
    tab.page.get_by_label("dtype", exact=True).check()
    tab.page.get_by_role("button", name="dtype").wait_for()
    assert "columns=status.adapter.case_id.detail.dtype" in tab.page.url.replace("%2E", ".")
    tab.page.get_by_text("how to write a condition").click()
    assert "differ(condition)" in tab.view()
    tab.page.go_back()
    tab.page.get_by_role("button", name="dtype").wait_for(state="detached")


def test_agreement_leads_to_what_differs(tab: Tab) -> None:
    tab.go("#/agreement")
    tab.page.get_by_role("link", name="right and wrong: 0 %, 0 of 2 bit for bit").first.click()
    assert set(_found(tab)) == {str(Case.parse(FIRST)), str(Case.parse(SECOND))}


def test_rules_lead_to_the_porting_table_and_the_glossary(tab: Tab) -> None:
    tab.page.get_by_role("link", name="Glossary").click()
    tab.page.wait_for_selector("#rule-glossary:focus")
    assert tab.page.locator("nav [aria-current]").inner_text() == "Glossary"
    tab.page.get_by_role("link", name="Rules").click()
    tab.page.get_by_role("link", name="Equivalent calls").click()
    tab.page.wait_for_selector("#rule-porting:focus")
    assert CALL in tab.page.get_by_role("region", name="Calls: twice the size").inner_text()


def test_everything_is_reached_by_keyboard_and_focus_is_seen(tab: Tab) -> None:
    tab.page.keyboard.press("Tab")
    assert tab.page.evaluate("document.activeElement.textContent") == "Skip to the content"
    tab.page.keyboard.press("Enter")
    assert tab.page.evaluate("document.activeElement.id") == "content"
    focusable = "section:not([hidden]) :is(a, button, select, summary, [tabindex='0'])"
    count = tab.page.locator(focusable).filter(visible=True).count()
    seen = set()
    for _ in range(count):
        tab.page.keyboard.press("Tab")
        place, outline = tab.page.evaluate(
            f"[[...document.querySelectorAll(`{focusable}`)].indexOf(document.activeElement),"
            " getComputedStyle(document.activeElement).outlineStyle]"
        )
        assert outline == "solid"
        seen.add(place)
    assert len(seen) == count
    assert -1 not in seen


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_coloured_cells_are_readable_and_read_aloud_as_they_are_seen(
    chromium: Any, path: Path, scheme: str
) -> None:
    tab = Tab(chromium, path, color_scheme=scheme)
    for address, cells in (
        ("#/overview", ".grid a"),
        ("#/agreement", ".grid a"),
        (f"#/outcome/wrong/{DEEP}", ".phases li"),
    ):
        tab.go(address)
        found = tab.page.locator(f"section:not([hidden]) {cells}")
        assert found.count() > 1
        for cell in found.all():
            # WCAG 2.2, success criteria 1.4.3 and 2.5.3.
            assert cell.evaluate(LIGHT) >= 4.5
            if name := cell.get_attribute("aria-label"):
                assert cell.inner_text() in ("–", "") or cell.inner_text() in name
        assert tab.page.locator("summary a, summary button, a a").count() == 0, "controls within a control"
    tab.page.close()


def test_findings_need_no_scrolling_sideways_in_a_narrow_window(chromium: Any, path: Path) -> None:
    tab = Tab(chromium, path, viewport={"width": 390, "height": 800})
    table = tab.page.get_by_role("region", name="New discrepancies by cause")
    assert table.evaluate("(box) => box.scrollWidth <= box.clientWidth")
    assert table.get_by_role("row", name="fail: values").count() == 1, "still a table for a screen reader"
    tab.page.close()


def test_prints_long_texts_whole(tab: Tab) -> None:
    tab.go(f"#/outcome/wrong/{DEEP}")
    tab.page.emulate_media(media="print")
    for block in tab.page.locator("pre:visible").all():
        assert block.evaluate("(box) => getComputedStyle(box).maxHeight") == "none"
