"""Public threads are read right at the first paste, but for those that say why they are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.calls.pastes import PASTES, Paste, outcome, right, shares

PAGES = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("paste", PASTES, ids=lambda paste: paste.thread or paste.about)
def test_a_thread_is_read_right_at_the_first_paste(paste: Paste) -> None:
    assert right(paste) is not bool(paste.fails), outcome(paste)


def test_the_documentation_gives_the_shares() -> None:
    page = " ".join((PAGES / "calls.md").read_text(encoding="utf-8").split())
    summary = " ".join((PAGES / "bug-reports.md").read_text(encoding="utf-8").split())
    found = shares()
    assert f"{len(PASTES)} texts" in page
    assert [share for share in found.values() if share not in page] == []
    assert found["today"] in summary
    assert next(share for name, share in reversed(found.items()) if "first" in name) in summary


def test_nearly_all_threads_are_read_right() -> None:
    assert sum(map(right, PASTES)) >= 0.95 * len(PASTES)


def test_a_later_set_says_how_it_was_read_first() -> None:
    assert all((paste.first is None) == (paste.read == 1) for paste in PASTES)
