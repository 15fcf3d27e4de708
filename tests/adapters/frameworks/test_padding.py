"""The words that several interfaces share for a crop say that crop."""

from __future__ import annotations

from hypothesis import given

from conformance.adapters.frameworks.padding import geometry, slices, symmetric_padding, tensorflow_padding
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
