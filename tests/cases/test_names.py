"""Similar names: a misspelt one, a part of one, and none where nothing resembles it."""

from __future__ import annotations

import pytest

from conformance.cases.names import did_you_mean, similar

NAMES = ["torch", "torch-module", "keras-tensorflow", "tf-nn", "gate", "smoke"]


@pytest.mark.parametrize(
    ("name", "first"),
    [("trch", "torch"), ("Gates", "gate"), ("tensorflow", "keras-tensorflow"), ("kears", "keras-tensorflow")],
)
def test_the_most_similar_name_is_first(name: str, first: str) -> None:
    assert similar(name, NAMES)[0] == first


def test_a_hint_names_them_and_is_empty_where_there_is_none() -> None:
    assert did_you_mean("gates", NAMES) == " (did you mean 'gate'?)"
    assert did_you_mean("xyzzy", NAMES) == ""
    assert did_you_mean("", NAMES) == ""
    assert len(similar("torch", NAMES, most=1)) == 1
