"""Public threads are read right at the first paste, but for those that say why they are not."""

from __future__ import annotations

import pytest

from tests.conformance.calls.pastes import PASTES, Paste, outcome, right


@pytest.mark.parametrize("paste", PASTES, ids=lambda paste: paste.thread)
def test_a_thread_is_read_right_at_the_first_paste(paste: Paste) -> None:
    assert right(paste) is not bool(paste.fails), outcome(paste)


def test_nearly_all_threads_are_read_right() -> None:
    assert sum(map(right, PASTES)) >= 0.95 * len(PASTES)
