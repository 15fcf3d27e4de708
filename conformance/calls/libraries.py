"""The library of a name in a program, by its first part, imported or by custom."""

from __future__ import annotations

__all__ = ["library_of"]

_BY_CUSTOM = {
    "tf": "tensorflow", "hk": "haiku", "nnx": "flax", "linen": "flax", "eqx": "equinox", "mx": "mlx",
    "F": "torch", "lax": "jax", "jnp": "jax", "np": "numpy",
}  # fmt: skip


def library_of(path: str) -> str:
    """The library of a dotted name, such as ``haiku`` of ``hk.Conv2D``."""
    head = path.partition(".")[0]
    return _BY_CUSTOM.get(head, head)
