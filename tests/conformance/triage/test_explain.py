"""The explanation of a case: rules with numbers, taps, overlap, the layout trap and the diagnosis."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from conformance import oracle
from conformance.cases import Case
from conformance.cases.design.strategies import valid_cases
from conformance.oracle.overlap import overlap
from tests.support.command import conformance, toy


def test_geometry_with_the_numbers_filled_in() -> None:
    done = conformance("explain", "1d-i4-k3-s2-d2-p1.2-op1")
    assert done.returncode == 0, done.stderr
    assert "e = d(k-1)+1 = 2*2+1 = 5" in done.stdout
    assert "F = (i-1)s+e = 3*2+5 = 11" in done.stdout
    assert "R4  lo = 1, hi = 2 - 1 = 1" in done.stdout
    assert "crop (1, 1): 11 - 1 - 1 = 9" in done.stdout


def test_an_invalid_case_names_the_rule() -> None:
    done = conformance("explain", "1d-i1-k1-p9")
    assert done.returncode == 0
    assert "no expected output: R11" in done.stdout


def test_the_layout_trap_is_pointed_out() -> None:
    done = conformance("explain", "2d-c2x1-i1x2-k3-s2-same-cl")
    assert "the axes look like the other layout" in done.stdout
    assert "[1, 2, 4, 1]" in done.stdout
    assert "[1, 1, 4, 4]" in done.stdout
    assert "other layout" not in conformance("explain", "2d-c1x1-i2-k3-s2-same-cl").stdout


def test_the_layout_trap_in_a_call() -> None:
    done = conformance(
        "explain", "keras.layers.Conv2DTranspose(1, 3, strides=2, padding='same')", "--input", "1x1x2x2"
    )
    assert done.returncode == 0, done.stderr
    assert "the axes look like the other layout" in done.stdout


def test_taps_and_overlap_are_drawn() -> None:
    lines = conformance("explain", "1d-i3-k3-s2").stdout.splitlines()
    assert "    in 1   . . 0 1 2 . ." in lines
    assert any(line.split() == ["1", "1", "2", "1", "2", "1", "1"] for line in lines)


@pytest.mark.parametrize(
    ("text", "measure"),
    [
        ("2d-i5-k4-s2", 0.0),
        ("1d-i5-k3-s2", 0.5),
        ("2d-i5-k3-s2", 0.75),
        ("1d-i5-k2-s3", 1.0),
        ("1d-i5-k4-s2-d2", 1.0),
    ],
)
def test_checkerboard_measure(text: str, measure: float) -> None:
    assert overlap(Case.parse(text)).measure == measure


@given(valid_cases())
def test_overlap_counts_are_the_oracles_output_for_ones(case: Case) -> None:
    counts = oracle.conv_transpose(
        np.ones((1, 1, *case.input_size)),
        np.ones((1, 1, *case.kernel_size)),
        stride=case.stride,
        dilation=case.dilation,
        crop=case.geometry().crop,
    )
    assert np.array_equal(overlap(case).counts, counts[0, 0])


def test_diagnosis_of_an_adapter() -> None:
    done = conformance("explain", "2d-c2x2-i3x4-k2-s4", "--adapter", toy("Shifted"))
    assert done.returncode == 1, done.stderr
    assert "diagnosis: equals the expected output shifted by" in done.stdout
    assert "W: stride 4, dilation 1, output starts at" in done.stdout


def test_when_needs_an_adapter() -> None:
    done = conformance("explain", "2d-c2x2-i3-k2-s3-same", "--when")
    assert done.returncode == 2
    assert "--when needs --adapter" in done.stderr


def test_the_condition_is_found_by_further_cases() -> None:
    done = conformance("explain", "2d-c2x2-i3-k2-s3-same", "--adapter", toy("Shifted"), "--when")
    assert done.returncode == 1, done.stderr
    condition = done.stdout.splitlines()[-1].strip()
    # Where no tap reaches the only position along W, the shift shows nothing, so a bound on the output may follow.
    assert condition.startswith("stride > kernel_size on some axis and direction = 'fwd'")
    assert "uncertain" not in condition


def test_a_right_adapter_has_no_diagnosis() -> None:
    done = conformance("explain", "2d-c2x2-i3x4-k2-s4-p0", "--adapter", toy("SegfaultsOnDilatedGroups"))
    assert done.returncode == 0, done.stderr
    assert "diagnosis:" not in done.stdout
    assert "products are where the rules say" in done.stdout
