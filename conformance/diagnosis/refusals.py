"""Diagnosis of a refusal: which parameter it is about, by experiment and by the framework's message.

The experiment makes the case plainer one parameter at a time, as long as the framework refuses it with the same
message. The refusal is about a parameter that is left if the case without it gets a right answer. Only where there
is no such parameter does the message decide.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from conformance.adapters.host.client import AdapterProcess
from conformance.cases.case import Case
from conformance.cases.data import make_tensors
from conformance.cases.errors import CaseError, DomainError
from conformance.cases.policy import beyond_memory, policies
from conformance.diagnosis.messages import cleaned, kind_of, named, pattern_of
from conformance.diagnosis.mutations.registry import listed
from conformance.oracle.verdict import judge

__all__ = ["diagnose_refusal"]

Diagnosis = dict[str, Any]

_LONGEST = 200
_WORST_ENDS = 2  # a crash or a hang on the way takes the process along


def _plain_value(name: str, value: Any) -> Callable[[Case], Case]:
    return lambda case: replace(case, **{name: value})


def _other_layout(case: Case) -> Case:
    return replace(case, layout="channels_last" if case.layout == "channels_first" else "channels_first")


def _in_two_dimensions(case: Case) -> Case:
    spatial = ("input_size", "kernel_size", "stride", "dilation", "padding", "output_padding")
    values = {name: getattr(case, name) for name in spatial if isinstance(getattr(case, name), tuple)}
    return replace(case, rank=2, **{name: (value * 2)[-2:] for name, value in values.items()})


def _forward(case: Case) -> Case:
    return replace(case, direction="fwd")


# How to make a case plainer, by parameter, and the words for it. What refusals are seldom about comes first, so
# that the rest is asked about in the plainest case.
_PLAINER: dict[str, tuple[Callable[[Case], Case], Callable[[Case], str]]] = {
    "direction": (_forward, lambda case: "forward"),
    "batch": (_plain_value("batch", 1), lambda case: "with batch 1"),
    "output_padding": (_plain_value("output_padding", None), lambda case: "without output_padding"),
    "padding": (_plain_value("padding", "valid"), lambda case: "with padding `valid`"),
    "bias": (_plain_value("bias", False), lambda case: "without bias"),
    "groups": (_plain_value("groups", 1), lambda case: "with groups 1"),
    "stride": (_plain_value("stride", 1), lambda case: "with stride 1"),
    "dilation": (_plain_value("dilation", 1), lambda case: "with dilation 1"),
    "rank": (_in_two_dimensions, lambda case: "in two dimensions"),
    "dtype": (_plain_value("dtype", "f32"), lambda case: "in float32"),
    "layout": (_other_layout, lambda case: f"with {_other_layout(case).layout}"),
}
_NAMES = {"layout": "the layout", "rank": "the number of dimensions", "direction": "the gradient"}


def _plainer(case: Case, parameter: str) -> Case | None:
    """The case with a parameter at its plain value; None where that is no other case with an answer."""
    try:
        other = _PLAINER[parameter][0](case)
        return None if other == case or policies(other) or beyond_memory(other) else other
    except (CaseError, DomainError):
        return None


@dataclass
class _Experiment:
    """Questions to one adapter, each asked once.

    Attributes
    ----------
    host : AdapterProcess
        The adapter.
    message : str
        The pattern of the message that is looked for.
    """

    host: AdapterProcess
    message: str
    _found: dict[Case, str] = field(default_factory=dict)
    _ends: int = 0

    def result(self, case: Case) -> str:
        """``same`` for the same refusal, ``accepted`` for a right answer, ``other`` for all else."""
        if case not in self._found:
            self._found[case] = self._ask(case)
        return self._found[case]

    def _ask(self, case: Case) -> str:
        if self._ends >= _WORST_ENDS:
            return "other"
        tensors = make_tensors(case)
        reply = self.host.run(case, tensors)
        self._ends += reply.kind in ("crash", "timeout")
        if reply.kind in ("raised", "unsupported") and pattern_of(reply.detail) == self.message:
            return "same"
        # What is declined, fails or crashes is not accepted, whatever the reason is.
        return "accepted" if judge(case, tensors, reply)["status"] == "pass" else "other"

    def simplest(self, case: Case) -> Case:
        """The plainest case that is refused in the same way."""
        for parameter in _PLAINER:
            other = _plainer(case, parameter)
            # Neither layout is plainer than the other.
            if other is not None and parameter != "layout" and self.result(other) == "same":
                case = other
        return case


def diagnose_refusal(case: Case, detail: str, host: AdapterProcess | None) -> Diagnosis:
    """What a refusal is about.

    Parameters
    ----------
    case : Case
        The case that was refused.
    detail : str
        The framework's message.
    host : AdapterProcess, optional
        The adapter, to be asked about plainer cases. Without it only the message decides.

    Returns
    -------
    dict
        ``argument`` is the parameter that the refusal is about; several, joined by a plus sign, where the message
        names them and no experiment decides; None where neither says. ``relief`` lists in words the changes with
        which this case gets a right answer.
    """
    words = named(detail)
    relief: dict[str, str] = {}
    simplest = case
    if host is not None:
        experiment = _Experiment(host, pattern_of(detail))
        simplest = experiment.simplest(case)
        relief = _reliefs(simplest, experiment)
        own = _reliefs(case, experiment) if simplest != case else relief
        relief = {name: own.get(name, "") for name in relief}
    arguments = _decided(words, list(relief))
    relief = {name: relief[name] for name in sorted(relief, key=lambda name: name not in arguments)}
    text = f"refused: {kind_of(detail)}"
    if len(arguments) == 1 and (relief or len(words) == 1):
        text += f", about {_NAMES.get(arguments[0], arguments[0])}"
    elif arguments:
        text += f"; the message names {listed([_NAMES.get(name, name) for name in arguments])}"
    else:
        text = f"refused: {_short(cleaned(detail))}"
    accepted = [said for said in relief.values() if said]
    if accepted:
        text += f"; accepted {' or '.join(accepted)}"
    elif relief:
        text += f"; accepted {' or '.join(_PLAINER[name][1](simplest) for name in relief)} in {simplest}"
    return {
        "transform": "rejected",
        "axes": [],
        "text": text,
        "argument": "+".join(arguments) or None,
        "relief": accepted,
    }


def _reliefs(case: Case, experiment: _Experiment) -> dict[str, str]:
    """The parameters that each alone, at their plain values, get a right answer; and the words for it."""
    found = {}
    for parameter, (_, words) in _PLAINER.items():
        other = _plainer(case, parameter)
        if other is not None and experiment.result(other) == "accepted":
            found[parameter] = words(case)
    return found


def _decided(words: list[str], relieving: list[str]) -> list[str]:
    """The parameter that the experiment and the message decide on, or those that are left."""
    both = [name for name in words if name in relieving]
    if both:
        return both[:1]
    return relieving[:1] if len(relieving) == 1 else sorted(relieving) or words


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
