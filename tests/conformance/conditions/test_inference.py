"""Conditions planted in advance come back as they were planted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance.cases import Case
from conformance.cases.columns import COLUMN_NAMES, columns
from conformance.cases.tiers import load_tier
from conformance.conditions import infer_condition
from conformance.conditions.atoms import atoms
from conformance.conditions.nearby_cases import with_changes, work_of
from conformance.conditions.set_cover import _table
from conformance.reports.record.query import matching
from tests.faults.numbers import CONDITIONS
from tests.support.conditions import assert_condition_says, ordinary_cases

KNOWN = [
    Case.parse(text)
    for text in (
        "2d-i4-k3-s2-same",
        "2d-c2x3-i4-k2-s3-same",
        "1d-i4-k1-s2-same",
        "3d-c2x2-i3-k2-s2",
        "3d-c2x3-i3-k2-s2",
        "2d-c4x4-i5-k3-s2-d2-g2-p1-b1",
        "2d-i4-k2-s3",
        "1d-c4x2-i4-k2-s2-d2-op1",
        "2d-n2-c2x4-i3x4-k3x2-s1x2-same-op0-cl-f16",
        "3d-i3-k3-s2-p1-op1-bf16-b1",
        "2d-n2-i4-k3-b1-ints.0-grad",
    )
]

Condition = Callable[[Case], bool]
PLANTED: list[tuple[Condition, str, str]] = [
    (
        lambda c: any(s > k for s, k in zip(c.stride, c.kernel_size, strict=True)) and c.padding == "same",
        "axes_stride_over_kernel > 0 and padding = 'same'",
        "stride > kernel_size on some axis and padding = 'same'",
    ),
    (
        lambda c: all(s > k for s, k in zip(c.stride, c.kernel_size, strict=True)) and c.padding == "same",
        "axes_stride_over_kernel = rank and padding = 'same'",
        "stride > kernel_size on every axis and padding = 'same'",
    ),
    (
        lambda c: c.rank == 3 and c.in_channels == c.out_channels,
        "rank = 3 and in_channels = out_channels",
        "rank = 3 and in_channels = out_channels",
    ),
    (lambda c: max(c.dilation) > 1 and c.groups > 1, "dilation_max > 1 and groups > 1", ""),
    (lambda c: c.dtype == "bf16", "dtype = 'bf16'", ""),
    (
        lambda c: c.layout == "channels_last" and c.output_padding is not None,
        "output_padding <> 'auto' and layout = 'channels_last'",
        "",
    ),
    (
        lambda c: c.batch > 1 and c.bias and c.direction == "grad",
        "batch > 1 and bias = 1 and direction = 'grad'",
        "",
    ),
    (lambda c: c.output_padding is not None and max(c.output_padding) > 0, "output_padding_max > 0", ""),
    (
        lambda c: c.in_channels > c.out_channels and min(c.stride) > 1,
        "in_channels > out_channels and stride_min > 1",
        "",
    ),
    (lambda c: len(set(c.kernel_size)) > 1, "kernel_min <> kernel_max", ""),
    (lambda c: True, "1", "always"),
]


@pytest.mark.parametrize(("planted", "sql", "text"), PLANTED, ids=[sql for _, sql, _ in PLANTED])
def test_planted_condition_comes_back(planted: Condition, sql: str, text: str) -> None:
    found = infer_condition([c for c in KNOWN if planted(c)], [c for c in KNOWN if not planted(c)], planted)
    assert str(found.predicate) == sql
    assert found.exact, found.text
    assert found.predicate is not None
    assert found.predicate.text == (text or sql)
    assert f"{found.failing} of {found.failing} cases fail, 0 of {found.passing} others" in found.text


def test_a_condition_is_what_the_condition_language_reads() -> None:
    def planted(case: Case) -> bool:
        return case.padding == "same" and case.rank == 2

    found = infer_condition([c for c in KNOWN if planted(c)], [c for c in KNOWN if not planted(c)], planted)
    rows = [columns(case) for case in KNOWN]
    assert found.predicate is not None
    assert matching(rows, str(found.predicate), COLUMN_NAMES) == [found.predicate(row) for row in rows]


def test_without_further_cases_a_condition_is_uncertain() -> None:
    found = infer_condition(KNOWN[:3], KNOWN[3:])
    assert found.predicate is not None
    assert not found.exact
    assert "uncertain" in found.text
    assert found.runs == 0


def test_what_the_columns_cannot_say_is_not_claimed() -> None:
    def scattered(case: Case) -> bool:
        return hash((case.input_size, case.kernel_size, case.batch, case.seed)) % 2 == 0

    found = infer_condition(
        [c for c in KNOWN if scattered(c)], [c for c in KNOWN if not scattered(c)], scattered, budget=120
    )
    assert not found.exact


def test_an_alternative_of_two_conditions() -> None:
    def planted(case: Case) -> bool:
        return case.dtype == "bf16" or (case.groups > 1 and case.bias)

    found = infer_condition([c for c in KNOWN if planted(c)], [c for c in KNOWN if not planted(c)])
    assert found.predicate is not None
    assert all(found.predicate(columns(case)) == planted(case) for case in KNOWN)


# Each condition of the planted faults, and what the search must say.
_PLANTED_BY_OTHERS = {
    "where the output width equals the filters": "output_w = out_channels",
    "where the channels in equal the channels out": "in_channels = out_channels",
    "where the batch equals the channels in": "batch = in_channels and batch > 1",
    "where the batch equals the channels out": "batch = out_channels and batch > 1",
    "where the input width equals the channels in": "input_w = in_channels",
    "where the kernel equals the input": "axes_kernel_is_input = rank",
    "where the stride equals the kernel": "axes_kernel_is_stride = rank",
    "where all axes are alike": "input_min = input_max and kernel_min = kernel_max and stride_min = stride_max",
    "where the stride is above the kernel": "axes_stride_over_kernel > 0",
    "where output_padding reaches the stride": "axes_output_padding_over_stride > 0",
    "with a kernel of one": "kernel_max = 1",
    "with an input of one element": "input_max = 1",
    "with an output of one element": "output_max = 1",
    "where dilation exceeds the input": "axes_dilation_over_input > 0",
    "depthwise": "in_channels = groups and groups > 1",
    "depthwise with a multiplier": "in_channels < out_channels and in_channels = groups and groups > 1",
    "with eight groups or more": "groups > 7",
    "from sixteen channels on": "in_channels > 15",
    # 16 is a multiple itself, so that more than 15 and more than 16 are one condition.
    "where the channels are not a multiple of sixteen beyond it": "out_channels % 16 <> 0 and out_channels > 15",
    "from 512 positions on": "input_max > 511",
    "with a stride above eight": "stride_max > 8",
    "with a dilation above eight": "dilation_max > 8",
    "with groups, dilation and a stride together": "stride_max > 1 and dilation_max > 1 and groups > 1",
    "in channels_last with groups and a bias": "groups > 1 and layout = 'channels_last' and bias = 1",
}
# Conditions on one named axis, and on remainders: no condition over some or every axis says them.
_ON_ONE_AXIS: dict[str, Condition] = {
    "stride_w > kernel_w": lambda c: c.stride[-1] > c.kernel_size[-1],
    "stride_h > 1": lambda c: c.rank > 1 and c.stride[-2] > 1,
    "kernel_w % 2 = 0": lambda c: c.kernel_size[-1] % 2 == 0,
    "in_channels % 4 <> 0": lambda c: c.in_channels % 4 != 0,
    "kernel_d = input_d": lambda c: c.rank == 3 and c.input_size[0] == c.kernel_size[0],
    "dilation_h <> dilation_w": lambda c: c.rank > 1 and c.dilation[-1] != c.dilation[-2],
    "padding = 'same' and stride_w > 2": lambda c: c.stride[-1] > 2 and c.padding == "same",
}
_SEARCHED = {
    **{sql: (CONDITIONS[name][0], CONDITIONS[name][1]) for name, sql in _PLANTED_BY_OTHERS.items()},
    **{sql: (applies, (1, 2, 3)) for sql, applies in _ON_ONE_AXIS.items()},
}


def test_every_planted_condition_is_expected() -> None:
    assert _PLANTED_BY_OTHERS.keys() == CONDITIONS.keys()


@pytest.mark.parametrize("sql", _SEARCHED)
def test_conditions_that_others_planted_come_back(sql: str) -> None:
    """Searched on the gate tier and by further cases, judged on a third of the full tier."""
    applies, ranks = _SEARCHED[sql]
    gate = ordinary_cases("gate", ranks)
    found = infer_condition(
        [case for case in gate if applies(case)][:60],
        [case for case in gate if not applies(case)][:200],
        lambda case: applies(case) if case.rank in ranks else None,
    )
    assert (str(found.predicate), found.exact) == (sql, True), found.text
    assert_condition_says(sql, applies, ranks)


def test_every_atom_is_evaluated_for_every_case() -> None:
    rows = [columns(case) for case in list(load_tier("smoke"))[::5]]
    known = atoms(rows)
    assert any(atom.to_column for atom in known)
    assert _table(known, rows).tolist() == [[atom(row) for row in rows] for atom in known]


def test_an_invalid_case_has_a_size_of_work_too() -> None:
    # A process that ends on one gives a finding, whose condition is looked for in the order of work.
    assert work_of(Case.parse("1d-c2x3-i5-k3-opm1")) == 2 * 3 * 5 * 3


def test_a_case_without_groups_can_be_changed_to_one_with_groups() -> None:
    changed = with_changes(Case.parse("1d-c4x6-i5-k3-g0"), {"groups": 2})
    assert changed is not None
    assert (changed.groups, changed.in_channels, changed.out_channels) == (2, 8, 12)
