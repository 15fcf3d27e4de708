"""Recorded calls as cases: unknown sizes, dtypes, and arguments that no case has."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.calls.capturing.cases import read_case
from conformance.calls.capturing.events import gather

API = "torch.nn.functional.conv_transpose1d"


def recorded(shape: list[int | None], dtype: str = "float32", **arguments: Any) -> dict[str, Any]:
    tensors = {"input": {"shape": shape, "dtype": dtype}, "weight": {"shape": [2, 3, 3], "dtype": dtype}}
    return {"api": API, "form": API, "arguments": {**tensors, **arguments}}


@pytest.mark.parametrize(
    ("call", "case", "note"),
    [
        (recorded([4, 2, 5], stride=[2]), "1d-n4-c2x3-i5-k3-s2-d1-g1-p0-opauto-cf-f32-b0-ints.0-fwd", None),
        (recorded([None, 2, 5]), "1d-n1-c2x3-i5-k3-s1-d1-g1-p0-opauto-cf-f32-b0-ints.0-fwd", "the batch was not"),
        (recorded([1, 2, None]), "1d-n1-c2x3-i7-k3-s1-d1-g1-p0-opauto-cf-f32-b0-ints.0-fwd", "is for 1x2x7"),
        (recorded([1, 2, 5], "int8"), "1d-n1-c2x3-i5-k3-s1-d1-g1-p0-opauto-cf-f32-b0-ints.0-fwd", "int8"),
        (
            recorded([1, 2, 5], bias={"shape": [4], "dtype": "float32"}),
            "1d-n1-c2x3-i5-k3-s1-d1-g1-p0-opauto-cf-f32-b1.4-ints.0-fwd",
            None,
        ),
        (recorded([1, 7, 5]), None, "not a case: the input 1x7x5 has 7 channels"),
        (recorded([1, 2, 5], stride="2"), None, "not a case: stride"),
    ],
)
def test_a_case_and_a_note(call: dict[str, Any], case: str | None, note: str | None) -> None:
    read, notes = read_case(call)
    assert (None if read is None else str(read)) == case
    assert not notes if note is None else note in " ".join(notes)


def test_the_call_that_has_not_returned_is_the_fatal_one() -> None:
    events: list[dict[str, Any]] = [
        {"call": recorded([1, 2, 5]), "number": "7.1"},
        {"call": recorded([1, 2, 6]), "number": "7.2"},
        {"returned": "7.2"},
        {"again": "7.2"},
        {"returned": "7.2"},
    ]
    sizes = [call.call["arguments"]["input"]["shape"][2] for call in gather(events, died=True).calls]
    assert sizes == [6, 5]
    assert [call.fatal for call in gather(events, died=True).calls] == [False, True]
    assert [call.fatal for call in gather(events).calls] == [False, False]
    assert [call.count for call in gather(events).calls] == [1, 2]
