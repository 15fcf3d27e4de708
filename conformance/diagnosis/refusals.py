"""Diagnosis of a refusal: which parameter it is about, by experiment and by the framework's message.

The experiment makes the case plainer one parameter at a time, as long as the framework refuses it with the same
message. The refusal is about a remaining parameter if the case without it gets a right output. The message decides
only where there is no such parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from conformance.adapters.host.client import AdapterProcess
from conformance.cases.case import Case
from conformance.cases.data import make_tensors
from conformance.cases.errors import CaseError, DomainError
from conformance.cases.policy import beyond_memory, policies
from conformance.diagnosis.messages import clean_message, kind_of, named_parameters, pattern_of
from conformance.diagnosis.mutations.registry import join_words
from conformance.diagnosis.remembered import remembered
from conformance.oracle.verdict import judge
from conformance.reports.record.diagnosis import Diagnosis

__all__ = ["diagnose_refusal"]

_LONGEST = 200
_MAX_CRASHES = 2  # each crash or hang in the experiment costs a process


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


# How to make a case plainer, by parameter, and a text for it. Parameters that are seldom refused come first, so
# that the others are tried in the plainest case.
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
    """The case with a parameter at its plain value; None where that is the same case or an invalid one."""
    try:
        other = _PLAINER[parameter][0](case)
        return None if other == case or policies(other) or beyond_memory(other) else other
    except (CaseError, DomainError):
        return None


@dataclass
class _Experiment:
    """Runs of cases on one adapter, each case once.

    Attributes
    ----------
    host : AdapterProcess
        The adapter.
    message : str
        The pattern of the message to look for.
    results : dict
        The outcomes of cases that were run before.
    """

    host: AdapterProcess
    message: str
    results: dict[Case, str]
    _crashes: int = 0

    def result(self, case: Case) -> str:
        """``same`` for the same refusal, ``accepted`` for a right output, ``other`` otherwise."""
        if case not in self.results:
            self.results[case] = self._run(case)
        return self.results[case]

    def _run(self, case: Case) -> str:
        if self._crashes >= _MAX_CRASHES:
            return "other"
        tensors = make_tensors(case)
        reply = self.host.run(case, tensors)
        self._crashes += reply.kind in ("crash", "timeout")
        if reply.kind in ("raised", "unsupported") and pattern_of(reply.detail) == self.message:
            return "same"
        # A case that is declined, fails or crashes is not accepted, whatever the reason.
        return "accepted" if judge(case, tensors, reply).status == "pass" else "other"

    def simplest(self, case: Case) -> Case:
        """The plainest case that is refused in the same way."""
        for parameter in _PLAINER:
            other = _plainer(case, parameter)
            # Neither layout is plainer than the other.
            if other is not None and parameter != "layout" and self.result(other) == "same":
                case = other
        return case


def diagnose_refusal(case: Case, detail: str, host: AdapterProcess | None) -> Diagnosis:
    """Find the parameter that a refusal is about.

    Parameters
    ----------
    case : Case
        The case that was refused.
    detail : str
        The framework's message.
    host : AdapterProcess, optional
        The adapter, to run plainer cases. Without it only the message decides.

    Returns
    -------
    Diagnosis
        ``argument`` is the parameter that the refusal is about; several, joined by a plus sign, where the message
        names them and no experiment decides; empty where neither says. ``relief`` lists the changes, as text, with
        which this case gets a right output.
    """
    in_message = named_parameters(detail)
    relief: dict[str, str] = {}
    simplest = case
    if host is not None:
        message, known = pattern_of(detail), remembered(host)
        experiment = _Experiment(host, message, known.refusals.setdefault(message, {}))
        relief = _reliefs(case, experiment, [known.relieving[message]]) if message in known.relieving else {}
        if not relief:
            simplest = experiment.simplest(case)
            relief = _reliefs(simplest, experiment)
            own = _reliefs(case, experiment, relief) if simplest != case else relief
            relief = {name: own.get(name, "") for name in relief}
            if len(relief) == 1 and relief.keys() <= set(in_message):
                known.relieving[message] = next(iter(relief))
    arguments = _decide(in_message, list(relief))
    relief = {name: relief[name] for name in sorted(relief, key=lambda name: name not in arguments)}
    text = f"refused: {kind_of(detail)}"
    if len(arguments) == 1 and (relief or len(in_message) == 1):
        text += f", about {_NAMES.get(arguments[0], arguments[0])}"
    elif arguments:
        text += f"; the message names {join_words([_NAMES.get(name, name) for name in arguments])}"
    else:
        text = f"refused: {_short(clean_message(detail))}"
    accepted = [text for text in relief.values() if text]
    if accepted:
        text += f"; accepted {' or '.join(accepted)}"
    elif relief:
        text += f"; accepted {' or '.join(_PLAINER[name][1](simplest) for name in relief)} in {simplest}"
    return Diagnosis(transform="rejected", text=text, argument="+".join(arguments), relief=tuple(accepted))


def _reliefs(case: Case, experiment: _Experiment, parameters: Iterable[str] = _PLAINER) -> dict[str, str]:
    """The parameters that get a right output when only they have their plain value, with the text for it."""
    reliefs = {}
    for parameter in parameters:
        other = _plainer(case, parameter)
        if other is not None and experiment.result(other) == "accepted":
            reliefs[parameter] = _PLAINER[parameter][1](case)
    return reliefs


def _decide(in_message: list[str], relieving: list[str]) -> list[str]:
    """The parameter on which the experiment and the message agree, or all candidates."""
    both = [name for name in in_message if name in relieving]
    if both:
        return both[:1]
    return relieving[:1] if len(relieving) == 1 else sorted(relieving) or in_message


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
