"""Where an output is wrong, as text: the simplest region with exactly the differing elements."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from conformance.diagnosis.mutations.bias import reached
from conformance.diagnosis.mutations.problem import Problem

__all__ = ["describe"]


def describe(problem: Problem, wrong: np.ndarray) -> tuple[str, tuple[str, ...]]:
    """Describe a set of output elements, and list the axes that the text names.

    Parameters
    ----------
    problem : Problem
        The case in pieces.
    wrong : numpy.ndarray
        Booleans in the shape of the expected output, channels_first.
    """
    if wrong.all():
        return "every element", ()
    if not wrong.any():
        return "no element", ()
    for text, axes, mask in _regions(problem, wrong.shape):
        if np.array_equal(np.broadcast_to(mask, wrong.shape), wrong):
            return text, axes
    places = np.argwhere(wrong)
    spans: list[str] = []
    for label, column in zip(("batch item", "channel", *problem.names), places.T, strict=True):
        low, high = int(column.min()), int(column.max())
        if (low, high) != (0, wrong.shape[len(spans)] - 1):
            spans.append(f"{label} {low}" if low == high else f"{label} {low} to {high}")
        else:
            spans.append("")
    inside = ", ".join(filter(None, spans))
    return f"{len(places)} of {wrong.size} elements" + (f", all in {inside}" if inside else ""), ()


def _regions(p: Problem, shape: tuple[int, ...]) -> Iterator[tuple[str, tuple[str, ...], np.ndarray]]:
    # A periodic output is folded from a longer result with other positions.
    if p.case.direction == "fwd" and shape[2:] == tuple(p.size):
        hit = reached(p)
        if not hit.all():
            yield "the elements that no tap reaches", (), ~hit
        extra = p.case.output_padding
        if extra is not None and any(extra):
            added = np.zeros(p.size, dtype=bool)
            for axis, count in enumerate(extra):
                np.moveaxis(added, axis, 0)[max(p.size[axis] - count, 0) :] = True
            yield "the part that output_padding adds", (), added
        for axis, name in enumerate(p.names):
            for phase in range(p.stride[axis] if p.stride[axis] > 1 else 0):
                along = np.arange(p.size[axis]) % p.stride[axis] == phase
                yield (
                    f"positions {phase} modulo the stride along {name}",
                    (name,),
                    along.reshape([-1 if a == axis else 1 for a in range(p.rank)]),
                )
    labels = [("batch item", ()), ("channel", ()), *((f"position along {n}", (n,)) for n in p.names)]
    for axis, (label, axes) in enumerate(labels[: len(shape)]):
        size = shape[axis]
        index = np.arange(size).reshape([-1 if a == axis else 1 for a in range(len(shape))])
        for count in range(1, min(size, 9)):
            several = f"{count} {label.replace('item', 'items').replace('position', 'positions')}"
            several = several.replace("channel", "channels")
            yield f"the last {label if count == 1 else several}", axes, index >= size - count
            yield f"the first {label if count == 1 else several}", axes, index < count
            yield f"{label} {count}", axes, index == count
