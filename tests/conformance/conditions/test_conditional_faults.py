"""Faults that show under a condition of many kinds: the search says the condition exactly."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance.cases import Case
from conformance.conditions import infer_condition
from tests.support.conditions import assert_condition_says, ordinary_cases


def _output(case: Case) -> tuple[int, ...]:
    return case.geometry().output_size


def _uneven(case: Case) -> bool:
    return any(low != high for low, high in case.geometry().crop)


def _over(case: Case, name: str) -> bool:
    return any(s > other for s, other in zip(case.stride, getattr(case, name), strict=True))


FAULTS: dict[str, Callable[[Case], bool]] = {
    "kernel_max > 7": lambda c: max(c.kernel_size) > 7,
    "axes_stride_over_input > 0": lambda c: _over(c, "input_size"),
    "in_channels % 4 = 0": lambda c: c.in_channels % 4 == 0,
    "out_channels % 8 = 0": lambda c: c.out_channels % 8 == 0,
    "output_w % 4 = 0": lambda c: _output(c)[-1] % 4 == 0,
    "output_w > 16": lambda c: _output(c)[-1] > 16,
    "output_max > 32": lambda c: max(_output(c)) > 32,
    "dtype = 'bf16' and direction = 'grad'": lambda c: c.dtype == "bf16" and c.direction == "grad",
    "dtype = 'f16' and data = 'normal'": lambda c: c.dtype == "f16" and c.data == "normal",
    "stride_max > 1 and dilation_max > 1": lambda c: max(c.stride) > 1 and max(c.dilation) > 1,
    "batch = 1": lambda c: c.batch == 1,
    "axes_crop_uneven > 0": _uneven,
    "padding = 'same' and axes_crop_uneven > 0": lambda c: c.padding == "same" and _uneven(c),
    "axes_stride_over_kernel > 0 and padding = 'valid'": lambda c: (
        c.padding == "valid" and _over(c, "kernel_size")
    ),
    "groups > 1 and bias = 1": lambda c: c.groups > 1 and c.bias,
    "rank = 3 and dtype = 'f16'": lambda c: c.rank == 3 and c.dtype == "f16",
    "output_padding_max > 0 and layout = 'channels_last'": lambda c: (
        c.output_padding is not None and max(c.output_padding) > 0 and c.layout == "channels_last"
    ),
    "stride_max > 1 and layout = 'channels_last' and direction = 'grad'": lambda c: (
        max(c.stride) > 1 and c.layout == "channels_last" and c.direction == "grad"
    ),
    "input_min = 1": lambda c: min(c.input_size) == 1,
    "kernel_w > 3 and stride_w = 1": lambda c: c.kernel_size[-1] > 3 and c.stride[-1] == 1,
    "dilation_max > 2": lambda c: max(c.dilation) > 2,
    "axes_kernel_even = rank": lambda c: all(k % 2 == 0 for k in c.kernel_size),
}


@pytest.mark.parametrize("sql", FAULTS)
def test_the_condition_of_a_fault_comes_back(sql: str) -> None:
    """Searched on the gate tier and further cases, judged on a third of the full tier."""
    applies, gate = FAULTS[sql], ordinary_cases("gate")
    wrong, right = ([case for case in gate if applies(case) is wanted] for wanted in (True, False))
    found = infer_condition(wrong[:60], right[:200], applies)
    assert found.exact, found.text
    assert sorted(str(found.predicate).split(" and ")) == sorted(sql.split(" and ")), found.text
    assert_condition_says(sql, applies)


def test_parameters_that_known_cases_move_together_are_distinguished() -> None:
    """The long kernel stands in a long input only."""
    plain = [Case.parse(text) for text in ("1d-i5-k3", "2d-c2x4-i4x5-k2-g2", "1d-c3x3-i6-k1-b1")]
    long = [Case.parse("1d-i600-k9"), Case.parse("1d-i900-k8-s2")]
    found = infer_condition(long, plain, lambda case: max(case.kernel_size) > 7, terms=frozenset(["kernel"]))
    assert (str(found.predicate), found.exact) == ("kernel_max > 7", True), found.text
    found = infer_condition(long, plain, lambda case: max(case.input_size) > 400, budget=120)
    assert found.predicate is not None
    assert "kernel" not in str(found.predicate), found.text


def test_a_condition_in_the_terms_of_the_diagnosis_wins() -> None:
    wrong = [Case.parse(text) for text in ("1d-c3x3-i4-k2-s2-same-op1-b1", "2d-c2x2-i4-k2-s2-same-op1-b1")]
    right = [Case.parse(text) for text in ("1d-c3x2-i4-k3-s2-same", "2d-c1x2-i4-k1-s2-op1", "1d-c2x3-i6-k2-s1")]
    rivals = infer_condition(wrong, right)
    named = infer_condition(wrong, right, terms=frozenset(["bias"]))
    assert str(named.predicate) == "bias = 1"
    assert "in_channels = out_channels" not in str(rivals.predicate), "equal numbers are rarely the cause"
