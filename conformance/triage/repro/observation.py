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
from conformance.cases.program import Program
from conformance.execution.check import run_after
from conformance.oracle.expected_output import input_tensors
from conformance.reports.record.outcome import Outcome
from conformance.triage.repro.data import data_lines

__all__ = ["Before", "Observation", "gather"]


@dataclass(frozen=True)
class Before:
    """A call before the one that is judged."""

    case: Case
    program: Program

    def lines(self) -> list[str]:
        """Return the lines of its data and its call."""
        data = data_lines(self.case, dict(input_tensors(self.case)))
        body = self.program.body
        return ["", f"# {self.case}", *data, *bias_lines(self.case, body), *body]


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
    program : Program or None
        The call; None if the adapter makes none.
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
    program: Program | None
    environment: dict[str, Any] = field(default_factory=dict)
    before: tuple[Before, ...] = ()

    @property
    def setup(self) -> tuple[str, ...]:
        """The imports and settings of the call."""
        return () if self.program is None else self.program.setup

    @property
    def body(self) -> tuple[str, ...]:
        """The lines of the call after its imports and settings."""
        return () if self.program is None else self.program.body

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
        program = host.program(case)
        return Observation(
            case=case,
            spec=spec,
            outcome=outcome,
            tensors=dict(tensors),
            got={name: tensor.values for name, tensor in reply.tensors.items()},
            promise=reply.promise,
            program=program if isinstance(program, Program) else None,
            environment=dict(host.environment),
            before=tuple(Before(Case.parse(other), before) for other, before in outcome.after_programs.items()),
        )
