"""The items of a long run: made in their turn, and not kept."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from conformance.adapters.registry import AdapterSpec
from conformance.execution.case_runner import MOST_AHEAD
from conformance.runner.items import LazyItems, _launches


def test_each_item_is_made_once_and_few_are_kept() -> None:
    made: list[int] = []

    def make(turn: int) -> Any:
        made.append(turn)
        return SimpleNamespace(turn=None)

    items = LazyItems(500, make)
    for turn, item in enumerate(items):
        ahead = [items[later] for later in range(500)[turn + 1 :][:MOST_AHEAD]]
        assert [other.turn for other in (item, *ahead)] == list(range(500))[turn : turn + 1 + MOST_AHEAD]
        assert len(items._made) <= 2 * MOST_AHEAD
    assert made == list(range(500))
    assert len(items) == 500
    with pytest.raises(IndexError):
        items[500]


def test_the_next_adapter_is_launched_after_the_first_case_of_the_one_before() -> None:
    a, b, c = (AdapterSpec(name, f"{name}:X", "python") for name in "abc")
    assert _launches(enumerate([a, a, a, b, c, c])) == {0: b, 3: c}
    assert _launches([]) == {}
