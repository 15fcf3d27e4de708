"""Hooks at the public entry points of frameworks: they record each transposed convolution that a program calls.

This package runs in the user's interpreter. It needs the standard library alone, imports no framework that the
program has not imported, and is loaded under a name of its own; so its imports are relative.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from .importing import AfterImport
from .patches import Patches
from .recorder import Recorder

__all__ = ["FAMILIES", "Hooks"]

FAMILIES = {
    "torch": "torch_hooks",
    "torch._dynamo": "torch_compile_hooks",
    "keras": "keras_hooks",
    "tensorflow": "tensorflow_hooks",
    "jax": "jax_hooks",
    "onnxruntime": "onnxruntime_hooks",
    "openvino": "openvino_hooks",
    "mlx.core": "mlx_hooks",
    "paddle.nn.functional": "paddle_hooks",
    "tinygrad.tensor": "tinygrad_hooks",
}
"""The module whose import installs hooks, and the module here that has them as ``install(module, patches)``."""


class Hooks:
    """The hooks of every framework, those imported already and those imported later.

    Parameters
    ----------
    write : callable
        Takes each event as a dictionary that JSON can hold.
    """

    def __init__(self, write: Callable[[dict[str, Any]], None]) -> None:
        self._write = write
        self.patches = Patches(Recorder(write))
        self._finder = AfterImport(FAMILIES, self._install)

    def install(self) -> None:
        """Install the hooks of the frameworks imported so far, and watch for the others."""
        for name in FAMILIES:
            if name in sys.modules:
                self._install(sys.modules[name])
        sys.meta_path.insert(0, self._finder)

    def remove(self) -> None:
        """Put everything back as it was."""
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
        self.patches.undo()

    def _install(self, module: ModuleType) -> None:
        family = FAMILIES[module.__name__]
        try:
            importlib.import_module(f".{family}", __name__).install(module, self.patches)
        except Exception as error:  # another version of the framework: the program must not notice
            self._write({"problem": f"the hooks of {module.__name__} do not fit this version: {error!r}"})
