"""How large the report of a big run is, how soon it is painted, and how fast its filters are.

    python -m benchmarks.report_page [--outcomes 100000] [--adapters 20] [--keep FOLDER]

The outcomes are made up, in the proportions of a real run with faults in it; the page is the real one, opened
from disk in headless Chromium. pytest-html shows a smaller number of them for comparison. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import pytest_html_page
from benchmarks.figures import grouped, table
from conformance.reports.html import write_report
from tests.support.browser import Tab, browser
from tests.support.records import make_run

FILTERS = (
    "gates",
    "adapter = 'adapter-07' AND status = 'fail'",
    "stride_max > kernel_min AND padding = 'same'",
    "case_id LIKE '%s3x2%' AND dtype = 'f16'",
    "detail LIKE '%not support%'",
    "judged AND exactly(1, judged AND gates)",
    "every(judged AND adapter LIKE 'adapter-1%', gates) AND judged",
    "differ(adapter LIKE 'adapter-0%')",
    "NOT (gates OR status = 'pass')",
    "",
)


def _times(milliseconds: list[float]) -> dict[str, float]:
    """The median, and the best, which is least disturbed by other work on the machine."""
    return {"median_ms": round(statistics.median(milliseconds), 1), "best_ms": round(min(milliseconds), 1)}


def time_page(page: Path, repeats: int = 5, filtered: int = 20) -> dict[str, Any]:
    """Open a page ``repeats`` times, and apply each filter ``filtered`` times; times in milliseconds."""
    paints, ready = [], []
    with browser() as chromium:
        for _ in range(repeats):
            started = time.perf_counter()
            tab = Tab(chromium, page)
            ready.append((time.perf_counter() - started) * 1000)
            entry = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
            paints.append(tab.page.evaluate(entry))
            tab.page.close()
        tab = Tab(chromium, page, "#/explorer")
        filters = {}
        for condition in FILTERS:
            timed = """(condition) => new Promise((resolve) => {
                const box = document.getElementById("where"), started = performance.now();
                box.value = condition;
                box.dispatchEvent(new Event("input"));
                requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - started), 0));
            })"""
            times = [tab.page.evaluate(timed, condition) for _ in range(filtered)]
            found = tab.page.locator("#matches").inner_text().split(" of ")[0]
            filters[condition or "(everything)"] = {**_times(times), "found": found}
        complaints = tab.complaints
    return {
        "first_contentful_paint": _times(paints),
        "data_ready": _times(ready),
        "filters": filters,
        "complaints": complaints,
    }


def beside_peer(outcomes: int, adapters: int) -> dict[str, Any]:
    """The suite's page and that of pytest-html, of the same outcomes."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with make_run(folder / "results.sqlite", outcomes, adapters) as results:
            page = write_report(results, folder / "report")
            peer = pytest_html_page.measure(results, folder)
        size = sum(path.stat().st_size for path in page.parent.rglob("*") if path.is_file())
        times = time_page(page, repeats=3, filtered=1)
    ours = {"mb": size / 1e6, "ready_ms": times["data_ready"]["median_ms"]}
    return {"outcomes": outcomes, "ours": ours, "pytest-html": peer}


def measure(
    outcomes: int = 100_000, adapters: int = 20, keep: Path | None = None, peer_outcomes: int = 10_000
) -> dict[str, Any]:
    """Make a run and its page, and measure the page; ``keep`` is a folder to keep it in."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = keep or Path(scratch)
        with make_run(folder / "results.sqlite", outcomes, adapters) as results:
            started = time.perf_counter()
            page = write_report(results, folder / "report")
            seconds = time.perf_counter() - started
        figures: dict[str, Any] = {"outcomes": outcomes, "written_in_s": round(seconds, 1)}
        figures["index_html_mb"] = round(page.stat().st_size / 1e6, 2)
        beside = sum(path.stat().st_size for path in (page.parent / "details").glob("*.js"))
        figures["files_beside_it_mb"] = round(beside / 1e6, 2)
        return {**figures, **time_page(page), "beside": beside_peer(peer_outcomes, adapters)}


def markdown(figures: dict[str, Any]) -> str:
    """The tables of the README."""
    rows = [
        ("size of `index.html`, MB", figures["index_html_mb"], ""),
        ("files beside it, which load on a click, MB", figures["files_beside_it_mb"], ""),
        ("first contentful paint, ms", *figures["first_contentful_paint"].values()),
        ("data ready: database open, matrix drawn, ms", *figures["data_ready"].values()),
    ]
    filters = [
        (f"`{condition}`", found["found"], found["median_ms"], found["best_ms"])
        for condition, found in figures["filters"].items()
    ]
    pages = figures["beside"]
    peers = [
        (name, f"{pages[name]['mb']:.2f}", "not in time" if ready is None else f"{ready / 1000:.1f}")
        for name in ("ours", "pytest-html")
        for ready in [pages[name]["ready_ms"]]
    ]
    return "\n\n".join(
        [
            table((f"{grouped(figures['outcomes'])} outcomes", "median", "best"), rows),
            table(("condition", "outcomes found", "median, ms", "best, ms"), filters),
            table((f"page of {grouped(pages['outcomes'])} outcomes", "MB", "ready after, s"), peers),
        ]
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--outcomes", type=int, default=100_000)
    parser.add_argument("--adapters", type=int, default=20)
    parser.add_argument("--keep", type=Path, help="folder to keep the page in")
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.outcomes, arguments.adapters, arguments.keep), indent=2))


if __name__ == "__main__":
    main()
