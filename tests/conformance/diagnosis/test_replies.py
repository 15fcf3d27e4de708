"""Wrong shapes and crashes are diagnosed as well."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from conformance.adapters.base import Tensor
from conformance.adapters.host.client import Reply
from conformance.cases import Case
from conformance.cases.data import make_tensors
from conformance.diagnosis.crashes_and_shapes import diagnose_crash
from conformance.diagnosis.diagnose import diagnose
from conformance.oracle.verdict import judge
from tests.support.diagnosing import diagnosis_of
from tests.support.planted import Planted, forward


def misread(**changes: Any) -> Callable[[Case, Any], Any]:
    """Runs a different case: field by field, a value or a function of the case."""

    def compute(case: Case, tensors: Any) -> Any:
        values = {name: value(case) if callable(value) else value for name, value in changes.items()}
        return {"y": forward(replace(case, **values), tensors)}

    return compute


@pytest.mark.parametrize(
    ("compute", "case", "transform", "axes"),
    [
        (misread(output_padding=None), "2d-c2x3-i4x3-k3-s2-p1-op1", "output_padding_ignored", ("H", "W")),
        (
            misread(output_padding=lambda c: tuple(2 * o for o in c.output_padding or (0, 0))),
            "2d-c2x3-i4x3-k3-s3-p1-op1x0",
            "output_padding_doubled",
            ("H",),
        ),
        (misread(padding="valid"), "2d-c2x3-i4x3-k3-s2-same", "padding_convention", ("H", "W")),
        (misread(dilation=1), "2d-c2x3-i4x3-k3-s2-d2-p1", "dilation_ignored", ("H", "W")),
        (misread(stride=lambda c: c.stride[::-1]), "2d-c2x3-i4x3-k3-s2x3-p1", "stride_axes_swapped", ("H", "W")),
        (misread(stride=lambda c: (1, c.stride[1])), "2d-c2x3-i4x3-k3-s2x3-p1", "stride_ignored", ("H",)),
    ],
)
def test_wrong_size_with_the_values_of_a_different_case(
    compute: Any, case: str, transform: str, axes: tuple[str, ...]
) -> None:
    found = diagnosis_of(case, Planted(compute))
    assert found is not None
    assert (found.transform, found.axes) == (transform, axes), found
    assert found.text.startswith("equals the expected output ")


@pytest.mark.parametrize(
    ("change", "transform"),
    [
        (lambda y: y.swapaxes(2, 3), "output_axes_swapped"),
        (lambda y: np.moveaxis(y, 1, -1), "layout_mistaken"),
        (lambda y: y[0], "batch_missing"),
    ],
)
def test_right_values_in_another_arrangement(change: Any, transform: str) -> None:
    found = diagnosis_of("2d-c2x3-i4x3-k3-s2-p1", Planted(lambda c, t: {"y": change(forward(c, t))}))
    assert found is not None
    assert found.transform == transform
    assert found.text.startswith("equals the expected output ")


def test_an_input_read_in_the_other_layout_shows_by_the_shape() -> None:
    found = diagnosis_of("2d-i2-k3-s2-same", Planted(lambda c, t: {"y": np.zeros((1, 2, 4, 1))}))
    assert found is not None
    assert found.transform == "layout_mistaken"
    assert "the axes look like the other layout" in found.text


def test_a_size_of_no_known_case_is_unexplained() -> None:
    found = diagnosis_of("2d-i4x3-k3-s2-p1", Planted(lambda c, t: {"y": np.zeros((1, 1, 17, 5))}))
    assert found is not None
    assert found.transform == "unexplained"
    assert "+10 along H" in found.text


def test_numbers_for_an_invalid_case_name_the_rule() -> None:
    found = diagnosis_of("2d-i4-k3-s2-opm1", Planted(lambda c, t: {"y": np.zeros((1, 1, 2, 2))}))
    assert found is not None
    assert (found.transform, found.rule) == ("accepted", "R11")


def test_a_crash_says_why_in_the_frameworks_own_words() -> None:
    detail = (
        "SIGABRT\nF1130 06:12:19.584315   21029 simplifier.cc:586] Check failed: shapes do not match\n"
        "Fatal Python error: Aborted\n\nThread 0x00007f25a973f6c0 (most recent call first):\n"
        '  File "/suite/adapters/host.py", line 239 in read'
    )
    found = diagnose_crash(detail)
    assert found.text == "the process ended with SIGABRT: simplifier.cc:586] Check failed: shapes do not match"
    assert (found.signal, found.argument) == ("SIGABRT", "simplifier.cc")
    assert found.last_line == "simplifier.cc:586] Check failed: shapes do not match"


def test_a_crash_without_a_word_is_named_by_its_signal() -> None:
    found = diagnose_crash("SIGSEGV\nFatal Python error: Segmentation fault")
    assert (found.text, found.argument) == ("the process ended with SIGSEGV", "")


def test_a_hang_has_no_last_line() -> None:
    assert diagnose_crash("no reply within 5 s", "timeout").text == "no output within the time limit"


@pytest.mark.parametrize(("third", "where"), [(-np.inf, "W 1"), (np.inf, "W 1 to 2")])
def test_an_infinity_that_overflow_gives_is_not_among_what_differs(third: float, where: str) -> None:
    case = Case.parse("1d-i4-k1-f16-given.0.x1000_2_1000_3.wm1000")  # -1e6, -2000, -1e6, -3000
    values = np.array([-np.inf, -1234, third, -3000], np.float16).reshape(case.output_shape)
    tensors = make_tensors(case)
    reply = Reply("answer", {"y": Tensor(values, "f16")}, promise="fp32-acc")
    diagnosis = diagnose(case, tensors, reply, judge(case, tensors, reply))
    assert diagnosis is not None
    assert "-inf" not in diagnosis.text
    assert where in diagnosis.text
