"""The peer of the report page: the outcomes of a run in pytest-html, one test item each.

pytest and pytest-html write one self-contained file. Headless Chromium opens it from disk until its table has a
row on screen, or the timeout has passed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from conformance.reports.record.store import Results
from tests.support.browser import browser

__all__ = ["measure"]

TIMEOUT_SECONDS = 120.0
_TEST = """
import json, pathlib, pytest

OUTCOMES = json.loads(pathlib.Path(__file__).with_name("outcomes.json").read_text())

@pytest.mark.parametrize(("status", "detail"), [o[1:] for o in OUTCOMES], ids=[o[0] for o in OUTCOMES])
def test_case(status, detail):
    if status in ("unsupported", "inexpressible"):
        pytest.skip(detail)
    assert status == "pass", detail
"""


def measure(results: Results, folder: Path) -> dict[str, Any]:
    """Write the page of a run into a folder and open it.

    Returns
    -------
    dict
        ``mb``, ``written_in_s``, and ``ready_ms``, None after a timeout.
    """
    rows = [(f"{o.adapter}-{o.case_id}", o.status, o.detail) for o in results.outcomes()]
    (folder / "outcomes.json").write_text(json.dumps(rows), encoding="utf-8")
    (folder / "test_outcomes.py").write_text(_TEST, encoding="utf-8")
    page, started = folder / "peer.html", time.perf_counter()
    plugins = ("-p", "pytest_metadata.plugin", "-p", "pytest_html.plugin", "-p", "no:cacheprovider")
    command = [sys.executable, "-m", "pytest", "-q", "--rootdir", str(folder), *plugins]
    command += ["--self-contained-html", f"--html={page}", str(folder / "test_outcomes.py")]
    alone = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    subprocess.run(command, cwd=folder, env=alone, stdout=subprocess.DEVNULL, check=False)
    written = time.perf_counter() - started
    return {"mb": page.stat().st_size / 1e6, "written_in_s": written, "ready_ms": _ready(page)}


def _ready(page: Path) -> float | None:
    from playwright.sync_api import TimeoutError as BrowserTimeout

    with browser() as chromium:
        tab, started = chromium.new_page(), time.perf_counter()
        tab.set_default_timeout(TIMEOUT_SECONDS * 1000)
        try:
            tab.goto(page.resolve().as_uri())
            tab.wait_for_selector("#results-table tbody tr")
        except BrowserTimeout:
            return None
        return (time.perf_counter() - started) * 1000
