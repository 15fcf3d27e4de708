"""R12: cases that an implementation may compute by the rules or refuse, as it documents."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

from conformance.cases.case import Case

__all__ = ["POLICIES", "beyond_memory", "policies"]


def _output_padding_large(case: Case) -> bool:
    return case.output_padding is not None and any(
        o >= max(s, d) for o, s, d in zip(case.output_padding, case.stride, case.dilation, strict=True)
    )


def _negative_crop(case: Case) -> bool:
    return not isinstance(case.padding, str) and any(low < 0 or high < 0 for low, high in case.padding)


def _beyond_full_output(case: Case) -> bool:
    return case.given_output_size is not None and any(
        size > full + extra
        for size, full, extra in zip(
            case.given_output_size,
            case.geometry().full_size,
            case.output_padding or (0,) * case.rank,
            strict=True,
        )
    )


def _parameter_beyond_32_bits(case: Case) -> bool:
    crops = () if isinstance(case.padding, str) else itertools.chain(*case.padding)
    numbers = (*case.kernel_size, *case.stride, *case.dilation, *(case.output_padding or ()), *crops)
    return max(map(abs, numbers)) >= 2**31


def beyond_memory(case: Case) -> bool:
    """Whether the output of a case is too large to be computed for comparison; raises DomainError (R11)."""
    return math.prod(case.output_shape) >= 2**31


POLICIES: dict[str, Callable[[Case], bool]] = {
    "batch 0": lambda case: case.batch == 0,
    "spatial size 0": lambda case: min(case.input_size) == 0,
    "output length 0": lambda case: min(case.geometry().output_size) == 0,
    "output_padding at or above max(stride, dilation)": _output_padding_large,
    "negative crop": _negative_crop,
    "output size beyond the full output": _beyond_full_output,
    "parameter of 2**31 or more": _parameter_beyond_32_bits,
    "output of 2**31 elements or more": beyond_memory,
}


def policies(case: Case) -> list[str]:
    """Names of the policies that apply to a valid case; empty where an output is required."""
    return [name for name, applies in POLICIES.items() if applies(case)]
