"""Input data: what the tensors of a case hold, from its data kind and seed.

The tensors are drawn from ``numpy.random.default_rng(seed)`` in a fixed order: input ``x``, weights ``w``,
``bias`` (if there is one), upstream gradient ``dy`` (if the direction is ``grad`` or ``grad2``), and for ``grad2``
the upstream gradients ``vx``, ``vw`` and (with a bias) ``vb`` of dx, dw and db. Each is drawn in C order in the
shape its case gives it, images in channels_first order, so that a case and its channels_last twin hold the same
numbers.

The data kind decides how each is filled (``conformance.cases.kinds``).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from conformance.cases.directions import DIRECTIONS, IMAGES
from conformance.cases.dtypes import DType, round_to
from conformance.cases.errors import DomainError
from conformance.cases.kinds import DATA_KINDS, Budget, DataKind

if TYPE_CHECKING:
    from conformance.cases.case import Case

__all__ = [
    "DATA_KINDS",
    "DataKind",
    "drawn_shapes",
    "integer_budget",
    "make_tensors",
    "term_counts",
    "within_format",
]

Tensors = dict[str, np.ndarray]

# Large enough that two equal taps are rare, small enough to read in a picture.
_MAX_AMPLITUDE = 99


def term_counts(case: Case) -> dict[str, int]:
    """Upper bounds of the number of products in any element of an output, and of each gradient.

    The output is counted in every direction, because integers for gradients must keep its sums exact, too. For
    gradients of gradients ``y``, ``dx`` and ``dw`` stand for ddy, ddx and ddw.
    """
    # Where the output wraps, every tap can reach an element, from some input a period away.
    reach = math.prod(
        kernel if case.geometry().wraps else min(kernel, size)
        for kernel, size in zip(case.kernel_size, case.input_size, strict=True)
    )
    count = case.in_channels // max(case.groups, 1) * reach
    if case.direction == "grad2":
        count *= 2  # ddy is the sum of two outputs
    if case.direction == "fwd":
        return {"y": count}
    return {
        "y": count,
        "dx": case.out_channels // max(case.groups, 1) * math.prod(case.kernel_size),
        "dw": case.batch * math.prod(case.input_size),
        "db": case.batch * math.prod(case.geometry().output_size),
    }


def _exact_range(case: Case) -> int:
    """Largest integer that every partial sum of a case may reach."""
    return case.format.largest_exact_integer >> DATA_KINDS[case.data].headroom


def integer_budget(case: Case) -> Budget:
    """Amplitude a and density q with (terms + 1) * a**2 <= the exact range, q = 1 where possible.

    The extra term is the bias. A complex product is the sum of two real ones.
    """
    terms = max(term_counts(case).values())
    if case.format.is_complex:
        terms = 2 * terms + 1
    room = _exact_range(case) / (terms + 1)
    if room >= 1:
        return Budget(min(_MAX_AMPLITUDE, math.isqrt(int(room))), 1.0)
    return Budget(1, room)


def _enforce(case: Case, tensors: Tensors) -> None:
    """Set entries of sparse integer tensors to zero until no sum of magnitudes can leave the exact range.

    Every sum runs along one slice of a tensor: the weights of one output or input channel, the channel of an
    input or of an upstream gradient. A bound on the nonzero entries of those slices bounds every partial sum.
    """
    limit = (_exact_range(case) - 1) // (2 if case.direction == "grad2" else 1)
    slices = {"w": (0, 1), "x": (1,), "dy": (1,), "vx": (1,), "vw": (0, 1)}
    for name, kept_axes in slices.items():
        if name not in tensors:
            continue
        for axis in kept_axes:
            view = np.moveaxis(tensors[name], axis, 0)
            for row in view:
                flat = np.flatnonzero(row)
                for index in flat[limit:]:
                    row[np.unravel_index(index, row.shape)] = 0.0


def within_format(form: DType, values: np.ndarray) -> np.ndarray:
    """Round to a format; what is beyond its largest number becomes that number."""
    rounded = round_to(form, values)
    beyond = np.isinf(rounded) & np.isfinite(values)
    if beyond.any():
        largest = (2 - 2 * form.unit_roundoff) * 2.0**form.max_exponent
        rounded[beyond] = np.sign(values[beyond]) * largest
    return rounded


def drawn_shapes(case: Case, output_size: tuple[int, ...] | None) -> dict[str, tuple[int, ...]]:
    """The shapes of the tensors in the order in which they are drawn, images channels_first."""
    shapes = {"x": (case.batch, case.in_channels, *case.input_size), "w": case.weight_shape}
    if case.bias:
        shapes["bias"] = (case.out_channels if case.bias_size is None else case.bias_size,)
    if output_size is not None:
        like = {"vx": "x", "vw": "w", "vb": "bias"}
        upstream = {"dy": (case.batch, case.out_channels, *output_size)}
        upstream |= {name: shapes[same] for name, same in like.items() if same in shapes}
        shapes |= {name: upstream[name] for name in DIRECTIONS[case.direction].given if name in upstream}
    return shapes


def make_tensors(case: Case) -> Tensors:
    """Make the input data of a case.

    Parameters
    ----------
    case : Case
        The case.

    Returns
    -------
    dict of numpy.ndarray
        ``x`` in ``case.input_shape``, ``w`` in ``case.weight_shape``, ``bias`` of (Cout,) and ``dy`` in
        ``case.output_shape`` where the direction needs it, in the carrier dtype of ``case.dtype``; ``vx``, ``vw``
        and ``vb`` in the shapes of ``x``, ``w`` and ``bias``. An invalid case has no ``dy``; a case whose data
        kind makes the tensors unfit (R11) has tensors of other shapes.
    """
    kind = DATA_KINDS[case.data]
    rng = np.random.default_rng(case.seed)
    try:
        output_size: tuple[int, ...] | None = case.geometry().output_size
    except DomainError:
        output_size = None
    budget = Budget(1, 1.0) if output_size is None else integer_budget(case)
    tensors: Tensors = {}
    for name, shape in drawn_shapes(case, output_size).items():
        values = kind.draw(rng, shape, Budget(budget.amplitude, 1.0) if name in ("bias", "vb") else budget)
        if case.format.is_complex:
            values = values + 1j * kind.draw(rng, shape, budget)
        tensors[name] = values
    if kind.exact and budget.density < 1:
        _enforce(case, tensors)
    if kind.adapt is not None:
        kind.adapt(case, rng, tensors)
    for name, values in tensors.items():
        if name in IMAGES and case.layout == "channels_last":
            values = np.ascontiguousarray(np.moveaxis(values, 1, -1))
        tensors[name] = within_format(case.format_of(name), values)
    return tensors
