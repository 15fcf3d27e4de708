"""The worked examples against the written rules: sizes, crops and chains, before any arithmetic."""

from __future__ import annotations

import tomllib
from importlib import resources

import pytest

from conformance.cases.corpus.literature import Example, load_examples

EXAMPLES = load_examples()


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_the_rules_give_the_printed_shape(example: Example) -> None:
    assert example.case.output_shape == example.shape
    geometry = example.case.geometry()
    assert example.effective_kernel in (None, geometry.effective_kernel)
    assert example.crop in (None, geometry.crop)


def test_names_are_unique_and_keys_are_known() -> None:
    entries = tomllib.loads(resources.files("conformance.cases.corpus").joinpath("literature.toml").read_text())[
        "example"
    ]
    assert len({entry["name"] for entry in entries}) == len(entries) == len(EXAMPLES)
    known = {"name", "source", "case", "x", "w", "y", "shape", "effective_kernel", "crop", "follows"}
    for entry in entries:
        assert set(entry) <= known
        assert "y" in entry or "shape" in entry, "an example without printed numbers shows nothing"


def test_every_link_of_a_chain_fits_the_one_before() -> None:
    chained = [example for example in EXAMPLES.values() if example.follows]
    assert len(chained) >= 4
    for example in chained:
        assert EXAMPLES[str(example.follows)].shape == example.case.input_shape
