"""The committed tiers: what they cover, counted by brute force, and how they are made."""

import itertools
import math
from collections import Counter
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from conformance.cases import Case
from conformance.cases.corpus.layers import load_layers
from conformance.cases.design.boundary import BOUNDARIES, boundary_classes, examples
from conformance.cases.design.coverage import coverage
from conformance.cases.design.deploy import deploy_cases
from conformance.cases.design.domain import FACTORS, SPACES, allowed, classify
from conformance.cases.geometry import CONVENTIONS
from conformance.cases.large import is_large, memory_needed
from conformance.cases.policy import policies
from conformance.cases.tiers import TIERS, load_tier, tier_hash

STRENGTHS = {"smoke": 2, "gate": 3, "full": 4}


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("tier", STRENGTHS)
def test_every_combination_is_there(tier, space):
    found = coverage(load_tier(tier), STRENGTHS[tier], space)
    assert found.missing == ()
    assert found.covered == found.required > 0


@pytest.mark.parametrize("rank", FACTORS["rank"].levels)
def test_smoke_covers_every_pair_on_every_rank(rank):
    on_rank = [case for case in load_tier("smoke") if str(case.rank) == rank]
    pairs: set[tuple[Any, ...]] = set()
    for row in map(classify, on_rank):
        pairs.update(itertools.combinations(sorted(row.items()), 2))
    rows = [row for row in _all_rows(rank) if allowed(row)]
    required = {pair for row in rows for pair in itertools.combinations(sorted(row.items()), 2)}
    assert required - pairs == set()


# The factors that constraints are about: whether a combination can be had at all is decided among these.
CONSTRAINED = ("rank", "output_padding", "stride", "dilation", "kernel")


@cache
def _classes_there_are():
    """The combinations of constrained classes that any small case with a required output has."""
    axes = list(itertools.product((1, 2, 3, 4), (1, 2, 3), (1, 2), (None, 0, 1)))
    found = set()
    for first, second in itertools.product(axes, repeat=2):
        if (first[3] is None) != (second[3] is None):
            continue
        for chosen in [(first,), (first, second), (first, second, second)]:
            k, s, d, o = zip(*chosen, strict=True)
            rank = len(chosen)
            case = Case(rank, (4,) * rank, k, stride=s, dilation=d, output_padding=None if o[0] is None else o)
            if not policies(case):
                row = classify(case)
                found.add(tuple((name, row[name]) for name in CONSTRAINED))
    return found


@cache
def _possible(part):
    return any(set(part) <= set(row) for row in _classes_there_are())


def _required(strength, names):
    for chosen in itertools.combinations(sorted(names), strength):
        for levels in itertools.product(*(FACTORS[name].levels for name in chosen)):
            combination = tuple(zip(chosen, levels, strict=True))
            if _possible(tuple(pair for pair in combination if pair[0] in CONSTRAINED)):
                yield combination


def _there(cases, strength, names):
    rows = [{name: level for name, level in classify(case).items() if name in names} for case in cases]
    return {combination for row in rows for combination in itertools.combinations(sorted(row.items()), strength)}


def test_gate_covers_every_three_classes_by_another_count():
    required = set(_required(3, FACTORS))
    assert required <= _there(load_tier("gate"), 3, FACTORS)
    assert coverage(load_tier("gate"), 3).required == len(required) > 5000


@pytest.mark.parametrize(("tier", "strength"), [("gate", 2), ("full", 3)])
@pytest.mark.parametrize("convention", sorted(set(CONVENTIONS) - {"valid", "same"}))
def test_every_convention_meets_every_combination_of_the_other_classes(tier, strength, convention):
    names = FACTORS.keys() - {"padding"}
    required = set(_required(strength, names))
    if CONVENTIONS[convention].wraps:  # R15: output_padding above 0 has no meaning beside a period
        required = {combination for combination in required if ("output_padding", "positive") not in combination}
    cases = [case for case in load_tier(tier) if case.padding == convention]
    assert required - _there(cases, strength, names) == set()
    assert len(required) > 200


def test_second_order_has_every_class_in_gate_and_every_pair_in_full():
    names = FACTORS.keys() - {"direction"}
    for tier, strength in (("gate", 1), ("full", 2)):
        required = set(_required(strength, names))
        cases = [case for case in load_tier(tier) if case.direction == "grad2"]
        assert required - _there(cases, strength, names) == set()
    for rank in FACTORS["rank"].levels:
        on_rank = [case for case in load_tier("gate") if (case.direction, str(case.rank)) == ("grad2", rank)]
        assert {class_ for (class_,) in _required(1, names - {"rank"})} <= {
            class_ for (class_,) in _there(on_rank, 1, names)
        }


def _all_rows(rank):
    # Two factors vary around one row that goes with every class: each pair, without a third of a million rows.
    names = list(FACTORS)
    levels = [[rank] if name == "rank" else FACTORS[name].levels for name in names]
    base = dict(zip(names, (row[0] for row in levels), strict=True))
    base["stride"] = "many"
    for first, second in itertools.combinations(range(len(names)), 2):
        for a, b in itertools.product(levels[first], levels[second]):
            yield {**base, names[first]: a, names[second]: b}


