"""A port as a script: weights, steps before, the call, steps after."""

from __future__ import annotations

from conformance.adapters.host.client import AdapterProcess
from conformance.adapters.registry import load
from conformance.calls import Meaning
from conformance.calls.formatting import bias_lines, tidy
from conformance.calls.weights import describe, to_case
from conformance.cases.data import make_tensors
from conformance.cases.program import Program
from conformance.porting.search import Port

__all__ = ["port_text"]


def port_text(meaning: Meaning, port: Port, host: AdapterProcess) -> str:
    """Return source text that starts from NumPy ``x`` and ``w`` (and ``bias``) as the original call holds them.

    Parameters
    ----------
    meaning : Meaning
        The call, its case and how it holds its weights.
    port : Port
        The equivalent call, and the proof.
    host : AdapterProcess
        The interface that the call is ported to.
    """
    case = port.case
    program = host.program(port.call_case)
    if not isinstance(program, Program):  # the call was made, so only a process that failed since then
        program = Program((), (f"# no program: {program.detail}",))
    source = f"{meaning.name}, " if meaning.name else ""
    lines = [f"# {source}ported to {host.spec.name}: {case}"]
    if port.steps:
        lines.append(f"# {port.reason.rstrip('.')}.")
        lines.append(f"# The closest equivalent: {'; '.join(step.about for step, _ in port.steps)}.")
    lines += [f"# note: {note}" for note in meaning.notes]
    names = ", ".join(make_tensors(case))
    lines += [f"# Given {names} as NumPy arrays; w has the shape {describe(meaning.weight, case.rank)}."]
    lines += ["import numpy as np", *program.setup, ""]
    conversion = to_case(meaning.weight, case)
    if conversion:
        lines += [*conversion[:-1], f"{conversion[-1]}  # to {describe(type(meaning.weight)(), case.rank)}"]
    lines += [*port.lines("before"), *bias_lines(port.call_case, program.body), *program.body]
    after = port.lines("after")
    if after and not load(host.spec.target).shape_only:
        lines += [f"y = {load(host.spec.target).as_numpy(port.call_case, 'y')}", *after]
    lines.append(f"# {_proof_text(port)}")
    return "\n".join(tidy(lines)) + "\n"


def _proof_text(port: Port) -> str:
    """Say in a sentence what was proved."""
    if port.proof.problem:
        return f"WRONG on random weights: {port.proof.problem}."
    if "shape" in port.proof.proved:
        return "Verified: the shape is that of the definition; the interface infers no more."
    if "gradients" in port.proof.proved:
        return "Verified on random weights: output and gradients agree bit for bit with the definition."
    return "Verified on random weights: the output agrees bit for bit with the definition (it has no gradients)."
