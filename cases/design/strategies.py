"""hypothesis strategies over the whole domain, for property tests and for ``conformance fuzz``.

Nothing else in this folder imports hypothesis: an adapter's process does not need it.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from hypothesis import strategies as st

from conformance.cases.case import Case
from conformance.cases.data import DATA_KINDS
from conformance.cases.directions import DIRECTIONS
from conformance.cases.dtypes import DTYPES
from conformance.cases.geometry import CONVENTIONS

__all__ = ["cases", "valid_cases"]


@st.composite
def cases(draw: st.DrawFn, *, wild: bool = False) -> Case:
    """Any case; ``wild`` reaches outside the domain (R11) too."""
    rank = draw(st.integers(1, 3))
    low = 0 if wild else 1
    steps = st.integers(-2, 4) if wild else st.integers(1, 4)

    def axes(values: st.SearchStrategy[Any]) -> tuple[Any, ...]:
        return tuple(draw(st.lists(values, min_size=rank, max_size=rank)))

    groups = draw(st.integers(-1, 3) if wild else st.integers(1, 3))
    share_in, share_out = draw(st.integers(low, 3)), draw(st.integers(low, 3))
    crop = st.tuples(st.integers(-3, 3), st.integers(-3, 3))
    return Case(
        rank=rank,
        batch=draw(st.integers(0, 3)),
        in_channels=share_in * max(groups, 1),
        out_channels=share_out * max(groups, 1),
        input_size=axes(st.integers(0, 5)),
        kernel_size=axes(st.integers(low, 4)),
        stride=axes(steps),
        dilation=axes(steps),
        groups=groups,
        padding=draw(st.sampled_from(sorted(CONVENTIONS))) if draw(st.booleans()) else axes(crop),
        output_padding=axes(st.integers(-1 if wild else 0, 4)) if draw(st.booleans()) else None,
        layout=draw(st.sampled_from(["channels_first", "channels_last"])),
        dtype=draw(st.sampled_from(sorted(DTYPES))),
        bias=draw(st.booleans()),
        # `cycle` is for cases too large to be diagnosed and made smaller.
        data=draw(st.sampled_from(sorted(DATA_KINDS.keys() - {"cycle"}))),
        seed=draw(st.integers(0, 2**32)),
        direction=draw(st.sampled_from(sorted(DIRECTIONS))),
    )


def valid_cases() -> st.SearchStrategy[Case]:
    """Cases inside the domain."""
    return cases().filter(attrgetter("is_valid"))
