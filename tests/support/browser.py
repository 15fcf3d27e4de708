"""A real browser for tests; those that need it skip where there is none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
_ABSENT = [
    reason
    for reason, absent in (
        ("no chromium is installed (or name one in CHROMIUM)", CHROMIUM is None),
        ("playwright is not installed: pip install playwright", find_spec("playwright") is None),
    )
    if absent
]

needs_browser = [pytest.mark.browser, pytest.mark.skipif(bool(_ABSENT), reason="; ".join(_ABSENT))]

_AXE = "axe_playwright_python"  # axe-core, which looks for barriers to people with disabilities
needs_axe = pytest.mark.skipif(find_spec(_AXE) is None, reason="pip install axe-playwright-python")


@contextmanager
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield found
        found.close()


class Tab:
    """A page that keeps a list of whatever went wrong in it."""

    def __init__(self, browser: Any, path: Path, address: str = "", **settings: Any) -> None:
        self.complaints: list[str] = []
        self.page = browser.new_page(**settings)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("request", self._request)
        self.url = path.resolve().as_uri()
        self.go(address)

    def _request(self, request: Any) -> None:
        if not request.url.startswith(("file:", "blob:")):
            self.complaints.append(f"fetched {request.url}")

    def go(self, address: str) -> None:
        """Open a view by its address within the page."""
        self.page.goto(self.url + address)
        self.page.wait_for_selector("html[data-ready]")

    def view(self) -> str:
        """The text of the view that is shown."""
        return str(self.page.locator("main > section:visible").inner_text())


def violations(tab: Tab) -> list[str]:
    """The rules of axe-core that the shown view breaks."""
    if not tab.page.evaluate("'axe' in window"):
        tab.page.evaluate(resources.files(_AXE).joinpath("axe.min.js").read_text(encoding="utf-8"))
    # Hidden views would take most of the time.
    found = tab.page.evaluate("axe.run({ exclude: ['main > section[hidden]'] }, { resultTypes: ['violations'] })")
    return [rule["id"] for rule in found["violations"]]
