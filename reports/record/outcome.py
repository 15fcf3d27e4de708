"""``Outcome``: the result of one adapter on one case. Table columns and JSON derive from this one declaration."""

from __future__ import annotations

import json
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from conformance.cases.columns import Row
from conformance.cases.program import Program
from conformance.reports.record.crash_text import without_stacks
from conformance.reports.record.diagnosis import Diagnosis
from conformance.reports.record.evidence import Evidence
from conformance.reports.record.statuses import STATUSES, FailKind, StatusName

__all__ = ["OUTCOME_COLUMNS", "Outcome"]

OUTCOME_COLUMNS = ("adapter", "status", "kind", "profile", "budget", "max_abs_error", "max_ulp_error", "transform",
                   "diagnosis", "stage", "detail")  # fmt: skip
"""The columns of an outcome that a condition can name, in addition to those of its case."""


@dataclass(frozen=True)
class Outcome:
    """The verdict on one output, and the call that was run.

    Attributes
    ----------
    case_id, adapter : str
        The case, and the adapter that ran it.
    status : str
        A name in ``conformance.reports.record.statuses.STATUSES``.
    kind : str or None
        For ``fail``, a name in ``FAIL_KINDS``.
    profile : str or None
        The tightest accuracy profile met.
    budget : float or None
        Share of the error bound of that profile that the worst element uses, 0 to 1.
    max_abs_error : float or None
        Largest difference from the oracle.
    detail : str
        What happened, as text.
    source : str
        Documentation that the detail cites.
    digest : str
        Hash of the bits of the output; equal for equal outputs.
    diagnosis : Diagnosis or None
        Why an output is wrong.
    program : Program or None
        The call; kept if the outcome is worth a look.
    seconds : float
        Time the whole check took.
    evidence : dict of Evidence
        The numbers that the report shows, by output tensor; kept for failures.
    max_ulp_error : float or None
        Largest difference from the oracle in units in the last place of the expected value; only for outputs that
        pass on data that round.
    after : list of str
        For ``stateful``, the ids of the cases after which it fails in one process, oldest first.
    after_programs : dict
        The calls for those cases, by case id.
    stage : str or None
        Of an adapter that goes through converters, the first stage that failed; None where none is known.
    """

    case_id: str
    adapter: str
    status: StatusName
    kind: FailKind | None = None
    _: KW_ONLY
    profile: str | None = None
    budget: float | None = None
    max_abs_error: float | None = None
    detail: str = ""
    source: str = ""
    digest: str = ""
    diagnosis: Diagnosis | None = None
    program: Program | None = None
    seconds: float = 0.0
    evidence: dict[str, Evidence] = field(default_factory=dict)
    max_ulp_error: float | None = None
    after: list[str] = field(default_factory=list)
    after_programs: dict[str, Program] = field(default_factory=dict)
    stage: str | None = None

    @property
    def gates(self) -> bool:
        """Whether it fails a gate unless it is expected."""
        return STATUSES[self.status].gates

    @property
    def own_failure(self) -> Outcome | None:
        """A failure of the suite while it diagnosed this outcome, as a separate outcome; None without one."""
        if self.diagnosis is None or self.diagnosis.failure is None:
            return None
        detail = f"the diagnosis failed: {self.diagnosis.failure}"
        return Outcome(self.case_id, self.adapter, "infra", detail=detail)

    @property
    def transform(self) -> str | None:
        """The transformation that the diagnosis names; None without a diagnosis."""
        return self.diagnosis.transform if self.diagnosis else None

    @property
    def explanation(self) -> str | None:
        """The diagnosis as text; None without one."""
        return self.diagnosis.text if self.diagnosis else None

    @property
    def message(self) -> str:
        """What the framework said, or what differs; of a crash, without stacks."""
        return without_stacks(self.detail) if self.status == "crash" else self.detail

    def _repr_html_(self) -> str:
        from conformance.reports.record.notebook import outcome_html

        return outcome_html(self)

    def columns(self) -> Row:
        """Values of ``OUTCOME_COLUMNS``: ``transform`` names the diagnosis, ``diagnosis`` is its text."""
        return {name: self.explanation if name == "diagnosis" else getattr(self, name) for name in OUTCOME_COLUMNS}

    def to_json(self) -> dict[str, Any]:
        """Plain data that shares its nested values with the outcome; `from_json` is the inverse."""
        return vars(self) | {
            "diagnosis": self.diagnosis.to_json() if self.diagnosis else None,
            "evidence": {name: tensor.to_json() for name, tensor in self.evidence.items()},
            "program": self.program.to_json() if self.program else None,
            "after_programs": {name: program.to_json() for name, program in self.after_programs.items()},
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Outcome:
        """Read what `to_json` returned; unknown keys are an error."""
        diagnosis = Diagnosis.from_json(data.get("diagnosis"))
        evidence = {name: Evidence.from_json(tensor) for name, tensor in data.get("evidence", {}).items()}
        program = Program.from_json(data["program"]) if data.get("program") else None
        before = {name: Program.from_json(lines) for name, lines in data.get("after_programs", {}).items()}
        changed = {"diagnosis": diagnosis, "evidence": evidence, "program": program, "after_programs": before}
        return cls(**data | changed)

    def row(self) -> dict[str, Any]:
        """Values for a database row; structured fields as JSON text."""
        return {
            name: json.dumps(value) if isinstance(value, dict | list) else value
            for name, value in self.to_json().items()
        }

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> Outcome:
        """Inverse of `row`."""
        data = dict(row)
        for name in ("diagnosis", "program", "evidence", "after", "after_programs"):
            data[name] = json.loads(data[name]) if data[name] else None
        for name in ("evidence", "after_programs"):
            data[name] = data[name] or {}
        data["after"] = data["after"] or []
        return cls.from_json(data)
