"""What a program sets for all of its calls: default dtype, image layout, and facts that no case holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from conformance.calls.dtype_names import dtype_label
from conformance.calls.values import Arguments, TensorExpression

__all__ = ["Settings", "apply_setting"]


@dataclass
class Settings:
    """Settings of a program.

    Attributes
    ----------
    dtype : str
        Default dtype of tensors and layers.
    layout : str
        Default layout of the image layers that have one.
    named : dict
        Tensors by the name that a graph gives them.
    facts : list of str
        What else the program does that is not part of a case.
    stated : tuple
        Shapes that the prose of the text states.
    stated_names : dict
        Shapes that the text states of variables, by their names.
    """

    dtype: str = "float32"
    layout: str = "channels_last"
    named: dict[str, TensorExpression] = field(default_factory=dict)
    facts: list[str] = field(default_factory=list)
    stated: tuple[tuple[int | None, ...], ...] = ()
    stated_names: dict[str, tuple[int | None, ...]] = field(default_factory=dict)


def _default_dtype(settings: Settings, value: Any) -> None:
    settings.dtype = dtype_label(value) or settings.dtype


def _image_layout(settings: Settings, value: Any) -> None:
    if value in ("channels_first", "channels_last"):
        settings.layout = value


def _fact(text: str) -> Callable[[Settings, Any], None]:
    def note(settings: Settings, value: Any) -> None:
        fact = f"{text} ({value!s})"
        if fact not in settings.facts:
            settings.facts.append(fact)

    return note


_SETTINGS: dict[str, Callable[[Settings, Any], None]] = {
    "set_default_dtype": _default_dtype,
    "set_default_tensor_type": _default_dtype,
    "set_floatx": _default_dtype,
    "set_image_data_format": _image_layout,
    "set_image_dim_ordering": lambda settings, value: _image_layout(
        settings, {"th": "channels_first", "tf": "channels_last"}.get(value)
    ),
    "set_num_threads": _fact("the number of threads"),
    "set_default_device": _fact("the device"),
    "use_deterministic_algorithms": _fact("deterministic algorithms"),
    "set_float32_matmul_precision": _fact("the matmul precision"),
    "set_global_policy": _fact("the dtype policy"),
    "make_opsetid": lambda settings, value: None,
}


def apply_setting(settings: Settings, path: str, given: Arguments) -> None:
    """Apply the setting of a call such as ``torch.set_default_dtype(torch.float64)``."""
    last, args = path.rpartition(".")[2], given.args
    if last in _SETTINGS and args and isinstance(args[0], object):
        _SETTINGS[last](settings, args[-1] if last == "make_opsetid" else args[0])
    if last == "make_opsetid" and len(args) > 1:
        _fact("the opset")(settings, args[1])
    opset = given.kwargs.get("opset_version")
    if type(opset) is int:
        _fact("the opset")(settings, opset)
    if last == "update" and args[:1] == ("jax_enable_x64",) and args[1:] == (True,):
        settings.dtype = "float64"
