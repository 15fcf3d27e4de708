"""Find the equivalent call of a different interface, proven right, with as few steps around it as possible."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from conformance.adapters.host.client import AdapterProcess
from conformance.cases import Case, CaseError, DomainError
from conformance.cases.data import make_tensors
from conformance.cases.dtypes import round_to
from conformance.cases.policy import policies
from conformance.oracle.expected_output import expected_output
from conformance.porting.steps import STEPS, PortStep

__all__ = ["AdapterCannotStart", "Port", "Proof", "find_port", "prove"]

_DECLINED = ("unsupported", "inexpressible")
# How many crashes and timeouts are tolerated: each costs a start of the framework, or the whole time limit, and an
# interface that crashes or hangs that often does so for every form of the call.
_PATIENCE = {"crash": 3, "timeout": 1}


class AdapterCannotStart(Exception):
    """The process of an interface does not start."""


@dataclass(frozen=True)
class Proof:
    """The result of comparing a port with the expected output.

    Attributes
    ----------
    proved : tuple of str
        What agrees bit for bit: ``output`` and ``gradients``, or ``shape``.
    problem : str
        What does not agree; empty where all agrees.
    declined : str
        Why the interface does not take the case; empty where it does.
    ended : str
        ``crash`` or ``timeout``, where that is the problem.
    """

    proved: tuple[str, ...] = ()
    problem: str = ""
    declined: str = ""
    ended: str = ""


@dataclass(frozen=True)
class Port:
    """A case as a call of an interface, with the steps around the call.

    Attributes
    ----------
    case, call_case : Case
        The case, and the case that the interface itself runs inside the steps.
    steps : tuple of (PortStep, Case)
        What is done around the call, each with the case it starts from.
    reason : str
        A sentence on why the call alone is not enough; empty if it is.
    proof : Proof
        What is right about the port, or what is wrong.
    """

    case: Case
    call_case: Case
    steps: tuple[tuple[PortStep, Case], ...] = ()
    reason: str = ""
    proof: Proof = Proof()

    def lines(self, part: str) -> list[str]:
        """Return the NumPy lines of all steps; those after the call in reverse order."""
        order: Iterable[tuple[PortStep, Case]] = self.steps if part.startswith("before") else reversed(self.steps)
        return [line for step, case in order for line in getattr(step, part)(case)]


def find_port(case: Case, host: AdapterProcess) -> Port | str:
    """Return the right call with the fewest steps around it, or the reason why there is none.

    Where the interface computes a call wrongly, forms with more steps are tried. Where no form is right, the first
    one is returned with its problem.

    Parameters
    ----------
    case : Case
        The case.
    host : AdapterProcess
        The interface.

    Raises
    ------
    AdapterCannotStart
        Its process does not start.
    """
    case = replace(case, direction="fwd", data="ints")
    reason, wrong, patience = "", None, dict(_PATIENCE)
    for count in range(len(STEPS) + 1):
        for chosen in itertools.combinations(STEPS, count):
            port = _with(case, chosen)
            if port is None:
                continue
            proof = prove(port, host)
            port = replace(port, reason=reason, proof=proof)
            if proof.proved and not proof.problem:
                return port
            if proof.problem:
                wrong = wrong or port
                if proof.ended:
                    patience[proof.ended] -= 1
                    if not patience[proof.ended]:
                        return wrong
                reason = reason or f"The call alone gives a wrong output here ({proof.problem})"
            reason = reason or f"There is no single call: {proof.declined}"
    return wrong or reason


def _with(case: Case, chosen: tuple[PortStep, ...]) -> Port | None:
    call_case, steps = case, []
    for step in chosen:
        if not step.applies(call_case):
            return None
        steps.append((step, call_case))
        try:
            call_case = step.case(call_case)
        except (CaseError, DomainError):
            return None
    return Port(case, call_case, tuple(steps))


def _before(port: Port, case: Case) -> dict[str, Any]:
    there: dict[str, Any] = {"np": np, **make_tensors(case)}
    exec("\n".join(port.lines("before")), there)
    if case.direction == "grad":
        exec("\n".join(port.lines("before_gradient")), there)
    return there


def _arrays(there: dict[str, Any], case: Case) -> dict[str, np.ndarray]:
    names = ["x", "w", *(["bias"] * case.bias), *(["dy"] * (case.direction == "grad"))]
    return {name: np.ascontiguousarray(there[name]) for name in names}


def prove(port: Port, host: AdapterProcess) -> Proof:
    """Run a port on random integers, forward and gradients, and compare every bit with the oracle."""
    proved: list[str] = []
    for direction in ("fwd", "grad"):
        case = replace(port.case, direction=direction)
        call_case = replace(port.call_case, direction=direction)
        there = _before(port, case)
        reply = host.run(call_case, _arrays(there, call_case), twice=False)
        if reply.kind in _DECLINED or (reply.kind == "raised" and policies(call_case)):  # R12 lets it refuse
            # An interface without gradients is ported forward only.
            return Proof(tuple(proved), declined="" if proved else reply.detail)
        if reply.kind != "answer":
            if reply.kind == "broken" and (failed := host.start()) is not None:
                raise AdapterCannotStart(f"{host.spec.name}: {failed.detail}")
            message = reply.detail.splitlines()[0] if reply.detail else ""
            ended = reply.kind if reply.kind in _PATIENCE else ""
            return Proof(tuple(proved), f"{direction}: {reply.kind}, {message}", ended=ended)
        if "shape" in reply.tensors:  # a shape inference returns no numbers
            inferred = tuple(reply.tensors["shape"].values.tolist())
            if inferred != call_case.output_shape:
                return Proof((), f"the shape inferred is {inferred}; by the rules it is {call_case.output_shape}")
            return Proof(("shape",))
        for name, tensor in reply.tensors.items():
            if tensor.dtype != call_case.dtype:
                return Proof(tuple(proved), f"{name} has dtype {tensor.dtype}; {call_case.dtype} is expected")
        there.update({name: tensor.values for name, tensor in reply.tensors.items()})
        exec("\n".join(port.lines("after" if direction == "fwd" else "after_gradient")), there)
        for name, exact in expected_output(case, make_tensors(case)).items():
            expected = round_to(case.format, exact)
            if there[name].shape != expected.shape:
                return Proof(tuple(proved), f"{name} has shape {there[name].shape}, by the rules {expected.shape}")
            if not np.array_equal(there[name], expected):
                return Proof(tuple(proved), f"{name} has wrong values")
        proved.append({"fwd": "output", "grad": "gradients"}[direction])
    return Proof(tuple(proved))
