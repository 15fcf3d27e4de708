"""Large cases: indices, lengths and offsets in bytes at which 32-bit numbers end.

Each needs at most 9 GiB, and few sums are long, so that a processor of today computes it in a minute.
"""

from __future__ import annotations

from conformance.cases.case import Case

__all__ = ["large_cases"]

_OUTPUT_ELEMENTS = (  # an output of 2**31 elements or more
    "1d-c1x1-i65543-k5-s32768-d3-p2-bf16-b1-cycle.0",
    "1d-c1x1-i4194317-k512-s512-p0-f16-b1-cycle.1",
    "2d-c2x1-i516x516-k3x3-s90x90-p1-bf16-b1-cycle.2",
    "2d-c2x64-i47x47-k3x3-s123x124-p0-cl-f16-b1-cycle.3",
    "3d-c2x2-i35x35x35-k3x2x3-s31x31x31-p0-f16-b1-cycle.4",
    "1d-n2097169-c2x1024-i1-k1-p0-f16-b1-cycle.5",
    "1d-c1x1-i3-k2-d2147483647-p0-bf16-b1-cycle.6",
)
_INPUT_ELEMENTS = (  # an input or weights of as many
    "1d-n2097169-c1024x2-i1-k1-p0-f16-b1-cycle.7",
    "1d-c64x1-i33554467-k1-p0-f16-b1-cycle.8",
    "2d-c64x1-i5793x5793-k1-p0-cl-f16-b1-cycle.9",
    "1d-c46349x46351-i1-k1-p0-f16-cycle.10",
)
_INSIDE = (  # an output that starts beyond as many elements of the uncropped one
    "1d-c1x1-i1073741829-k2-s2-p1073741000-f16-b1-cycle.11",
    "1d-c1x1-i700-k2-d2147483000-p1073741000-b1-cycle.12",
    "1d-c1x1-i700-k2-d2147483647-p1073741300-b1-cycle.20",
)
_BYTES = (  # 2**31 bytes or more, and 2**32
    "1d-c1x1-i178956973-k3-s3-p0-b1-cycle.13",
    "1d-c1x1-i32771-k4-s32768-p0-b1-cycle.14",
    "1d-c64x64-i8388617-k2-s2-g64-p0-f16-b1-cycle.15",
    "1d-c1x1073741831-i1-k1-p0-f16-b1-cycle.16",
)
_GRADIENTS = (
    "1d-c64x1-i8388617-k1-p0-b1-cycle.17-grad",
    "1d-c1x64-i8388617-k1-p0-b1-cycle.18-grad",
    "1d-c23173x23189-i1-k1-p0-b1-cycle.19-grad",
)


def large_cases() -> list[Case]:
    """The cases of the tier ``large``."""
    ids = (*_OUTPUT_ELEMENTS, *_INPUT_ELEMENTS, *_INSIDE, *_BYTES, *_GRADIENTS)
    return [Case.parse(case_id) for case_id in ids]
