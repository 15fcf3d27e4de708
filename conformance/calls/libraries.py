"""The library of a name in a program, by its first part, imported or by custom."""

from __future__ import annotations

__all__ = ["is_library", "library_of"]

_BY_CUSTOM = {
    "tf": "tensorflow", "hk": "haiku", "nnx": "flax", "linen": "flax", "eqx": "equinox", "mx": "mlx",
    "F": "torch", "lax": "jax", "jnp": "jax", "np": "numpy", "layers": "keras", "L": "keras", "KL": "keras",
}  # fmt: skip


_LIBRARIES = {
    "torch",
    "tensorflow",
    "keras",
    "jax",
    "numpy",
    "paddle",
    "onnx",
    "mlx",
    "K",
    "nn",
    "layers",
    "ops",
    "math",
}


def is_library(name: str) -> bool:
    """Whether a name that the text does not import is by custom that of a library or module."""
    return name in _LIBRARIES or name in _BY_CUSTOM


def library_of(path: str) -> str:
    """The library of a dotted name, such as ``haiku`` of ``hk.Conv2D``."""
    head = path.partition(".")[0]
    return _BY_CUSTOM.get(head, head)
