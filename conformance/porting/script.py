"""A port as a script: weights, steps before, the call, steps after."""

from __future__ import annotations

from conformance.adapters.host.client import AdapterProcess
from conformance.adapters.registry import load
from conformance.calls import Meaning
from conformance.calls.formatting import bias_lines, tidy
from conformance.calls.weights import describe, to_case
from conformance.cases.data import make_tensors
from conformance.porting.search import Port

__all__ = ["port_text"]


def port_text(meaning: Meaning, port: Port, host: AdapterProcess) -> str:
    """Source text that starts from NumPy ``x`` and ``w`` (and ``bias``) as the ported call holds them.

    Parameters
    ----------
    meaning : Meaning
        The call, its case and how it holds its weights.
    port : Port
        Its question in the other interface's words, and the proof.
    host : AdapterProcess
        That interface.
    """
    case = port.case
    setup, _, body = f"\n{host.program(port.asked)}".partition("\n\n")
    source = meaning.name or "a case"
    lines = [f"# {source} in the words of {host.spec.name}: {case}"]
    if port.steps:
        lines.append(f"# {port.reason.rstrip('.')}.")
        lines.append(f"# The closest form: {'; '.join(step.about for step, _ in port.steps)}.")
    lines += [f"# note: {note}" for note in meaning.notes]
    names = ", ".join(make_tensors(case))
    lines += [f"# Given {names} as NumPy arrays, w of {describe(meaning.weight, case.rank)}."]
    lines += ["import numpy as np", *setup.strip().splitlines(), ""]
    moved = to_case(meaning.weight, case)
    if moved:
        lines += [*moved[:-1], f"{moved[-1]}  # to {describe(type(meaning.weight)(), case.rank)}"]
    call = body.strip().splitlines()
    lines += [*port.lines("before"), *bias_lines(port.asked, call), *call]
    after = port.lines("after")
    if after and not load(host.spec.target).shape_only:
        lines += [f"y = {load(host.spec.target).as_numpy(port.asked, 'y')}", *after]
    lines.append(f"# {_said(port)}")
    return "\n".join(tidy(lines)) + "\n"


def _said(port: Port) -> str:
    """What was proved, in a sentence."""
    if port.proof.problem:
        return f"NOT right on random weights: {port.proof.problem}."
    if "shape" in port.proof.proved:
        return "Verified: the shape is that of the definition; the interface infers no more."
    if "gradients" in port.proof.proved:
        return "Verified on random weights: output and gradients agree bit for bit with the definition."
    return "Verified on random weights: the output agrees bit for bit with the definition (it has no gradients)."
