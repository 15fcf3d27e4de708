"""The page of an audit, as a browser shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from conformance.reports.html.audit_page import write_audit_page
from tests.support.browser import browser, needs_browser

pytestmark = needs_browser


def outcome(adapter: str, status: str, **more: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("kind", "detail", "diagnosis", "known", "difference", "port"))
    return {"adapter": adapter, "status": status, "versions": {"package": "1.2"}, **empty, **more}


LAYERS: list[dict[str, Any]] = [
    {
        "name": "<script>alert(1)</script>",
        "operator": "ConvTranspose",
        "case": "2d-i5x7-k3",
        "input_shape": [1, 1, 5, 7],
        "output_shape": [1, 1, 7, 9],
        "notes": ["a note"],
        "outcomes": [
            outcome("own", "pass"),
            outcome(
                "target", "fail", kind="values", difference="other values", port="import numpy\n" + "y = x  " * 60
            ),
        ],
    },
    {"name": "odd", "operator": "Other", "case": None, "notes": ["not a case: why"], "outcomes": []},
]


def test_the_page(tmp_path: Path) -> None:
    path = write_audit_page({"model": "m.onnx", "layers": LAYERS}, "A model: one differs", tmp_path / "new")
    with browser() as chromium:
        complaints: list[str] = []
        for width in (1280, 400):
            page = chromium.new_page(viewport={"width": width, "height": 800})
            page.on("console", lambda message: complaints.append(message.text))
            page.on("dialog", lambda dialog: complaints.append(dialog.message))
            page.goto(path.resolve().as_uri())
            assert page.locator("h1").inner_text() == "A model: one differs"
            text = page.locator("main").inner_text()
            for expected in (
                LAYERS[0]["name"],
                "fail: values",
                "other values",
                "import numpy",
                "a note",
                "not run",
            ):
                assert expected in text
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            page.get_by_role("link", name="odd").click()
            assert page.url.endswith("#layer-2")
    assert complaints == []
