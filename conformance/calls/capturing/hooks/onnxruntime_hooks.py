"""ONNX Runtime: a session's ``run``. Its model is read afterwards, where the package onnx is."""

from __future__ import annotations

import os
import tempfile
import weakref
from types import ModuleType
from typing import Any

from .patches import Patches
from .plain import call

__all__ = ["install"]


def install(onnxruntime: ModuleType, patches: Patches) -> None:
    """Wrap the method."""
    owner = next(base for base in onnxruntime.InferenceSession.__mro__ if "run" in vars(base))
    models: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()

    def describe(args: Any, kwargs: Any) -> dict[str, Any] | None:
        session, inputs = args[0], args[2] if len(args) > 2 else kwargs["input_feed"]
        if session not in models:
            models[session] = _path(session)
        api = "onnxruntime.InferenceSession.run"
        return call(api, "onnx model", dict(inputs), model=models[session])

    patches.wrap(owner, "run", describe)


def _path(session: Any) -> str:
    """The file of a session's model; bytes are written into a file, which the reader removes."""
    path = getattr(session, "_model_path", None)
    if path:
        return os.path.abspath(path)
    handle, name = tempfile.mkstemp(prefix="conformance-capture-", suffix=".onnx")
    with os.fdopen(handle, "wb") as file:
        file.write(session._model_bytes)
    return name
