"""Whether a candidate equals the observed output: bit for bit on exact data, otherwise within the error bound."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from conformance.cases.case import Case
from conformance.cases.data import DATA_KINDS
from conformance.cases.dtypes import DTYPES, round_to
from conformance.diagnosis.mutations.problem import Problem, Solver, Tensors
from conformance.oracle import overflow
from conformance.oracle.error_bound import PROFILES, Profile, says_nothing, tolerance
from conformance.oracle.expected_output import are_whole
from conformance.oracle.normwise import Norms, norms_of
from conformance.oracle.reference import Reference

__all__ = ["Match"]

_DEFAULT_PROFILE = {"f64": "fp64", "c128": "fp64"}


@dataclass(frozen=True)
class Match:
    """Compares candidates with an observed output.

    Attributes
    ----------
    case : Case
        The case.
    observed : dict of numpy.ndarray
        The output, channels_first.
    names : tuple of str
        The tensors that are compared.
    problem : Problem
        The case in pieces, for the magnitudes that the error bound needs.
    profile : Profile
        The accuracy that the adapter promises.
    """

    case: Case
    observed: Tensors
    names: tuple[str, ...]
    problem: Problem
    profile: Profile

    @classmethod
    def of(cls, problem: Problem, observed: Tensors, names: Iterable[str], promise: str) -> Match:
        """A comparison at the accuracy that an adapter promises, or by default at the usual one of the dtype."""
        fallback = _DEFAULT_PROFILE.get(problem.case.dtype, "fp32-acc")
        profile = PROFILES.get(promise, PROFILES[fallback])
        return cls(problem.case, observed, tuple(names), problem, profile)

    @property
    def exact(self) -> bool:
        """Whether the data make every right output bit-exact."""
        return DATA_KINDS[self.case.data].exact and not self.profile.normwise

    def fits(
        self,
        change: Callable[[Problem], Problem],
        solver: Solver,
        start: Problem | None = None,
        budget: float = float("inf"),
    ) -> bool:
        """Whether the changed problem has the observed output; False once the budget of products is spent."""
        try:
            changed = change(start or self.problem)
            if not self._same_size(changed) or solver.touched > budget:
                return False
            if solver.spent > budget and not solver.is_cheap(changed):
                return False
            with np.errstate(all="ignore"):
                candidate = solver(changed)
                if self.exact:
                    return all(self._equal(candidate[name], self.observed[name]) for name in self.names)
                return self._near(candidate, change)
        except (ValueError, IndexError, KeyError):
            return False  # the mistake cannot be made in this case

    def _same_size(self, changed: Problem) -> bool:
        if "y" not in self.names or changed.output or changed.linear:
            return True
        return changed.size == self.observed["y"].shape[2:]

    def _equal(self, candidate: np.ndarray, observed: np.ndarray) -> bool:
        if candidate.shape != observed.shape:
            return False
        if np.array_equal(candidate, observed, equal_nan=True):
            return True
        rounded = round_to(self.case.format, candidate)
        return bool(np.array_equal(rounded, observed, equal_nan=True))

    def _near(self, candidate: Tensors, change: Callable[[Problem], Problem]) -> bool:
        for name in self.names:
            observed = self.observed[name]
            if candidate[name].shape != observed.shape:
                return False
            same = np.isfinite(candidate[name]) == np.isfinite(observed)
            scale = np.nanmax(np.abs(candidate[name]), initial=1.0)
            # A cheap first check; what passes is compared with the bound.
            if not same.all() or np.nanmax(np.abs(candidate[name] - observed), initial=0.0) > 0.1 * scale:
                return False
        # Where a mistake replaces sums by values, the result for tensors of ones is not a number of products.
        references = self.references(change, candidate, most_terms=self.problem.work + 1)
        return all(self.within(references[name], self.observed[name], self.profile) for name in self.names)

    def references(
        self,
        change: Callable[[Problem], Problem] = lambda p: p,
        exact: Tensors | None = None,
        most_terms: float = float("inf"),
    ) -> dict[str, Reference]:
        """The output of a changed problem, as references. A mistake changes the norms of the case little.

        Parameters
        ----------
        change : callable
            Makes a mistake.
        exact : dict of numpy.ndarray, optional
            The output of the changed problem, where it has been computed already.
        most_terms : float
            No element counts as a sum of more products.
        """
        exact = exact or Solver()(change(self.problem))
        sums, counts = (Solver()(change(_mapped(self.problem, way))) for way in (np.abs, np.ones_like))
        return {
            name: Reference.of(
                exact[name],
                np.abs(sums[name]),
                np.minimum(np.abs(counts[name]), most_terms),
                whole=self.whole,
                norms=partial(self._norms, name),
            )
            for name in self.names
        }

    @cached_property
    def whole(self) -> bool:
        """Whether all input data are real whole numbers."""
        return not self.case.format.is_complex and all(map(are_whole, self._tensors().values()))

    def _norms(self, name: str) -> Norms | None:
        return norms_of(self.case, self._tensors(), name, channels_last=False)

    def _tensors(self) -> Tensors:
        p = self.problem
        named = {"x": p.x, "w": p.w, "bias": p.bias, "dy": p.dy, **p.second}
        return {name: array for name, array in named.items() if array is not None}

    def within(
        self, reference: Reference, observed: np.ndarray, profile: Profile, dtype: str | None = None
    ) -> bool:
        """Whether an output lies within a profile's bound of a reference; not if it has a different shape."""
        if observed.shape != reference.exact.shape:
            return False
        return not self.beyond(reference, observed, profile, dtype).any()

    def beyond(
        self, reference: Reference, observed: np.ndarray, profile: Profile, dtype: str | None = None
    ) -> np.ndarray:
        """Which elements lie beyond a profile's bound of a reference.

        Where that bound says nothing, an element is compared with the tightest bound.
        """
        form = DTYPES[dtype or self.case.format.name]
        allowed = tolerance(reference, form, profile)
        blind = says_nothing(reference, form, profile)
        if blind.any():
            tighter = PROFILES[_DEFAULT_PROFILE.get(form.name, "fp32-acc")]
            allowed = np.where(blind, tolerance(reference, form, tighter), allowed)
        with np.errstate(invalid="ignore"):
            near = np.abs(observed - reference.exact) <= allowed
        if not np.isfinite(observed).all():
            near |= ~np.isfinite(observed) & overflow.within(observed, reference, form, profile)
        return ~(near | (np.isnan(observed) & np.isnan(reference.exact)) | (observed == reference.exact))


def _mapped(p: Problem, change: Callable[[np.ndarray], np.ndarray]) -> Problem:
    """A problem whose every tensor is changed, for sums of magnitudes and numbers of products."""
    return p.but(
        x=change(p.x),
        w=change(p.w),
        bias=None if p.bias is None else change(p.bias),
        dy=None if p.dy is None else change(p.dy),
        second={name: change(array) for name, array in p.second.items()},
    )
