"""Long text is cut between two words, and says so."""

from __future__ import annotations

import pytest

from conformance.reports.record.cut_text import cut


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("fits as it is", 13, "fits as it is"),
        ("on one\n  line", 20, "on one line"),
        ("cut before this word", 12, "cut before …"),
        ("cut after a comma, here", 21, "cut after a comma …"),
        ("onelongwordwithoutspaces", 10, "onelongw …"),
    ],
)
def test_text_is_cut_between_words(text: str, most: int, shown: str) -> None:
    assert cut(text, most) == shown
    assert len(shown) <= most
