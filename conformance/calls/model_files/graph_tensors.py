"""An operation of a TensorFlow graph as a layer: it has the size of its output as a tensor, known or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from conformance.calls.form import WeightForm
from conformance.calls.model_files.records import ModelLayer, layer_of_call

__all__ = ["GraphOperation", "tensorflow_layer"]

Sizes = Sequence[int | None]


@dataclass(frozen=True, kw_only=True)
class GraphOperation:
    """A transposed convolution of a graph.

    Attributes
    ----------
    name, operator : str
        As the graph names them.
    image, output : sequence of int or None
        Shapes with the batch and the channels; None for a size that is not known.
    filters : sequence of int
        Shape of the weights: the kernel, output channels, input channels.
    strides, dilations : sequence of int
        One number per axis; no dilations mean 1.
    padding : str or sequence of (int, int)
        ``SAME``, ``VALID``, or what is cut from each axis, those of the batch and the channels included.
    dtype, weight_dtype : str
        Those of the input and the weights.
    bias : bool
        Whether the operation adds a bias.
    first : bool
        Whether the channels are the first axis after the batch.
    notes : sequence of str
        What the case cannot say.
    """

    name: str
    operator: str
    image: Sizes
    output: Sizes
    filters: Sequence[int]
    strides: Sequence[int]
    padding: str | Sequence[Sequence[int]]
    dtype: str
    weight_dtype: str
    dilations: Sequence[int] = ()
    bias: bool = False
    first: bool = False
    notes: Sequence[str] = ()


def tensorflow_layer(
    found: GraphOperation,
    *,
    weight: WeightForm,
    kernel: np.ndarray | None = None,
    bias: np.ndarray | None = None,
) -> ModelLayer:
    """The operation as a layer, with its weights in the graph's own order."""
    rank = len(found.filters) - 2
    spatial = slice(2, None) if found.first else slice(1, -1)
    known = len(found.output) == rank + 2 and None not in found.output[spatial]
    notes = list(found.notes)
    if not known:
        notes.append(
            f"the model computes the size of the output as it runs; the case has that of padding {found.padding}"
        )
    call = (_with_size if known else _by_convention)(found, rank) | {"notes": notes}
    made = layer_of_call(found.name, found.operator, call, weight=weight, kernel=kernel)
    if made.case is None or not found.bias:
        return made
    values = dict(made.values)
    if bias is not None and "w" in values:
        values["bias"] = np.asarray(bias, np.float64)
    return replace(made, case=replace(made.case, bias=True), values=values)


def _with_size(found: GraphOperation, rank: int) -> dict[str, Any]:
    """The call that takes the size of the output."""
    return {
        "form": f"tf.nn.conv{rank}d_transpose",
        "arguments": {
            "input": {"shape": list(found.image), "dtype": found.dtype},
            "filters": {"shape": list(found.filters), "dtype": found.weight_dtype},
            "output_shape": list(found.output),
            "strides": list(found.strides),
            "padding": found.padding,
            "data_format": "NC" + "DHW"[-rank:] if found.first else f"N{'DHW'[-rank:]}C",
            "dilations": list(found.dilations) or None,
        },
    }


def _by_convention(found: GraphOperation, rank: int) -> dict[str, Any]:
    """The call without a size, which then follows from the padding."""
    return {
        "form": "keras.ops.conv_transpose",
        "arguments": {
            "inputs": {"shape": list(found.image), "dtype": found.dtype},
            "kernel": {"shape": list(found.filters), "dtype": found.weight_dtype},
            "strides": list(found.strides),
            "padding": str(found.padding).lower(),
            "data_format": "channels_first" if found.first else "channels_last",
            "dilation_rate": list(found.dilations) or 1,
        },
    }
