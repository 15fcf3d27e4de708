"""The tier ``deploy``: what models contain that are exported and run elsewhere.

Usual layers with several kinds of groups on every number of axes; the named paddings of Keras and ONNX; layers
that treat their axes differently; and the layers of public models. All are forward cases in float32.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

from conformance.cases.case import Case
from conformance.cases.corpus.layers import load_layers

__all__ = ["deploy_cases"]

# Kernel, stride, dilation, padding, output_padding, the same on every axis.
_LAYERS = (
    (1, 1, 1, 0, 0), (1, 2, 1, 0, 0), (1, 2, 1, 0, 1), (2, 2, 1, 0, 0), (2, 1, 1, 0, 0), (2, 3, 1, 0, 0),
    (3, 1, 1, 0, 0), (3, 1, 1, 1, 0), (3, 2, 1, 0, 0), (3, 2, 1, 1, 0), (3, 2, 1, 1, 1), (3, 3, 1, 0, 0),
    (4, 2, 1, 1, 0), (4, 1, 1, 0, 0), (4, 4, 1, 0, 0), (5, 2, 1, 2, 1), (5, 3, 1, 1, 0), (6, 3, 1, 2, 1),
    (8, 4, 1, 2, 0), (2, 1, 2, 0, 0), (3, 1, 2, 2, 0), (3, 2, 2, 2, 1), (3, 2, 2, 1, 0), (3, 1, 3, 0, 2),
)  # fmt: skip
# Groups, input and output channels: none, several, one channel each, one input channel each, one of everything.
_CHANNELS = ((1, 3, 2), (2, 4, 6), (4, 4, 4), (3, 3, 6), (1, 1, 1))
_SIZES = {1: (7,), 2: (5, 4), 3: (3, 4, 2)}
_NAMED = ("same", "valid", "same_upper", "same_lower")
_NAMED_LAYERS = ((2, 2), (3, 2), (4, 2), (3, 1), (2, 1), (5, 2), (3, 3), (1, 2))
# Layers that treat their axes differently, as ids without channels and bias.
_UNEVEN = (
    "i5x4-k3x1-s2x1-p1x0-op1x0",
    "i4x5-k1x4-s1x2-p0x1",
    "i4x5-k2x3-s2x1-p0x1",
    "i4x3-k4x2-s2x2-p1x0",
    "i5x4-k3x3-s1x2-d2x1-p2x1-op0x1",
    "i4x5-k1x7-s1x4-p0x2-op0x1",
)
_UNEVEN_IN_3D = (
    "i3x4x2-k1x2x2-s1x2x2-p0",
    "i2x4x3-k3x1x1-s2x1x1-p1x0x0-op1x0x0",
    "i2x4x3-k1x3x3-s1x2x2-p0x1x1-op0x1x1",
    "i3x2x4-k2x3x4-s1x2x2-p0x1x1",
)


def deploy_cases() -> Iterator[Case]:
    """The cases, in the order of the tier."""
    number = itertools.count()
    for (kernel, stride, dilation, padding, extra), rank in itertools.product(_LAYERS, _SIZES):
        at = next(number)
        # All channels for one axis count, in turn; the plain and the depthwise layer for each.
        chosen = dict.fromkeys([_CHANNELS[0], _CHANNELS[2], _CHANNELS[at % len(_CHANNELS)]])
        for groups, inputs, outputs in chosen:
            yield Case(
                rank,
                _SIZES[rank],
                (kernel,),
                batch=1 + at % 2,
                in_channels=inputs,
                out_channels=outputs,
                stride=(stride,),
                dilation=(dilation,),
                groups=groups,
                padding=((padding, padding),),
                output_padding=(extra,) if extra else None,
                bias=at % 3 > 0,
            )
    for (kernel, stride), rank, named in itertools.product(_NAMED_LAYERS, _SIZES, _NAMED):
        at = next(number)
        yield Case(
            rank,
            _SIZES[rank],
            (kernel,),
            batch=1 + at % 2,
            in_channels=3,
            out_channels=2,
            stride=(stride,),
            padding=named,
            layout="channels_last" if named in ("same", "valid") else "channels_first",
            bias=at % 3 > 0,
        )
    for rank, texts in ((2, _UNEVEN), (3, _UNEVEN_IN_3D)):
        for text in texts:
            yield Case.parse(f"{rank}d-c3x2-{text}-b1")
            yield replace(Case.parse(f"{rank}d-n2-c4x6-{text}"), groups=2)
    for layer in load_layers().values():
        yield layer.case
