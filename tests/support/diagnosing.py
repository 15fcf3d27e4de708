"""What the diagnosis says of an implementation that runs in this process."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from conformance.adapters.host.client import Reply
from conformance.cases import Case
from conformance.cases.data import Tensors, make_tensors
from conformance.diagnosis import Diagnosis, diagnose
from conformance.oracle.verdict import judge
from tests.faults.machine import Fault

__all__ = ["FaultyHost", "Host", "diagnosis_of", "diagnosis_of_fault"]


class Host(Protocol):
    """What the diagnosis calls to run more cases."""

    def run(self, case: Case, tensors: Tensors) -> Reply:
        """Run one case."""


class FaultyHost:
    """The right implementation with a fault planted in it."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault

    def run(self, case: Case, tensors: Tensors) -> Reply:
        """Run one case."""
        with np.errstate(all="ignore"):
            return self.fault.reply(case, tensors)


def diagnosis_of(case: str | Case, host: Host, *, alone: bool = False) -> Diagnosis | None:
    """The diagnosis of a case; ``alone`` keeps it from running more cases."""
    case = Case.parse(case) if isinstance(case, str) else case
    tensors = make_tensors(case)
    reply = host.run(case, tensors)
    more: Any = None if alone else host
    return diagnose(case, tensors, reply, judge(case, tensors, reply), more)


def diagnosis_of_fault(fault: Fault, case: Case) -> Diagnosis | None:
    """The diagnosis of a planted fault on a case; None where the verdict does not fail it."""
    host, tensors = FaultyHost(fault), make_tensors(case)
    if judge(case, tensors, host.run(case, tensors)).status != "fail":
        return None
    return diagnosis_of(case, host)
