"""Numbers of a case misread: ignored, swapped, of another axis, off by one, or under another convention."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Container, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from conformance.cases.case import Case
from conformance.cases.errors import CaseError
from conformance.cases.fields import FieldValues
from conformance.cases.geometry import CONVENTIONS, SPLITS
from conformance.diagnosis.mutations.registry import along, subsets

__all__ = ["TRANSFORMS", "Misreading", "misreadings"]

_FIELDS = ("stride", "dilation", "padding", "output_padding")

TRANSFORMS = (
    *(f"{field}_{how}" for field in _FIELDS for how in ("ignored", "axes_swapped", "of_another_axis")),
    *("stride_dilation_exchanged", "stride_off_by_one", "dilation_off_by_one"),
    *("padding_convention", "padding_clipped", "padding_scaled", "padding_doubled", "padding_begin_only"),
    *("padding_end_only", "padding_negated", "padding_clamped"),
    *("output_padding_doubled", "output_padding_not_given", "output_padding_given", "same_at_stride_1"),
)
"""The names of all misreadings."""

# A transformation, its axes, its text, and the fields of the case that it changes.
_Change = tuple[str, tuple[int, ...], str, FieldValues]


class Misreading(NamedTuple):
    """A case that an implementation may have computed in place of the given one."""

    transform: str
    axes: tuple[int, ...]
    text: str
    case: Case


def misreadings(
    case: Case, wanted: frozenset[str] | None = None, wanted_axes: Container[tuple[int, ...]] | None = None
) -> Iterator[Misreading]:
    """The misreadings of a case with the names, and along the axes, that are wanted; by default all."""
    seen = {case}
    for transform, axes, text, changes in itertools.chain(_of_numbers(case), _of_padding(case)):
        if wanted is not None and transform not in wanted:
            continue
        if wanted_axes is not None and axes not in wanted_axes:
            continue
        try:
            other = replace(case, **changes)
        except CaseError:
            continue
        if other not in seen:
            # Another reading of the same wrong case is an equally good explanation.
            yield Misreading(transform=transform, axes=axes, text=text, case=other)


def _of_numbers(case: Case) -> Iterator[_Change]:
    names = ("D", "H", "W")[-case.rank :]
    everywhere = tuple(range(case.rank))
    spatial: dict[str, tuple[Any, ...]] = {"stride": case.stride, "dilation": case.dilation}
    if not isinstance(case.padding, str):
        spatial["padding"] = case.padding
    if case.output_padding is not None:
        spatial["output_padding"] = case.output_padding
    neutral = {"stride": 1, "dilation": 1, "padding": (0, 0), "output_padding": 0}

    def matters(field: str, *axes: int) -> bool:
        """Whether a value has an effect: the dilation of a single tap has none."""
        return field != "dilation" or all(case.kernel_size[a] > 1 for a in axes)

    for field, values in spatial.items():
        for axes in subsets(case.rank, lambda a, v=values, f=field: v[a] != neutral[f] and matters(f, a)):
            changed = tuple(neutral[field] if a in axes else v for a, v in enumerate(values))
            text = f"the {field} ignored {along([names[a] for a in axes])}"
            yield f"{field}_ignored", axes, text, {field: changed}
        for a, b in itertools.combinations(everywhere, 2):
            if not matters(field, a, b):
                continue
            order = list(everywhere)
            order[a], order[b] = b, a
            text = f"the {field} of {names[a]} and {names[b]} swapped"
            yield f"{field}_axes_swapped", (a, b), text, {field: tuple(values[i] for i in order)}
        # Orders of three axes that are not a single swap.
        for cycle in [(1, 2, 0), (2, 0, 1)] if case.rank == 3 else []:
            text = f"the {field} in the order {', '.join(names[i] for i in cycle)}"
            yield f"{field}_axes_swapped", everywhere, text, {field: tuple(values[i] for i in cycle)}
        for source in everywhere:
            wrong = tuple(a for a in everywhere if values[a] != values[source] and matters(field, a))
            if wrong:
                text = f"the {field} of {names[source]} used {along([names[a] for a in wrong])}"
                yield f"{field}_of_another_axis", wrong, text, {field: (values[source],) * case.rank}
            if len(wrong) > 1:
                for a in wrong:
                    text = f"the {field} of {names[source]} used along {names[a]}"
                    changed = tuple(values[source] if i == a else v for i, v in enumerate(values))
                    yield f"{field}_of_another_axis", (a,), text, {field: changed}
    for axes in subsets(case.rank, lambda a: case.stride[a] != case.dilation[a]):
        strides, dilations = (
            tuple(other[a] if a in axes else v for a, v in enumerate(own))
            for own, other in ((case.stride, case.dilation), (case.dilation, case.stride))
        )
        text = f"stride and dilation swapped {along([names[a] for a in axes])}"
        yield "stride_dilation_exchanged", axes, text, {"stride": strides, "dilation": dilations}
    for field in ("stride", "dilation"):
        values = spatial[field]
        for n, axes in itertools.product((1, -1), subsets(case.rank, lambda a, f=field: matters(f, a))):
            changed = tuple(v + n * (a in axes) for a, v in enumerate(values))
            text = f"the {field} {n:+d} {along([names[a] for a in axes])}"
            yield f"{field}_off_by_one", axes, text, {field: changed}


def _of_same(case: Case, everywhere: tuple[int, ...]) -> Iterator[_Change]:
    """The pads that `same` has at stride 1, where the rules take the stride into account.

    OpenCV computes the pads of ConvTranspose so: half of the kernel is cropped at the start, less for
    output_padding, which lengthens the output. Its older engine crops nothing where the stride is larger than the
    kernel.
    """
    given = case.output_padding or (0,) * case.rank
    most = [d * (k - 1) - o for k, d, o in zip(case.kernel_size, case.dilation, given, strict=True)]
    at_dilation_1 = [max(k - 1 - o, 0) for k, o in zip(case.kernel_size, given, strict=True)]
    large = [s > k for s, k in zip(case.stride, case.kernel_size, strict=True)]
    crops = [([max(n, 0) for n in most], ""), (at_dilation_1, " and dilation 1")]
    if any(large):
        nothing = ", without a crop at the start where the stride is larger than the kernel"
        crops += [
            ([0 if wide else n for n, wide in zip(crop, large, strict=True)], text + nothing)
            for crop, text in crops
        ]
    for crop, where in crops:
        pairs = tuple((n // 2, total - n // 2) for n, total in zip(crop, most, strict=True))
        text = f"padding `{case.padding}` computed as at stride 1{where}"
        yield "same_at_stride_1", everywhere, text, {"padding": pairs, "output_padding": None}


def _of_padding(case: Case) -> Iterator[_Change]:
    names = ("D", "H", "W")[-case.rank :]
    everywhere = tuple(range(case.rank))
    strided = [k for s, k in zip(case.stride, case.kernel_size, strict=True) if s > 1]
    for convention in (*CONVENTIONS, *(SPLITS if case.given_output_size is not None else ())):
        if convention != case.padding:
            text = f"padding `{convention}` in place of `{case.padding}`" if isinstance(case.padding, str) else ""
            text = text or f"padding `{convention}` in place of the explicit one"
            yield "padding_convention", everywhere, text, {"padding": convention}
    if isinstance(case.padding, str):
        text = f"padding `{case.padding}` ignored"
        yield "padding_ignored", everywhere, text, {"padding": ((0, 0),) * case.rank}
        # A single tap has no pads at stride 1: that the padding is ignored says the same.
        if case.padding.startswith("same") and max(strided, default=2) > 1:
            yield from _of_same(case, everywhere)
    else:
        given = case.padding
        changes: dict[tuple[str, str], Callable[[int, int], tuple[int, int]]] = {
            ("padding_doubled", "the padding applied twice"): lambda low, high: (2 * low, 2 * high),
            ("padding_begin_only", "the padding applied at the start only"): lambda low, high: (low, 0),
            ("padding_end_only", "the padding applied at the end only"): lambda low, high: (0, high),
            ("padding_negated", "the padding added instead of cropped"): lambda low, high: (-low, -high),
            ("padding_clamped", "a negative padding taken as 0"): lambda low, high: (max(low, 0), max(high, 0)),
        }
        # As when the zero-inserted input is padded by max(e - 1 - p, 0).
        most = [d * (k - 1) for k, d in zip(case.kernel_size, case.dilation, strict=True)]
        for axes in subsets(case.rank, lambda a: max(given[a]) > most[a]):
            pairs = tuple((min(low, n), min(high, n)) if a in axes else (low, high)
                          for a, ((low, high), n) in enumerate(zip(given, most, strict=True)))  # fmt: skip
            text = f"the padding clipped at the effective kernel minus one {along([names[a] for a in axes])}"
            yield "padding_clipped", axes, text, {"padding": pairs}
        for field in ("stride", "dilation"):
            factors = getattr(case, field)
            for axes in subsets(case.rank, lambda a, f=factors: given[a] != (0, 0) and f[a] != 1):
                scaled = tuple((low * f, high * f) for (low, high), f in zip(given, factors, strict=True))
                pairs = tuple(scaled[a] if a in axes else pair for a, pair in enumerate(given))
                text = f"the padding in units of the {field} {along([names[a] for a in axes])}"
                yield "padding_scaled", axes, text, {"padding": pairs}
        for (transform, text), change in changes.items():
            for axes in subsets(case.rank, lambda a: given[a] != (0, 0)):
                pairs = tuple(change(*pair) if a in axes else pair for a, pair in enumerate(given))
                yield transform, axes, f"{text} {along([names[a] for a in axes])}", {"padding": pairs}
    if case.output_padding is not None:
        extra = case.output_padding
        for axes in subsets(case.rank, lambda a: extra[a] != 0):
            twice = tuple(o * (1 + (a in axes)) for a, o in enumerate(extra))
            text = f"output_padding applied twice {along([names[a] for a in axes])}"
            yield "output_padding_doubled", axes, text, {"output_padding": twice}
        if isinstance(case.padding, str):  # under explicit crops, not given and 0 are the same
            text = "output_padding taken as not given"
            yield "output_padding_not_given", everywhere, text, {"output_padding": None}
    elif isinstance(case.padding, str):
        yield "output_padding_given", everywhere, "output_padding taken as 0", {"output_padding": (0,) * case.rank}
