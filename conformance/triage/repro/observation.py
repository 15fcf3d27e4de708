"""``Observation``: one case run on one adapter, with all that a script or an issue needs of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from conformance.adapters.host.client import AdapterProcess, ProcessLimits
from conformance.adapters.registry import AdapterSpec
from conformance.calls.formatting import bias_lines
from conformance.cases import Case
from conformance.execution.check import run_after
from conformance.oracle.expected_output import input_tensors
from conformance.reports.record.outcome import Outcome
from conformance.triage.repro.data import data_lines

__all__ = ["Before", "Observation", "gather"]


@dataclass(frozen=True)
class Before:
    """A call before the one that is judged: its case, set-up and body."""

    case: Case
    setup: tuple[str, ...]
    body: tuple[str, ...]

    @classmethod
    def of(cls, case: Case, program: str) -> Before:
        """Split a program at its first blank line, which ends the set-up."""
        setup, _, body = f"\n{program}".partition("\n\n")
        return cls(case, tuple(setup.strip().splitlines()), tuple(body.splitlines()))

    def lines(self) -> list[str]:
        """Return the lines of its data and its call."""
        data = data_lines(self.case, dict(input_tensors(self.case)))
        return ["", f"# {self.case}", *data, *bias_lines(self.case, self.body), *self.body]


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One case, the adapter that ran it, and everything about the result.

    Attributes
    ----------
    case, spec, outcome
        The case, the adapter and the outcome.
    tensors : dict of numpy.ndarray
        The input data.
    got : dict of numpy.ndarray
        The output; empty without one.
    promise : str
        The accuracy profile the adapter promises.
    setup, body : tuple of str
        The call: imports and settings, and the lines after them.
    environment : dict
        Versions, processor and settings of the adapter's process.
    before : tuple of Before
        The calls that are made first, for an outcome that depends on them.
    """

    case: Case
    spec: AdapterSpec
    outcome: Outcome
    tensors: dict[str, np.ndarray]
    got: dict[str, np.ndarray]
    promise: str
    setup: tuple[str, ...]
    body: tuple[str, ...]
    environment: dict[str, Any] = field(default_factory=dict)
    before: tuple[Before, ...] = ()

    @property
    def names(self) -> list[str]:
        """Names of the output tensors."""
        return list(self.case.outputs)


def gather(
    case: Case, spec: AdapterSpec, limits: ProcessLimits | None = None, after: Sequence[Case] = ()
) -> Observation:
    """Run a case, and keep all that a script needs.

    Parameters
    ----------
    case, spec
        The case and the adapter.
    limits : ProcessLimits, optional
        How long to wait.
    after : sequence of Case
        What the same process computes first.
    """
    with AdapterProcess(spec, limits) as host:
        outcome = run_after(case, host, after)
        tensors = input_tensors(case)
        reply = host.run(case, tensors)
        # The first blank line ends the set-up, which may be empty.
        setup, _, body = f"\n{host.program(case)}".partition("\n\n")
        return Observation(
            case=case,
            spec=spec,
            outcome=outcome,
            tensors=dict(tensors),
            got={name: tensor.values for name, tensor in reply.tensors.items()},
            promise=reply.promise,
            setup=tuple(setup.strip().splitlines()),
            body=tuple(body.splitlines()),
            environment=dict(host.environment),
            before=tuple(Before.of(Case.parse(other), text) for other, text in outcome.after_programs.items()),
        )
