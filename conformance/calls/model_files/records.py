"""The layers of a model file as plain records, and what a reader is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from conformance.calls.capturing.cases import read_case
from conformance.calls.form import WeightForm
from conformance.calls.weights import call_shape, to_case
from conformance.cases import Case

__all__ = ["ModelFile", "ModelFileError", "ModelLayer", "Request", "layer", "layer_of_call"]


class ModelFileError(ValueError):
    """A file cannot be read as a model; the message is one line."""


@dataclass(frozen=True)
class Request:
    """What is to be read.

    Attributes
    ----------
    path : pathlib.Path
        The model.
    inputs : tuple of (str, tuple of int)
        Shapes of the model's inputs; the name is empty for the next one in order.
    trust : bool
        Whether code that the file holds, such as a pickle, may run.
    values : bool
        Whether the weights are wanted.
    """

    path: Path
    inputs: tuple[tuple[str, tuple[int, ...]], ...] = ()
    trust: bool = False
    values: bool = False

    def shapes(self, names: list[str]) -> dict[str, tuple[int, ...]]:
        """The shapes that are given, by the name of the input.

        Parameters
        ----------
        names : list of str
            Names of the model's inputs, in order.

        Raises
        ------
        ModelFileError
            The model has no such input.
        """
        shapes = {name: shape for name, shape in self.inputs if name}
        rest = [name for name in names if name not in shapes]
        unnamed = [shape for name, shape in self.inputs if not name]
        if unknown := shapes.keys() - set(names):
            raise ModelFileError(f"--input: no input {min(unknown)!r}; the model has {', '.join(names) or 'none'}")
        if len(unnamed) > len(rest):
            raise ModelFileError(f"--input: {len(self.inputs)} shapes, and the model has {len(names)} inputs")
        return shapes | dict(zip(rest, unnamed, strict=False))


@dataclass(frozen=True)
class ModelLayer:
    """One transposed convolution of a model.

    Attributes
    ----------
    name : str
        As the model names it.
    operator : str
        What the model calls the operation.
    case : Case or None
        The layer as a case; None where it cannot be written as one, with the reason in `notes`.
    notes : tuple of str
        What the case does not say.
    weight : WeightForm
        How the model holds the weights.
    values : dict of numpy.ndarray
        ``w`` in the order of a case (R9) and ``bias``, where they were wanted and are in the file.
    """

    name: str
    operator: str
    case: Case | None
    notes: tuple[str, ...] = ()
    weight: WeightForm = field(default_factory=WeightForm)
    values: Mapping[str, np.ndarray] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class ModelFile:
    """A model that was read.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    title : str
        Its kind, as in "an ONNX model".
    own : tuple of str
        Adapters of its framework, the preferred one first.
    layers : tuple of ModelLayer
        Its transposed convolutions, in the order of the file.
    operators : tuple of str
        Names of its operators that compute real numbers, where they were wanted.
    problem : str
        Why the checker of the format refuses it, where that was wanted too; empty for a format without one.
    """

    path: Path
    title: str
    own: tuple[str, ...]
    layers: tuple[ModelLayer, ...]
    operators: tuple[str, ...] = ()
    problem: str = ""


def layer(
    name: str,
    operator: str,
    case: Case | None,
    notes: list[str],
    *,
    weight: WeightForm | None = None,
    kernel: np.ndarray | None = None,
    bias: np.ndarray | None = None,
) -> ModelLayer:
    """A layer with its weights, which are given in the model's own order."""
    weight = weight or WeightForm()
    values: dict[str, np.ndarray] = {}
    if case is not None and kernel is not None:
        if kernel.shape != call_shape(weight, case):
            notes = [*notes, f"the weights of the file have the shape {list(kernel.shape)}; they are not used"]
        else:
            there = {"np": np, "w": kernel}
            exec("\n".join(to_case(weight, case)), there)
            values["w"] = _wide(there["w"])
            if case.bias and bias is not None:
                values["bias"] = _wide(bias)
    return ModelLayer(name, operator, case, tuple(notes), weight, values)


def _wide(values: Any) -> np.ndarray:
    """In a dtype that holds the numbers of every format, and that a file of NumPy's can hold."""
    return np.ascontiguousarray(values, np.complex128 if np.iscomplexobj(values) else np.float64)


def layer_of_call(
    name: str,
    operator: str,
    call: dict[str, Any],
    *,
    weight: WeightForm | None = None,
    kernel: np.ndarray | None = None,
    bias: np.ndarray | None = None,
) -> ModelLayer:
    """A layer that is described as the hooks of `conformance capture` describe a call."""
    case, notes = read_case(call)
    return layer(name, operator, case, notes, weight=weight, kernel=kernel, bias=bias)
