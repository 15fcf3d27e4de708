"""The written rules can be cited by number."""

from __future__ import annotations

from conformance.cases.geometry import CONVENTIONS
from conformance.cases.rules import rules


def test_rules_are_numbered_without_gaps() -> None:
    assert list(rules()) == [f"R{n}" for n in range(1, len(rules()) + 1)]
    assert all(rule.title and rule.text for rule in rules().values())


def test_every_convention_cites_a_rule_that_exists() -> None:
    assert {number for convention in CONVENTIONS.values() for number in convention.rules} <= set(rules())
