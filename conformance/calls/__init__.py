"""A call that a user pastes is a case: read as syntax, never evaluated.

One small module a framework family; each form is a function with the framework's own signature (so the defaults
are the framework's own) whose body says what the call asks. A new family is a module here and a line in
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
        or not; names assigned before it are filled in, and a container or a method around it left out. An ONNX
        node may be in ONNX's own text, ``y = ConvTranspose <strides = [2, 2]> (x, w)``.
    input_shape : tuple of int, optional
        Shape of the input in the call's own layout. Default: what the call says, else a small one.
    weight_shape : tuple of int, optional
        Shape of the weights in the call's own order, where the call takes them as a tensor.

    Returns
    -------
    Meaning
        The case, how the call holds its weights, and what a reader should know.

    Raises
    ------
    CallError
        Not a call, an unknown one, or arguments the framework does not take.
    """
    call = read(text, FORMS.__contains__)
    form = FORMS.get(call.name)
    if form is None:
        listed = ", ".join(sorted({re.sub("[123](?=[dD])", "{1,2,3}", name) for name in all_calls()}))
        raise CallError(f"unknown call {call.name!r}; known are {listed}")
    return form.read(call, CallContext(form.name, form.rank, input_shape, weight_shape, call.applied))
