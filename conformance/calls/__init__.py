"""Read a framework call that a user pastes as a case, by its syntax; nothing is evaluated.

There is one small module per framework family. Each form is a function with the framework's own signature, and so
its defaults; the body turns the arguments into a case. A new family needs a module here and an entry in
``_FAMILIES``.
"""

from __future__ import annotations

import importlib
from dataclasses import replace

from conformance.calls.form import FORMS, CallError, Meaning, WeightForm
from conformance.calls.graph_text import python_of_graphs
from conformance.calls.notations import python_of_printed_modules, read_notation, read_without_call
from conformance.calls.reading import Shapes, choose, occurrences_of, python_occurrences, unknown_call

__all__ = ["Call", "CallError", "Meaning", "WeightForm", "all_calls", "parse_call"]

# What other functions do to a shape registers itself, too.
_OTHERS = ("forward_functions", "einops_functions")
_FAMILIES = (
    "torch", "keras", "tensorflow", "jax", "flax", "haiku", "equinox", "onnx", "mlx", "tinygrad", "paddle",
    "openvino", "old", "old_paddle", "model_file", "foreign",
)  # fmt: skip

for _module in (*(f"{family}_calls" for family in _FAMILIES), *_OTHERS):
    importlib.import_module(f"conformance.calls.{_module}")

Call = Meaning


def all_calls() -> list[str]:
    """Full names of every call that can be read."""
    return sorted({form.name for form in FORMS.values()})


def parse_call(
    text: str,
    *,
    input_shape: tuple[int, ...] | None = None,
    weight_shape: tuple[int, ...] | None = None,
    number: int | None = None,
) -> Meaning:
    """Read the framework call in a text as a case.

    Parameters
    ----------
    text : str
        A call such as ``torch.nn.ConvTranspose2d(16, 33, 3, stride=2)``, or a program with calls; a printed
        module, a node of a graph as exporters print it, or a layer of Caffe or ncnn. Nothing of it is evaluated.
    input_shape : tuple of int, optional
        Shape of the input in the call's own layout. Default: as in the text, else a small one.
    weight_shape : tuple of int, optional
        Shape of the weights in the call's own order, if the call takes them as a tensor.
    number : int, optional
        Which of the calls of the text, from 1; needed if they ask for different cases.

    Returns
    -------
    Meaning
        The case, the layout of the call's weights, and notes for the reader: on what of the text is not part of
        the case, and on sizes that the text does not say.

    Raises
    ------
    CallError
        The text has no call that can be read, or several; or an argument is unknown.
    """
    shapes = Shapes(input_shape, weight_shape)
    graph = read_notation(text)
    if graph is not None:
        return choose(list(occurrences_of(*graph, shapes)), number, text)
    try:
        occurrences, settings, notes, unknown = python_occurrences(
            python_of_graphs(python_of_printed_modules(text))
        )
        if not occurrences:
            raise unknown_call(unknown[0])
    except CallError:
        described = read_without_call(text)
        if described is None:
            raise
        return choose(list(occurrences_of(*described, shapes)), number, text)
    meaning = choose(list(occurrences_of(occurrences, settings, shapes)), number, text)
    more = tuple(f"the text also calls {name}, which is not read" for name in unknown[:3])
    return replace(meaning, notes=(*notes, *meaning.notes, *more))
