"""Find the call in another interface's words, with as few steps around it as it takes, and prove it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from adapters.process import Host, Reply
from cases import Case, CaseError, DomainError
from cases.data import make_tensors
from cases.dtypes import round_to
from conformance.port.steps import STEPS, Step
from conformance.reference import answer

__all__ = ["Port", "find_port", "verify"]

_DECLINED = ("unsupported", "inexpressible")


@dataclass(frozen=True)
class Port:
    """A question in an interface's own words.

    Attributes
    ----------
    case, asked : Case
        The question, and the one the interface is asked.
    steps : tuple of (Step, Case)
        What is done around the call, each with the case it starts from.
    reason : str
        Why the interface has no single call; empty if it has.
    """

    case: Case
    asked: Case
    steps: tuple[tuple[Step, Case], ...] = ()
    reason: str = ""

    def lines(self, part: str) -> list[str]:
        """NumPy lines of all steps; those after the call in reverse order."""
        order: Iterable[tuple[Step, Case]] = self.steps if part.startswith("before") else reversed(self.steps)
        return [line for step, case in order for line in getattr(step, part)(case)]


def find_port(case: Case, host: Host) -> Port | str:
    """The call with the fewest steps around it that the interface takes, or the reason there is none.

    Parameters
    ----------
    case : Case
        The question.
    host : Host
        The interface.
    """
    case = replace(case, direction="fwd", data="ints")
    first = ""
    for count in range(len(STEPS) + 1):
        for chosen in itertools.combinations(STEPS, count):
            port = _with(case, chosen, first)
            if port is None:
                continue
            reply = _put(port, host)
            if reply.kind not in _DECLINED:
                return port
            first = first or reply.detail
    return first


def _with(case: Case, chosen: tuple[Step, ...], reason: str) -> Port | None:
    asked, steps = case, []
    for step in chosen:
        if not step.applies(asked):
            return None
        steps.append((step, asked))
        try:
            asked = step.case(asked)
        except (CaseError, DomainError):
            return None
    return Port(case, asked, tuple(steps), reason)


def _put(port: Port, host: Host) -> Reply:
    there = _before(port, port.case)
    return host.ask(port.asked, _arrays(there, port.asked))


def _before(port: Port, case: Case) -> dict[str, Any]:
    there: dict[str, Any] = {"np": np, **make_tensors(case)}
    exec("\n".join(port.lines("before")), there)
    if case.direction == "grad":
        exec("\n".join(port.lines("before_gradient")), there)
    return there


def _arrays(there: dict[str, Any], case: Case) -> dict[str, np.ndarray]:
    names = ["x", "w", *(["bias"] * case.bias), *(["dy"] * (case.direction == "grad"))]
    return {name: np.ascontiguousarray(there[name]) for name in names}


def verify(port: Port, host: Host) -> str:
    """Ask with random integers, forward and gradients, and compare every bit with the oracle.

    Returns
    -------
    str
        Empty where both agree, else what does not.
    """
    for direction in ("fwd", "grad"):
        case = replace(port.case, direction=direction)
        asked = replace(port.asked, direction=direction)
        there = _before(port, case)
        expected = answer(case, make_tensors(case))
        reply = host.ask(asked, _arrays(there, asked))
        if reply.kind in _DECLINED and direction == "grad":
            continue  # an interface without gradients is ported forward only
        if reply.kind != "answer":
            return f"{direction}: {reply.kind}, {reply.detail.splitlines()[0] if reply.detail else ''}"
        if "shape" in reply.tensors:  # a shape inference has no more to say
            if tuple(reply.tensors["shape"].values) != asked.output_shape:
                return f"{direction}: another shape than the rules give"
            continue
        there.update({name: tensor.values for name, tensor in reply.tensors.items()})
        exec("\n".join(port.lines("after" if direction == "fwd" else "after_gradient")), there)
        for name, wanted in expected.items():
            right = round_to(case.format, wanted)
            if there[name].shape != right.shape or not np.array_equal(there[name], right):
                return f"{direction}: {name} differs from the right answer"
    return ""
