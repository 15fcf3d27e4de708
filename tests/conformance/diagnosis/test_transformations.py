"""A search for some transformations finds what a search for all of them finds of these."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from conformance.cases import Case
from conformance.cases.tiers import load_tier
from conformance.diagnosis.mutations.problem import Problem
from conformance.diagnosis.mutations.registry import TRANSFORMATIONS, variations
from conformance.oracle.expected_output import input_tensors
from tests.faults.catalogue import FAULTS
from tests.faults.matrix import judged_cases


def problems() -> Iterator[Problem]:
    """Cases of every rank, direction and kind of data, with the wrong output of one fault each."""
    cases = [case for case, _ in judged_cases(load_tier("smoke")[::3])]
    for case, fault in zip(cases, [*FAULTS.values()][::4], strict=False):
        tensors = input_tensors(case)
        with np.errstate(all="ignore"):
            reply = fault.reply(case, tensors)
        observed = {name: tensor.values for name, tensor in reply.tensors.items()}
        yield Problem.of(case, tensors).but(observed=observed)


def test_every_generator_yields_only_the_transformations_that_it_declares() -> None:
    for problem in problems():
        for generator, names in TRANSFORMATIONS.items():
            undeclared = {variation.transform for variation in generator(problem)} - names
            assert not undeclared, f"{generator.__name__} on {problem.case}"


def test_what_a_search_finds_does_not_depend_on_earlier_cases() -> None:
    """A generator that yields one name in one case may yield another one in the next."""
    earlier, later = Case.parse("1d-i5-k3-b1"), Case.parse("2d-c4x6-i5x4-k3-g2-b1")
    list(variations(Problem.of(earlier, input_tensors(earlier))))
    wanted = Problem.of(later, input_tensors(later)).but(
        wanted=frozenset({"bias_per_group", "zeros_at_both_ends"})
    )
    assert {variation.transform for variation in variations(wanted)} == {"bias_per_group"}
