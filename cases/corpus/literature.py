"""Worked examples of the literature: permanent, named cases with the numbers their authors print."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np

from conformance.cases.case import Case
from conformance.cases.data import Tensors, make_tensors

__all__ = ["Example", "load_examples"]


@dataclass(frozen=True)
class Example:
    """One worked example.

    Attributes
    ----------
    name, source : str
        Permanent name, and where the numbers come from.
    case : Case
        The case; it states everything except the printed tensors.
    tensors : dict of numpy.ndarray
        The printed tensors, or the case's own data where none are printed.
    y : numpy.ndarray or None
        The printed output in ``case.output_shape``.
    shape : tuple of int
        The printed shape of the output, in the case's layout.
    effective_kernel : tuple of int or None
        The printed extent of the dilated kernel.
    crop : tuple of (int, int) or None
        The printed crop of the full output.
    follows : str or None
        The example whose output is the input of this one.
    """

    name: str
    source: str
    case: Case
    tensors: Tensors
    y: np.ndarray | None
    shape: tuple[int, ...]
    effective_kernel: tuple[int, ...] | None = None
    crop: tuple[tuple[int, int], ...] | None = None
    follows: str | None = None


@lru_cache(maxsize=1)
def load_examples() -> dict[str, Example]:
    """All worked examples by name, in the order of ``literature.toml``; the arrays are read-only."""
    text = resources.files(__package__).joinpath("literature.toml").read_text(encoding="utf-8")
    return {entry["name"]: _example(entry) for entry in tomllib.loads(text)["example"]}


def _example(entry: dict[str, Any]) -> Example:
    case = Case.parse(entry["case"])
    tensors = make_tensors(case)
    for name in ("x", "w"):
        if name in entry:
            # Printed without the batch and channel axes, which are 1.
            tensors[name] = np.asarray(entry[name], tensors[name].dtype).reshape(tensors[name].shape)
    for array in tensors.values():
        array.flags.writeable = False
    y = None
    if "y" in entry:
        printed = np.asarray(entry["y"], dtype=np.float64)
        y = printed.reshape(case.shape(1, printed.shape))
    crop = entry.get("crop")
    return Example(
        name=entry["name"],
        source=entry["source"],
        case=case,
        tensors=tensors,
        y=y,
        shape=tuple(entry["shape"]) if y is None else y.shape,
        effective_kernel=tuple(entry["effective_kernel"]) if "effective_kernel" in entry else None,
        crop=None if crop is None else tuple((low, high) for low, high in crop),
        follows=entry.get("follows"),
    )
