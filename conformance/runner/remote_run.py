"""The interface to other machines that run cases; `conformance.cluster.run` implements it for Dask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from conformance.adapters.host.client import ProcessLimits
from conformance.adapters.registry import AdapterSpec
from conformance.reports.gate.expectations import Expectation

__all__ = ["RemoteResult", "RemoteRun"]


class RemoteResult(Protocol):
    """The outcomes of some cases on one adapter."""

    @property
    def adapter(self) -> str:
        """The adapter."""

    @property
    def parts(self) -> Sequence[Sequence[str]]:
        """Ids of the cases, by sequence; empty for all that are left, if no more can run."""

    @property
    def reply(self) -> Any:
        """The outcomes and the environment in which the cases ran; None if there are no outcomes."""

    @property
    def trouble(self) -> str:
        """Why there are no outcomes."""


class RemoteRun(Protocol):
    """A connection to other machines for one run."""

    def engage(self, names: Sequence[str], device: str = "cpu") -> list[AdapterSpec]:
        """The adapters that the names match there."""

    def versions(self, spec: AdapterSpec) -> dict[str, str]:
        """Versions of the packages of an adapter there."""

    def results(
        self,
        specs: Sequence[AdapterSpec],
        cases: Mapping[str, Sequence[Sequence[str]]],
        *,
        limits: ProcessLimits,
        expectations: Mapping[str, Sequence[Expectation]],
        every: bool,
    ) -> Iterator[RemoteResult]:
        """Run cases there; every case is in exactly one result.

        Parameters
        ----------
        specs : sequence of AdapterSpec
            The adapters, from `engage`.
        cases : mapping
            Sequences of case ids by adapter; the cases of a sequence run in one process.
        limits : ProcessLimits
            How long to wait for an adapter.
        expectations : mapping
            Entries by adapter.
        every : bool
            Whether every case is computed twice.
        """

    def close(self) -> None:
        """End the connection."""
