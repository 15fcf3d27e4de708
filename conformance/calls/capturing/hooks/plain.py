"""Arguments as plain data that JSON can hold."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["call", "dtype_name", "named", "plain", "shape_of", "small_values", "tensor"]

_MOST_VALUES = 32


def named(names: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments by name."""
    return {**dict(zip(names, args, strict=False)), **kwargs}


def plain(value: Any) -> Any:
    """Numbers, texts, sequences and tensors; anything else as its text."""
    if value is None or isinstance(value, (bool, str, float)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        shape = shape_of(value)
        if shape == [] or shape is None:
            return _number(value)
        return tensor(value)
    number = _number(value)
    return str(value) if number is None else number


def _number(value: Any) -> int | None:
    """A whole number of the framework's or NumPy's own; of a symbolic one, that with which it is traced."""
    hint = getattr(getattr(value, "node", None), "hint", None)
    if isinstance(hint, int):
        return hint
    try:
        return int(value.__index__())
    except Exception:  # symbolic, or no number
        return None


def shape_of(value: Any) -> list[int | None] | None:
    """Sizes of a tensor, None where a size is not known yet; None if the number of axes is not known."""
    try:
        return [size if type(size) is int else _number(size) for size in value.shape]
    except (TypeError, ValueError):
        return None


def dtype_name(dtype: Any) -> str:
    """The name of a dtype, such as ``float32``, whatever the framework."""
    return str(getattr(dtype, "name", None) or str(dtype).rpartition(".")[2]).lower()


def tensor(value: Any) -> dict[str, Any]:
    """Shape and dtype of a tensor."""
    return {"shape": shape_of(value), "dtype": dtype_name(value.dtype)}


def call(api: str, form: str, arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A call as the recorder takes it.

    Parameters
    ----------
    api : str
        Public name of what was called.
    form : str
        Name of the call that `arguments` belong to, by which they can be read as a case.
    arguments : dict
        The arguments by name.
    **more
        What else is known: ``name`` of the layer, ``where``, ``layout``, ``shapes`` without tensors, ``dtype`` of
        the computation, ``traced`` (by what: no numbers are computed yet), ``once`` (equal calls are one),
        ``readable`` (whether values may be read), ``gradient`` (why there is one), ``notes``.
    """
    readable = more.pop("readable", not more.get("traced"))
    values = {name: small_values(value) for name, value in arguments.items()} if readable else {}
    return {
        "api": api,
        "form": form,
        "arguments": {name: plain(value) for name, value in arguments.items()},
        "values": {name: value for name, value in values.items() if value is not None},
        **{name: value for name, value in more.items() if value},
    }


def small_values(value: Any) -> Any:
    """The values of a small tensor on the CPU, as nested lists; None for anything else."""
    shape = shape_of(value) if hasattr(value, "dtype") and hasattr(value, "shape") else None
    if not shape or math.prod(size or _MOST_VALUES + 1 for size in shape) > _MOST_VALUES:
        return None
    if getattr(getattr(value, "device", None), "type", "cpu") != "cpu":
        return None  # a copy would wait for the device
    return _values(value)


def _values(value: Any) -> Any:
    try:
        listed = getattr(value, "detach", lambda: value)()
        listed = listed.tolist() if hasattr(listed, "tolist") else listed.numpy().tolist()
    except Exception:  # the tensor is traced, and has no values
        return None
    return _finite(listed)


def _finite(value: Any) -> Any:
    """Nested lists; what JSON cannot hold as text."""
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return value if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)) else str(value)
