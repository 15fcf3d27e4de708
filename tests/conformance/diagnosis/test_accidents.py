"""What one case happens to look like is not a cause: larger cases refute it; the true cause is named or none."""

from __future__ import annotations

import pytest

from conformance.cases import Case
from tests.faults.accidental import ACCIDENTAL
from tests.faults.machine import RIGHT
from tests.support.diagnosing import diagnosis_of_fault

# Cases in which the faults looked like something else: the fault, the case, the cause and words of its text.
ACCIDENTS = [
    ("crop of H starts where it should end", "3d-c2x3-i3x4x2-k3x1x2-s2x2x1-p1.2x0.1x0.0-op0x0x0-cl-bf16-b1-ints.4",
     "crop_exchanged", "the crop is (1, 0) where (0, 1) is expected along H"),
    ("crop of 4 and more taken as 3", "3d-n2-c3x5-i4x3x2-k3x2x4-s2x3x1-d2x4x3-same-b1",
     "crop_capped", "the crop is (3, 6) where (4, 5) is expected along W: a crop of more than 3"),
    ("every eighth row without bias", "2d-n2-c4x6-i5x4-k3x2-s2x1-p1x0-op0x0-b1",
     "blocks", "every 8th position (8, 16, ...) along H without the bias"),
    ("every sixteenth column left zero", "2d-n2-c5x7-i7x5-k3x5-s2x3-valid-b1",
     "blocks", "every 16th position (16, 32, ...) along W left zero"),
    ("the part of a block never computed", "2d-n2-c3x5-i3x4-k2x3-s3x5-valid-b1", "blocks", "from 16 on along W"),
    ("the second block does not see the inputs of the first", "2d-n2-c5x7-i7x5-k3x5-s2x3-valid-b1",
     "unexplained", "it differs in the last position along W"),
    ("no more than 8 taps", "2d-n3-c4x12-i5x2-k3x4-s1x4-g4-p2x1-op0x1-b1",
     "taps_limited", "only the first 8 taps used"),
    ("no more than 8 taps", "3d-n3-c9x6-i2x4x2-k3x4x2-d1x2x3-g3-p1.2x1.1x2.0-op0x0x2-cl-f16-ints.8-grad",
     "taps_limited", "only the first 8 taps used"),
    ("no more than 32 taps", "3d-n3-c2x2-i2x3x4-k3x5x5-s1x3x1-p3.0x1.1x0.3-op0x1x0-ints.19-grad",
     "taps_limited", "only the first 32 taps used"),
    ("products clipped to 60", "1d-n2-c4x8-i3-k4-s4-g4-p3-op1-b1",
     "clipped", "clipped to [-60, 60] before the bias is added"),
    ("bias rounded to bfloat16", "1d-n2-c4x6-i3-k3-s2-same-cl-b1-cancel.0",
     "bias_rounded", "the bias rounded to bfloat16"),
    ("weights rounded to float16", "1d-n2-c3x6-i5-k1-g3-p3.1-cl-normal.13",
     "tf32", "to TF32 (10 fraction bits) or the weights rounded to float16, the same numbers here"),
    ("dx with output_padding in front", "1d-c6x4-i7-k2-d2-g2-p2.3-op1-f16-b1-normal.7-grad",
     "output_padding_in_front", "dx is wrong: the crop is (1, 3) where (2, 2) is expected along W"),
    ("dx without what output_padding adds", "3d-c2x3-i4x3x4-k1x3x2-d3x2x1-p2x1x2-op2x1x0-cl-f64-normal.8-grad",
     "output_padding_empty", "the part that output_padding adds"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "case", "transform", "text"), ACCIDENTS)
def test_the_cause_is_named_or_none(name: str, case: str, transform: str, text: str) -> None:
    found = diagnosis_of_fault(ACCIDENTAL[name], Case.parse(case))
    assert found is not None
    assert found.transform == transform, found
    assert text in found.text, found


def test_the_same_cases_are_silent_without_a_fault() -> None:
    assert [case for _, case, *_ in ACCIDENTS if diagnosis_of_fault(RIGHT, Case.parse(case)) is not None] == []
