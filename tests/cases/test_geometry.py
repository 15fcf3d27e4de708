"""The written rules, against hand arithmetic and against each other."""

from __future__ import annotations

import pytest
from hypothesis import given

from conformance.cases import Case, DomainError
from conformance.cases.design.strategies import valid_cases


@pytest.mark.parametrize(
    ("case_id", "output_size", "crop"),
    [
        # R4: F = (5-1)*2 + 3 = 11
        ("1d-i5-k3-s2-p1", (9,), [(1, 1)]),
        ("1d-i5-k3-s2-p1-op1", (10,), [(1, 0)]),
        ("1d-i5-k3-s2-p0.2", (9,), [(0, 2)]),
        ("1d-i5-k3-s2-pm1.0", (12,), [(-1, 0)]),
        # R5: i*s + max(e-s, 0), and F + o
        ("1d-i5-k3-s2", (11,), [(0, 0)]),
        ("1d-i5-k2-s3", (15,), [(0, -1)]),
        ("1d-i5-k2-s3-op0", (14,), [(0, 0)]),
        ("1d-i5-k2-s3-op2", (16,), [(0, -2)]),
        # R6: length i*s, the odd position of the crop comes off the back
        ("1d-i5-k3-s2-same", (10,), [(0, 1)]),
        ("1d-i5-k4-s2-same", (10,), [(1, 1)]),
        ("1d-i5-k3-s1-d2-same", (5,), [(2, 2)]),
        ("1d-i5-k1-s3-same", (15,), [(0, -2)]),
        # R7: (5-1)*2 + e - 2(e//2) + o
        ("1d-i5-k3-s2-same-op0", (9,), [(1, 1)]),
        ("1d-i5-k3-s2-same-op1", (10,), [(0, 1)]),
        ("1d-i5-k4-s2-same-op1", (9,), [(1, 2)]),
        # each axis by its own numbers
        ("2d-i5x7-k3x2-s2x1-same", (10, 7), [(0, 1), (0, 1)]),
    ],
)
def test_sizes_and_crops(case_id: str, output_size: tuple[int, ...], crop: list[tuple[int, int]]) -> None:
    geometry = Case.parse(case_id).geometry()
    assert geometry.output_size == output_size
    assert list(geometry.crop) == crop


@given(valid_cases())
def test_crop_and_size_add_up_to_the_full_length(case: Case) -> None:
    geometry = case.geometry()
    for full, (low, high), size in zip(geometry.full_size, geometry.crop, geometry.output_size, strict=True):
        assert low + size + high == full


@pytest.mark.parametrize(
    ("case_id", "reason"),
    [
        ("2d-i5-k3x0", "kernel_size is 0 on axis W"),
        ("2d-i5-k3-s0x1", "stride is 0 on axis H"),
        ("3d-i5-k3-s1-dm1x1x1", "dilation is -1 on axis D"),
        ("1d-i5-k3-g0", "groups is 0"),
        ("1d-c0x1-i5-k3", "in_channels is 0"),
        ("1d-c3x2-i5-k3-g2", "in_channels 3 is not divisible by groups 2"),
        ("1d-c2x3-i5-k3-g2", "out_channels 3 is not divisible by groups 2"),
        ("1d-i5-k3-opm1", "output_padding is -1"),
        ("1d-i1-k1-p1", "output length is -1 on axis W"),
        ("1d-i0-k1-s3-op0", "output length is -2"),
    ],
)
def test_invalid_cases_name_rule_and_reason(case_id: str, reason: str) -> None:
    with pytest.raises(DomainError, match=reason) as caught:
        Case.parse(case_id).geometry()
    assert caught.value.rule == "R11"
