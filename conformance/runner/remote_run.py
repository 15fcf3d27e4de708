"""What the runner needs of other machines that run its cases; `conformance.cluster.run` is that for Dask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from conformance.adapters.host.client import ProcessLimits
from conformance.adapters.registry import AdapterSpec
from conformance.reports.gate.expectations import Expectation

__all__ = ["RemoteResult", "RemoteRun"]


class RemoteResult(Protocol):
    """What came of some cases on one adapter."""

    @property
    def adapter(self) -> str:
        """Which adapter they were run on."""

    @property
    def parts(self) -> Sequence[Sequence[str]]:
        """Ids of the cases, by sequence; all that are left if none can be run any more."""

    @property
    def answer(self) -> Any:
        """The outcomes, and the environment they come from; None if there are none."""

    @property
    def trouble(self) -> str:
        """Why there are none."""


class RemoteRun(Protocol):
    """A connection to other machines for one run."""

    def engage(self, names: Sequence[str], device: str = "cpu") -> list[AdapterSpec]:
        """The adapters that names stand for there."""

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
            The adapters, engaged before.
        cases : mapping
            Sequences of case ids by adapter; the cases of a sequence run in one process.
        limits : ProcessLimits
            How long to wait for an adapter.
        expectations : mapping
            Entries by adapter.
        every : bool
            Whether every case is run twice.
        """

    def close(self) -> None:
        """End the connection."""
