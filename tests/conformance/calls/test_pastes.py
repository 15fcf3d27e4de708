"""Public threads are read right at the first paste, but for those that say why they are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.calls.pastes import PASTES, Paste, outcome, right


@pytest.mark.parametrize("paste", PASTES, ids=lambda paste: paste.thread or paste.about)
def test_a_thread_is_read_right_at_the_first_paste(paste: Paste) -> None:
    assert right(paste) is not bool(paste.fails), outcome(paste)


def test_the_documentation_gives_the_share() -> None:
    count = sum(map(right, PASTES))
    page = (Path(__file__).parents[3] / "docs" / "calls.md").read_text(encoding="utf-8")
    assert f"{count} of {len(PASTES)} ({100 * count // len(PASTES)} %)" in page


def test_nearly_all_threads_are_read_right() -> None:
    assert sum(map(right, PASTES)) >= 0.95 * len(PASTES)
