"""The case id: parse and print are inverse, and errors name the field."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.cases import Case, CaseError
from conformance.cases.design.strategies import cases

FULL = "2d-n2-c4x6-i5x7-k3x3-s2x2-d1x1-g1-same-opauto-cl-f32-b1-ints.0-fwd"


@given(cases(wild=True))
def test_printing_and_parsing_are_inverse(case: Case) -> None:
    assert Case.parse(str(case)) == case
    assert str(Case.parse(str(case))) == str(case)


@given(cases(wild=True))
def test_ids_are_safe_in_shells_file_names_and_urls(case: Case) -> None:
    assert re.fullmatch(r"[a-z0-9._\-]+", str(case))


def test_a_full_id_is_printed_as_it_is() -> None:
    assert str(Case.parse(FULL)) == FULL


def test_the_short_form_takes_the_defaults() -> None:
    assert (
        str(Case.parse("2d-i5x7-k3-s2-same"))
        == "2d-n1-c1x1-i5x7-k3x3-s2x2-d1x1-g1-same-opauto-cf-f32-b0-ints.0-fwd"
    )


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("2d-i5-k3-p1", "p1x1"),
        ("2d-i5-k3-p1x0", "p1x0"),
        ("2d-i5-k3-p0.1x2.1", "p0.1x2.1"),
        ("2d-i5-k3-p0.1x2", "p0.1x2.2"),
        ("2d-i5-k3-p1.1x2.2", "p1x2"),
        ("1d-i5-k3-pm1.2", "pm1.2"),
        ("1d-i5-k3-p-1.2", "pm1.2"),
    ],
)
def test_explicit_crops(text: str, printed: str) -> None:
    assert f"-{printed}-" in str(Case.parse(text))


def test_output_padding_zero_is_not_output_padding_left_out() -> None:
    assert Case.parse("1d-i5-k3-op0") != Case.parse("1d-i5-k3")
    assert Case.parse("1d-i5-k3-op0").output_padding == (0,)
    assert Case.parse("1d-i5-k3").output_padding is None


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "rank"),
        ("4d-i5-k3", "rank"),
        ("i5-k3", "rank"),
        ("2d-k3", "input_size"),
        ("2d-i5", "kernel_size"),
        ("2d-i5x7x3-k3", "input_size"),
        ("2d-i5-k", "kernel_size"),
        ("2d-i5-k3-s2x", "stride"),
        ("2d-i5-k03", "kernel_size"),
        ("2d-i5-k3-c4", "channels"),
        ("2d-c4-i5-k3", "channels"),
        ("2d-i5-k3-p1x2x3", "padding"),
        ("2d-i5-k3-opx", "output_padding"),
        ("2d-i5-k3-b2", "bias"),
        ("2d-i5-k3-noise.0", "data"),
        ("2d-k3-i5", "order"),
        ("2d-i5-k3-k3", "order"),
        ("2d-i5-k3-what", "what"),
        ("2d-n-1-i5-k3", "batch"),
        ("2d-i٣-k3", "input_size"),
        ("2d-i5-k" + "9" * 400, "kernel_size"),
        ("2d-" + "i5-" * 400, "1000"),
    ],
)
def test_errors_name_the_field(text: str, named: str) -> None:
    with pytest.raises(CaseError, match=named):
        Case.parse(text)


@given(st.text(max_size=60) | st.text(alphabet="0123456789dncikspgopxm.-autovalidsamefb", max_size=60))
def test_any_text_is_a_case_or_a_case_error(text: str) -> None:
    try:
        case = Case.parse(text)
    except CaseError as error:
        assert "\n" not in str(error)  # noqa: PT017  # most texts raise, and those that do not are checked too
    else:
        assert Case.parse(str(case)) == case


@pytest.mark.parametrize(
    "values",
    [
        {"rank": 4},
        {"rank": 2, "kernel_size": (3, 3, 3)},
        {"kernel_size": 3.5},
        {"batch": -1},
        {"layout": "nchw"},
        {"dtype": "f31"},
        {"padding": "SAME"},
        {"padding": ((0, 1), (1,))},
        {"direction": "back"},
        {"stride": None},
    ],
)
def test_values_that_no_id_can_say_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(CaseError):
        Case(**{"rank": 2, "input_size": (5, 7), "kernel_size": (3, 3), **values})  # type: ignore[arg-type]


def test_an_int_stands_for_every_axis() -> None:
    assert Case(rank=3, input_size=4, kernel_size=2) == Case.parse("3d-i4-k2")  # type: ignore[arg-type]