def test_coverage_notices_a_missing_combination():
    cases = [
        case for case in load_tier("gate") if not (case.rank == 2 and case.groups > 1 and case.dtype == "f16")
    ]
    found = coverage(cases, 3)
    assert found.covered < found.required
    assert found.missing
    for combination in found.missing:
        assert {"rank": "2", "dtype": "f16"}.items() <= combination.items()
        assert combination["groups"] in ("several", "depthwise")


def test_coverage_counts_by_hand():
    # Two cases that differ in one factor: every factor but one shows one class, that one shows two.
    pair = [Case.parse("2d-i5x7-k3"), Case.parse("2d-i5x7-k3-cl")]
    assert coverage(pair, 1).covered == len(FACTORS) + 1
    assert coverage(pair, 2).covered == math.comb(len(FACTORS), 2) + (len(FACTORS) - 1)
    assert coverage([], 1).covered == 0


def test_tiers_nest():
    smoke, gate, full = (set(load_tier(name)) for name in ("smoke", "gate", "full"))
    assert smoke < gate < full
    assert not full & set(load_tier("large"))


def test_large_cases_reach_beyond_32_bits_in_little_memory():
    cases = load_tier("large")
    assert all(map(is_large, cases))
    assert max(map(memory_needed, cases)) < 9 << 30
    assert {case.rank for case in cases} == {1, 2, 3}
    tensors = [[case.input_shape, case.weight_shape, case.output_shape] for case in cases]
    most = [max(map(math.prod, kind)) for kind in zip(*tensors, strict=True)]
    assert min(most) > 2**31  # inputs, weights and outputs
    for case, shapes in zip(cases, tensors, strict=True):
        widest = (
            max(map(math.prod, shapes)) * np.dtype("f2" if case.dtype == "bf16" else case.format.carrier).itemsize
        )
        assert max(widest, *case.geometry().full_size) >= 2**31, str(case)


@pytest.mark.parametrize("tier", TIERS)
def test_each_case_is_there_once(tier):
    assert [case for case, count in Counter(load_tier(tier)).items() if count > 1] == []


def test_smoke_is_small_and_every_output_is_required():
    cases = load_tier("smoke")
    assert 150 <= len(cases) <= 300
    assert [str(case) for case in cases if policies(case)] == []
    assert max(case.batch * math.prod((*case.weight_shape, *case.input_size)) for case in cases) <= 60_000


def test_smoke_is_anisotropic():
    several_axes = [case for case in load_tier("smoke") if case.rank > 1]
    assert all(len(set(case.input_size)) > 1 for case in several_axes)
    alike = [case for case in load_tier("smoke") if case.in_channels == case.out_channels]
    assert len(alike) < len(load_tier("smoke")) / 10


@pytest.mark.parametrize("name", BOUNDARIES)
def test_boundary_examples_lie_in_their_class_and_in_gate(name):
    cases = list(examples(name))
    assert cases
    assert all(name in boundary_classes(case) for case in cases)
    assert {case.rank for case in cases} == set(BOUNDARIES[name].ranks)
    assert {replace(case, bias=True) for case in cases} <= set(load_tier("gate"))


def test_an_ordinary_case_meets_no_boundary():
    assert boundary_classes(Case.parse("2d-n2-c4x6-i5x7-k4x3-s3x2-p1")) == []


def test_hash_is_of_the_set():
    cases = load_tier("smoke")
    assert tier_hash(reversed(cases)) == tier_hash(cases + cases[:3]) == tier_hash(cases)
    assert tier_hash(cases[1:]) != tier_hash(cases)


def test_unknown_tier():
    with pytest.raises(KeyError, match="smoke, gate, full"):
        load_tier("nightly")


def test_deploy_holds_what_models_contain():
    cases = load_tier("deploy")
    assert 280 <= len(cases) <= 330
    assert {(case.dtype, case.direction) for case in cases} == {("f32", "fwd")}
    assert [str(case) for case in cases if policies(case)] == []
    for names in itertools.combinations(("rank", "groups", "dilation", "output_padding", "bias", "batch"), 2):
        found = {tuple(classify(case)[name] for name in names) for case in cases}
        wanted = set(itertools.product(*(set(FACTORS[name].levels) - {"zero"} for name in names)))
        assert wanted <= found, names
    assert {layer.case for layer in load_layers().values()} <= set(cases)


def test_the_generator_writes_the_committed_deploy():
    assert list(dict.fromkeys(deploy_cases())) == load_tier("deploy")


def test_generator_writes_the_committed_smoke_and_large():
    pytest.importorskip("covertable", reason="covertable writes the tiers; using them does not need it")
    from conformance.cases.design.generate import TIER_CASES

    for tier in ("smoke", "large"):
        assert list(dict.fromkeys(TIER_CASES[tier]())) == load_tier(tier)
