"""The signature that the outcomes of one finding share, for a new entry."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import takewhile

from conformance.reports.gate.signature import Signature
from conformance.reports.record.crash_text import last_line
from conformance.reports.record.outcome import Outcome

__all__ = ["pattern", "signature_of"]

_MOST_ALTERNATIVES = 4
_MOST_CHARACTERS = 160
_LEAST_CHARACTERS = 12

# Numbers, lists of them and addresses differ from case to case and from run to run.
_NUMBERS = re.compile(r"0x[0-9a-f]+|-?\d[-\d,x. ]*(?=\D|$)")


def signature_of(outcomes: Sequence[Outcome]) -> Signature:
    """The signature of the outcomes of one finding.

    Parameters
    ----------
    outcomes : sequence of Outcome
        At least one outcome; all of one status, kind and diagnosis.
    """
    first = outcomes[0]
    signature = _SIGNATURES.get(first.kind or first.status, _of_outputs)(outcomes)
    stages = {outcome.stage for outcome in outcomes}
    return replace(signature, stage=tuple(sorted(filter(None, stages)))) if None not in stages else signature


def _of_outputs(outcomes: Sequence[Outcome]) -> Signature:
    names = sorted({outcome.transform or "unexplained" for outcome in outcomes})
    diagnoses = [outcome.diagnosis for outcome in outcomes]
    return Signature(
        diagnosis=tuple(names),
        axes=_shared(diagnosis.axes if diagnosis else () for diagnosis in diagnoses),
        tensors=_shared(diagnosis.tensors if diagnosis else () for diagnosis in diagnoses),
    )


def _of_refusals(outcomes: Sequence[Outcome]) -> Signature:
    return Signature(diagnosis=("rejected",), message=pattern(outcome.detail for outcome in outcomes))


def _of_crashes(outcomes: Sequence[Outcome]) -> Signature:
    signals = sorted({outcome.detail.partition("\n")[0].strip() for outcome in outcomes})
    return Signature(
        diagnosis=() if all(signals) else ("crash",),
        signal=tuple(filter(None, signals)),
        last_line=pattern(last_line(outcome.detail) for outcome in outcomes),
    )


def _of_kind(name: str) -> Callable[[Sequence[Outcome]], Signature]:
    return lambda outcomes: Signature(diagnosis=(name,))


_SIGNATURES: dict[str, Callable[[Sequence[Outcome]], Signature]] = {
    "rejected": _of_refusals,
    "crash": _of_crashes,
    "accepted": _of_kind("accepted"),
    "timeout": _of_kind("timeout"),
}


def _shared(values: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """The value, if all are the same; empty if they differ."""
    different = set(values)
    return different.pop() if len(different) == 1 else ()


def pattern(texts: Iterable[str]) -> str:
    """A regular expression that matches each text, and the same text with other numbers.

    Parameters
    ----------
    texts : iterable of str
        Messages; only the first non-blank line of each is used.

    Returns
    -------
    str
        Empty if one of the texts is, or if they have too little in common.
    """
    lines = {next((line.strip() for line in text.splitlines() if line.strip()), "") for text in texts}
    if "" in lines:
        return ""
    # Messages may differ at the end, by a shape or a name, so only their start is used.
    alternatives = sorted({_NUMBERS.sub("\0", line)[:_MOST_CHARACTERS].strip() for line in lines})
    if len(alternatives) > _MOST_ALTERNATIVES:
        columns = takewhile(lambda column: len(set(column)) == 1, zip(*alternatives, strict=False))
        alternatives = ["".join(column[0] for column in columns)]
    if any(len(text.replace("\0", "")) < _LEAST_CHARACTERS for text in alternatives):
        return ""
    return "|".join(r"[-\d,x. a-f]+".join(map(_escape, text.split("\0"))) for text in alternatives)


def _escape(text: str) -> str:
    # People read these patterns: re.escape would also escape spaces and punctuation that need no escape.
    return re.sub(r"[\\.^$*+?{}\[\]|()]", lambda match: "\\" + match[0], text)
