"""Mistakes of placement: where the output lies in the full result, and the numbers that spread the taps."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from conformance import oracle
from conformance.cases.errors import DomainError
from conformance.diagnosis.mutations.misreadings import TRANSFORMS as MISREAD
from conformance.diagnosis.mutations.misreadings import misreadings
from conformance.diagnosis.mutations.problem import Map, Problem, changed, on_linear, on_output
from conformance.diagnosis.mutations.registry import Variation, along, join_words, subsets, transformation

__all__ = ["plain_full"]

_COMMON = {"crop_exchanged", "output_padding_in_front", "output_padding_ignored", "padding_convention",
           "stride_ignored", "dilation_ignored", "stride_axes_swapped", "dilation_axes_swapped",
           "stride_of_another_axis", "dilation_of_another_axis", "same_convention", "padding_ignored"}  # fmt: skip


@transformation("shift")
def shift(p: Problem) -> Iterator[Variation]:
    """The window of the full result moved; got[o] = oracle[o - n]."""
    reach = [min(max(e, 2 * s, 3), 8) for e, s in zip(p.case.geometry().effective_kernel, p.stride, strict=True)]
    singles = [(axis, n) for axis in range(p.rank) for n in _amounts(reach[axis])]
    for axis, n in singles:
        yield _shifted(p, tuple(n if other == axis else 0 for other in range(p.rank)), combines=abs(n) <= 2)
    near = range(-3, 4) if p.rank < 3 else range(-2, 3)
    if p.rank > 1:
        for vector in itertools.product(near, repeat=p.rank):
            used = [n for n in vector if n]
            if len(used) > 1:
                yield _shifted(p, vector, cost=1 if len(set(used)) == 1 else 2)


def _amounts(reach: int) -> Iterator[int]:
    for n in range(1, reach + 1):
        yield from (n, -n)


def _shifted(p: Problem, vector: tuple[int, ...], *, cost: int = 1, combines: bool = False) -> Variation:
    used = [(name, n) for name, n in zip(p.names, vector, strict=True) if n]
    text = join_words([f"{n:+d} along {name}" for name, n in used])
    return Variation(
        "shift",
        tuple(name for name, _ in used),
        f"the output shifted by {text}",
        lambda q: q.but(low=tuple(low - n for low, n in zip(q.low, vector, strict=True))),
        cost=cost,
        combines=combines,
    )


@transformation("shift")
def shift_within(p: Problem) -> Iterator[Variation]:
    """The finished output moved: zeros come in, or the elements that left at the other end."""
    for axis, name in enumerate(p.names):
        for n in _amounts(min(p.size[axis] - 1, 4)):
            roll = Map(partial(np.roll, shift=n, axis=axis + 2), partial(np.roll, shift=-n, axis=axis + 2))
            pushed = Map(partial(_push, n=n, axis=axis + 2), partial(_push, n=-n, axis=axis + 2))
            text = f"the output shifted by {n:+d} along {name}"
            yield Variation("shift", (name,), f"{text}, zeros moving in", on_output(pushed))
            yield Variation("shift", (name,), f"{text}, wrapping around", on_output(roll))
            yield Variation(
                "shift",
                (name,),
                f"{text} before the bias is added, zeros moving in",
                on_linear(pushed),
            )


def _push(array: np.ndarray, n: int, axis: int) -> np.ndarray:
    pushed = np.zeros_like(array)
    length = array.shape[axis]
    if abs(n) < length:
        front, back = slice(max(n, 0), length + min(n, 0)), slice(max(-n, 0), length - max(n, 0))
        np.moveaxis(pushed, axis, 0)[front] = np.moveaxis(array, axis, 0)[back]
    return pushed


@transformation("output_padding_in_front")
def output_padding_in_front(p: Problem) -> Iterator[Variation]:
    """output_padding added at the start of the output, not at its end."""
    given = p.case.output_padding or (0,) * p.rank
    for axes in subsets(p.rank, lambda axis: given[axis] > 0):
        yield _placed_at(
            p,
            "output_padding_in_front",
            axes,
            f"output_padding added at the start {along(_axis_names(p, axes))}",
            tuple(low - o * (axis in axes) for axis, (low, o) in enumerate(zip(p.low, given, strict=True))),
        )


@transformation("zeros_at_both_ends", "zeros_in_front")
def zeros_in_front(p: Problem) -> Iterator[Variation]:
    """The zeros beyond the full result put before it, all or half of them, although they belong after it."""
    # An even split also applies to a negative crop, rounded towards zero as integer division does in C.
    halves = [int(high / 2) for high in p.high]
    places = (
        ("zeros_in_front", "put before it", p.high),
        ("zeros_at_both_ends", "put half before and half after it", halves),
        ("zeros_at_both_ends", "put half before and half after it, the odd one before", [n // 2 for n in p.high]),
    )
    for transform, where, moved in places:
        for axes in subsets(p.rank, [n < 0 for n in moved].__getitem__):
            low = tuple(a + n * (axis in axes) for axis, (a, n) in enumerate(zip(p.low, moved, strict=True)))
            text = f"the zeros beyond the full result {where} {along(_axis_names(p, axes))}"
            yield _placed_at(p, transform, axes, text, low)


@transformation(
    "crop_at_begin",
    "crop_at_end",
    "crop_centred",
    "crop_centred_up",
    "crop_exchanged",
    "padding_axes_swapped",
    "same_convention",
)
def crop_placed_elsewhere(p: Problem) -> Iterator[Variation]:
    """The same length cropped, but at other ends."""
    total = [low + high for low, high in zip(p.low, p.high, strict=True)]
    named = isinstance(p.case.padding, str)
    places: dict[str, tuple[str, list[int]]] = {}
    if named and p.case.padding == "same":
        places["same_convention"] = (
            "another `same` convention (the odd position cropped at the other end)",
            [t - low if abs(t - 2 * low) == 1 else low for t, low in zip(total, p.low, strict=True)],
        )
    places["crop_exchanged"] = ("the crop's start and end swapped", list(p.high))
    places["crop_at_begin"] = ("the whole crop taken at the start", total)
    if named:  # for an explicit crop, "the padding ignored for the crop" says the same
        places["crop_at_end"] = ("the whole crop taken at the end", [0] * p.rank)
    places["crop_centred"] = ("the crop split evenly", [t // 2 for t in total])
    odd_first = "the crop split evenly, the odd position at the start"
    places["crop_centred_up"] = (odd_first, [(t + 1) // 2 for t in total])
    for a, b in itertools.combinations(range(p.rank), 2):
        if p.low[a] != p.low[b]:
            swapped = tuple({a: p.low[b], b: p.low[a]}.get(axis, low) for axis, low in enumerate(p.low))
            text = f"the crop of {p.names[a]} and {p.names[b]} swapped"
            yield _placed_at(p, "padding_axes_swapped", (a, b), text, swapped)
    for transform, (text, lows) in places.items():
        # Where a convention adds zeros at an end, there is no crop to place, but its two ends can be swapped.
        wrong = [
            place != low and (cut > 0 or not named or transform == "crop_exchanged")
            for place, low, cut in zip(lows, p.low, total, strict=True)
        ]
        for axes in subsets(p.rank, wrong.__getitem__):
            moved = tuple(lows[axis] if axis in axes else p.low[axis] for axis in range(p.rank))
            why = text.removeprefix("the crop's ").removeprefix("the crop ")
            yield _placed_at(p, transform, axes, f"{text} {along(_axis_names(p, axes))}", moved, why)


@transformation("output_size")
def output_size(p: Problem) -> Iterator[Variation]:
    """An output longer or shorter than expected: which end was moved, and what was added there."""
    got = p.observed.get("y")
    if got is None or got.ndim != p.rank + 2 or got.shape[2:] == p.size or min(p.size) < 1:
        return
    size = got.shape[2:]
    more = tuple(g - n for g, n in zip(size, p.size, strict=True))
    axes = tuple(axis for axis in range(p.rank) if more[axis])
    sizes = join_words([f"{more[axis]:+d} along {p.names[axis]}" for axis in axes])
    earlier = tuple(low - n for low, n in zip(p.low, more, strict=True))
    ways = {"at its end": changed(size=size), "at its start": changed(low=earlier, size=size)}
    if min(more) >= 0:
        for where, ends in (("at its end", [(0, n) for n in more]), ("at its start", [(n, 0) for n in more])):
            pad = partial(np.pad, pad_width=[(0, 0), (0, 0), *ends])
            ways[f"{where}, zeros there"] = on_output(Map(pad, lambda dy: dy))
    for text, change in ways.items():
        yield Variation("output_size", _axis_names(p, axes), f"the output's size {sizes} {text}", change, cost=2)


def _axis_names(p: Problem, axes: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(p.names[axis] for axis in axes)


def _placed_at(
    p: Problem, transform: str, axes: tuple[int, ...], text: str, low: tuple[int, ...], why: str = ""
) -> Variation:
    moves = [f"{p.low[axis] - low[axis]:+d} along {p.names[axis]}" for axis in axes]
    return Variation(
        transform,
        _axis_names(p, axes),
        f"{text} (the output shifted by {join_words(moves)})",
        changed(low=low),
        combines=transform in _COMMON,
        sentence=f"{_crop_sentence(p, low)}: {why or text}",
    )


@transformation(*MISREAD)
def misread_numbers(p: Problem) -> Iterator[Variation]:
    """A number of the case ignored, taken from another axis, swapped or off by one."""
    wanted_axes = None
    if p.wanted_axes is not None:
        wanted_axes = {tuple(map(p.names.index, axes)) for axes in p.wanted_axes}
    for transform, axes, text, case in misreadings(p.case, p.wanted, wanted_axes):
        names = _axis_names(p, axes)
        try:
            geometry = case.geometry()
            low, size = tuple(pair[0] for pair in geometry.crop), geometry.output_size
        except DomainError:
            if isinstance(case.padding, str):
                continue
            # There is no such output, but a crop that starts there still fits the right length.
            low, size = tuple(pair[0] for pair in case.padding), None
        taps = {"stride": case.stride, "dilation": case.dilation}
        # The taps, the place of the crop and the length of the output use one number; each use may be wrong alone.
        ways: dict[str, dict[str, Any]] = {
            "": {**taps, "low": low, "size": size},
            " for the taps": taps,
            " for the crop": {"low": low},
            " for the taps and the crop": {**taps, "low": low},
            " for the output size": {"size": size},
        }
        if transform == "padding_end_only":  # for the crop alone, that equals the padding ignored
            ways = {"": ways[""]}
        if size is None:
            ways = {" for the crop": {"low": low}}
        right = (p.stride, p.dilation, p.low, p.size)
        for suffix, changes in ways.items():
            numbers = {"stride": p.stride, "dilation": p.dilation, "low": p.low, "size": p.size} | changes
            # Ways with the same result here differ in other cases.
            if tuple(numbers.values()) != right:
                sentence = ""
                if suffix == " for the crop":
                    # That a number is off by one is only a guess at the cause of the crop.
                    why = "" if transform.endswith("_off_by_one") else f", as with {text}"
                    sentence = f"{_crop_sentence(p, low)}{why}"
                yield Variation(
                    transform,
                    names,
                    f"{text}{suffix}",
                    changed(**changes),
                    combines=suffix in ("", " for the taps") and transform in _COMMON,
                    sentence=sentence,
                )


def _crop_sentence(p: Problem, low: tuple[int, ...]) -> str:
    """Say where the output is cut from the full result, and where it should be."""
    moved: dict[str, list[str]] = {}
    for name, right, start, end in zip(p.names, p.low, low, p.high, strict=True):
        if start != right:
            pairs = f"{(start, end + right - start)} where {(right, end)} is expected"
            moved.setdefault(pairs, []).append(name)
    return f"the crop is {join_words([f'{pairs} {along(names)}' for pairs, names in moved.items()])}"


@transformation("circular")
def circular(p: Problem) -> Iterator[Variation]:
    """The part that the crop cuts off is added at the other end."""
    for axes in subsets(p.rank, lambda axis: p.low[axis] > 0 or p.high[axis] > 0):
        yield Variation(
            "circular",
            _axis_names(p, axes),
            f"the cropped ends folded back into the output {along(_axis_names(p, axes))}",
            changed(compute=partial(_fold, axes=axes)),
        )


def _fold(p: Problem, axes: tuple[int, ...]) -> np.ndarray:
    """A full result whose window contains the folded sums."""
    full = plain_full(p)
    for axis in axes:
        low, size = p.low[axis], p.size[axis]
        moved = np.moveaxis(full, axis + 2, 0)
        folded = np.zeros_like(moved)
        if size and low >= 0 and low + size <= len(moved):
            for f in range(len(moved)):
                folded[low + (f - low) % size] += moved[f]
        full = np.moveaxis(folded, 0, axis + 2)
    return full


def plain_full(p: Problem) -> np.ndarray:
    """The full result of a problem, uncropped and without bias."""
    return oracle.conv_transpose(p.x, p.w, stride=p.stride, dilation=p.dilation, groups=p.groups)


@transformation("crop_capped")
def crop_capped(p: Problem) -> Iterator[Variation]:
    """A crop at the start that is limited to some number."""
    # A crop taken as 0 equals the padding ignored.
    for most in range(1, max(p.low)):
        axes = tuple(axis for axis in range(p.rank) if p.low[axis] > most)
        text = f"a crop of more than {most} at the start taken as {most}"
        low = tuple(min(n, most) for n in p.low)
        sentence = f"{_crop_sentence(p, low)}: {text}"
        change = partial(_cap_crop, most=most)
        yield Variation("crop_capped", _axis_names(p, axes), text, change, sentence=sentence, travels=True)


def _cap_crop(p: Problem, most: int) -> Problem:
    return p.but(low=tuple(min(n, most) for n in p.low))
