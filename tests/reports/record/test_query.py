"""The condition language reads columns and does nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.reports.record.query import WhereError, matching

NAMES = ("rank", "stride_max", "kernel_min", "padding")
ROWS = [
    {"rank": 1, "stride_max": 3, "kernel_min": 2, "padding": "same"},
    {"rank": 2, "stride_max": 1, "kernel_min": 2, "padding": "same"},
    {"rank": 3, "stride_max": 3, "kernel_min": 1, "padding": "valid"},
]


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ("stride_max > kernel_min and padding = 'same'", [True, False, False]),
        ("not (padding = 'same')", [False, False, True]),
        ("rank in (1, 3)", [True, False, True]),
        ("padding like 'va%'", [False, False, True]),
        ("max(stride_max, kernel_min) = 3", [True, False, True]),
        ("rank = 1 -- a comment", [True, False, False]),
    ],
)
def test_conditions(condition: str, met: list[bool]) -> None:
    assert matching(ROWS, condition, NAMES) == met


@pytest.mark.parametrize(
    "condition",
    [
        "no_such_column = 1",
        '"rnak" = 1',
        "rank =",
        "1) or (1",
        "1; drop table candidates",
        "rank in (select rank from sqlite_master)",
        "load_extension('x')",
        "randomblob(1000000000) is not null",
        "(with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n)",
        "writefile('x', 'y')",
        "\0",
        "rank = 1" + " or rank = 1" * 500,
    ],
)
def test_anything_else_is_refused(condition: str) -> None:
    with pytest.raises(WhereError):
        matching(ROWS, condition, NAMES)


@given(st.text(max_size=80) | st.text(alphabet="rank=<>()'\"; -selctfromdp1*", max_size=80))
def test_any_text_is_a_condition_or_an_error(condition: str) -> None:
    try:
        met = matching(ROWS, condition, NAMES)
    except WhereError:
        return
    else:
        assert len(met) == len(ROWS)
