"""The gradients of the gradients (R16), composed of the oracle's own output and gradients."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from conformance.oracle.convolution import conv_transpose, conv_transpose_gradients

__all__ = ["SecondOrder", "conv_transpose_second_order"]


class SecondOrder(NamedTuple):
    """The gradients of the gradients (R16): by the input, the weights and the upstream gradient."""

    ddx: np.ndarray
    ddw: np.ndarray
    ddy: np.ndarray


def conv_transpose_second_order(
    x: Any, w: Any, dy: Any, vx: Any, vw: Any, vb: Any = None, **arguments: Any
) -> SecondOrder:
    """Gradients of ``sum(vx * dx) + sum(vw * dw) + sum(vb * db)`` by ``x``, ``w`` and ``dy`` (R16).

    Parameters
    ----------
    x, w, dy : array_like
        As in `conv_transpose_gradients`.
    vx, vw, vb : array_like
        In the shapes of ``x``, ``w`` and the bias; ``vb`` is None without one.
    **arguments
        As in `conv_transpose`.

    Returns
    -------
    SecondOrder
        In the shapes of ``x``, ``w`` and ``dy``; not conjugated.
    """
    ddx = conv_transpose_gradients(x, vw, dy, **arguments).dx
    ddw = conv_transpose_gradients(vx, w, dy, **arguments).dw
    ddy = conv_transpose(vx, w, vb, **arguments) + conv_transpose(x, vw, **arguments)
    return SecondOrder(ddx, ddw, ddy)
