"""Read a framework call that a user pastes as a case, by its syntax; nothing is evaluated.

There is one small module per framework family. Each form is a function with the framework's own signature, and so
its defaults; the body turns the arguments into a case. A new family needs a module here and an entry in
``_FAMILIES``.
"""

from __future__ import annotations

import importlib
import re

from conformance.calls.form import FORMS, CallContext, CallError, Meaning, WeightForm
from conformance.calls.syntax import read

__all__ = ["Call", "CallError", "Meaning", "WeightForm", "all_calls", "parse_call"]

_FAMILIES = ("torch", "keras", "tensorflow", "jax", "flax", "haiku", "equinox", "onnx")

for _family in _FAMILIES:
    importlib.import_module(f"conformance.calls.{_family}_calls")

Call = Meaning


def all_calls() -> list[str]:
    """Full names of every call that can be read."""
    return sorted({form.name for form in FORMS.values()})


def parse_call(
    text: str, *, input_shape: tuple[int, ...] | None = None, weight_shape: tuple[int, ...] | None = None
) -> Meaning:
    """Read a framework call as a case.

    Parameters
    ----------
    text : str
        Python source with one call, such as ``torch.nn.ConvTranspose2d(16, 33, 3, stride=2)``, applied to a tensor
        or not. Names assigned before it are replaced by their values; a container or method around it is left out.
        An ONNX node may be in ONNX's own syntax, ``y = ConvTranspose <strides = [2, 2]> (x, w)``.
    input_shape : tuple of int, optional
        Shape of the input in the call's own layout. Default: as in the call, else a small one.
    weight_shape : tuple of int, optional
        Shape of the weights in the call's own order, if the call takes them as a tensor.

    Returns
    -------
    Meaning
        The case, the layout of the call's weights, and notes for the reader.

    Raises
    ------
    CallError
        The text is not a call, or the call or an argument is unknown.
    """
    call = read(text, FORMS.__contains__)
    form = FORMS.get(call.name)
    if form is None:
        known = ", ".join(sorted({re.sub("[123](?=[dD])", "{1,2,3}", name) for name in all_calls()}))
        raise CallError(f"unknown call {call.name!r}; known are {known}")
    return form.read(
        call,
        CallContext(
            name=form.name,
            rank=form.rank,
            input_shape=input_shape,
            weight_shape=weight_shape,
            applied=call.applied,
        ),
    )
