"""``Reference``: the expected values of one output tensor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from conformance.oracle.normwise import Norms

__all__ = ["Reference"]


@dataclass(frozen=True)
class Reference:
    """The expected values of one output tensor, element by element.

    Attributes
    ----------
    exact : numpy.ndarray
        The exact values in float64 (complex128).
    sums : callable
        Returns `magnitude` and `terms`. Most outputs are right bit for bit and need neither.
    also : tuple of numpy.ndarray
        Other values that each element may have, where the data kind leaves a choice.
    positive : numpy.ndarray or None
        Where a zero must be +0.
    whole : bool
        Whether all input data are real whole numbers. Sums are then exact up to the largest whole number of the
        accumulator.
    norms : callable or None
        Returns what normwise profiles need, or None for a plain sum, which is judged by its own terms.
    places : numpy.ndarray or None
        Of sampled elements, their indices in the output, one row each.
    """

    exact: np.ndarray
    sums: Callable[[], tuple[np.ndarray, np.ndarray]]
    also: tuple[np.ndarray, ...] = ()
    positive: np.ndarray | None = None
    whole: bool = False
    norms: Callable[[], Norms | None] | None = None
    places: np.ndarray | None = None

    def minus_zeros(self, values: np.ndarray) -> np.ndarray:
        """Which values are minus zero where plus zero is right; the two compare as equal."""
        if self.positive is None:
            return np.zeros(values.shape, bool)
        return self.positive & (values == 0) & np.signbit(values)

    @classmethod
    def of(
        cls,
        exact: np.ndarray,
        magnitude: np.ndarray,
        terms: np.ndarray,
        *,
        whole: bool = False,
        norms: Callable[[], Norms | None] | None = None,
        places: np.ndarray | None = None,
    ) -> Reference:
        """Make a reference whose sums are computed already."""
        return cls(exact, lambda: (magnitude, terms), whole=whole, norms=norms, places=places)

    def __getitem__(self, part: tuple[slice, ...]) -> Reference:
        """Some of the elements; the norms stay those of the whole tensor."""
        return replace(
            self,
            exact=self.exact[part],
            sums=lambda: (self.magnitude[part], self.terms[part]),
            also=tuple(other[part] for other in self.also),
            positive=None if self.positive is None else self.positive[part],
        )

    @property
    def magnitude(self) -> np.ndarray:
        """S: the sums of absolute values, the bias included."""
        return self.sums()[0]

    @property
    def terms(self) -> np.ndarray:
        """The number of products, and one more for a bias."""
        return self.sums()[1]
