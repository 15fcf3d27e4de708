"""The words that several interfaces share for a crop say that crop."""

from __future__ import annotations

import pytest
from hypothesis import given

from conformance.adapters.base import Declined
from conformance.adapters.frameworks.padding import geometry, slices, symmetric_padding, tensorflow_padding
from conformance.adapters.frameworks.tensorflow_nn import LIMITS, operation
from conformance.cases import Case
from conformance.cases.design.strategies import cases


@given(cases())
def test_symmetric_words_and_the_rest_are_the_crop(case: Case) -> None:
    found = geometry(case)
    words = symmetric_padding(case)
    if found is None:
        return
    for (low, high), p, o, (rest_low, rest_high) in zip(found.crop, *words, strict=True):
        assert (p + rest_low, p - o + rest_high) == (low, high)


@given(cases())
def test_found_output_padding_is_one_the_interface_takes(case: Case) -> None:
    if geometry(case) is None or not isinstance(case.padding, str):
        return
    for limit in (False, True):
        words = symmetric_padding(case, below_stride=limit)
        for o, s, d in zip(words.output_padding, case.stride, case.dilation, strict=True):
            assert 0 <= o < (s if limit else max(s, d))


@given(cases())
def test_tensorflow_padding_starts_the_output_there(case: Case) -> None:
    found = geometry(case)
    word = tensorflow_padding(found) if found is not None else None
    if found is None or word is None:
        return
    for axis, (low, _), size in zip(found.axes, found.crop, found.output_size, strict=True):
        extra = max(axis.full_size - size, 0)
        assert low == (extra // 2 if word == "SAME" else 0)


def test_slices_by_hand() -> None:
    assert slices(((0, 0), (-1, 0)), "channels_first") == ""
    assert slices(((1, 0), (0, 2)), "channels_first") == "[:, :, 1:, :-2]"
    assert slices(((1, 0), (0, 2)), "channels_last") == "[:, 1:, :-2, :]"


def test_an_output_shape_of_tensorflow_ends_less_than_a_stride_behind_the_full_output() -> None:
    within, beyond = (Case.parse(f"2d-c2x4-i3-k3-s2-p0.m{more}-cl") for more in (1, 2))
    assert not any(limit.applies(case) for limit in LIMITS for case in (within, beyond))
    (call,) = (line for line in operation(within) if line.startswith("y = "))
    assert "output_shape=(1, 8, 8, 4)" in call
    assert "padding='VALID'" in call
    assert call.endswith(")")
    with pytest.raises(Declined, match="neither SAME nor VALID"):
        operation(beyond)
