"""The signature that outcomes of one finding share, for an entry that is to be written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile

from conformance.reports.gate.signature import Signature, transform
from conformance.reports.record.crash_text import last_line
from conformance.reports.record.outcome import Outcome

__all__ = ["pattern", "signature_of"]

_MOST_ALTERNATIVES = 4
_MOST_CHARACTERS = 160
_LEAST_CHARACTERS = 12

# Numbers, lists of them and addresses differ from case to case and from run to run.
_NUMBERS = re.compile(r"0x[0-9a-f]+|-?\d[-\d,x. ]*(?=\D|$)")


def signature_of(outcomes: Sequence[Outcome]) -> Signature:
    """What outcomes of one finding have in common.

    Parameters
    ----------
    outcomes : sequence of Outcome
        At least one; of one status, kind and diagnosis.
    """
    first = outcomes[0]
    return _SIGNATURES.get(first.kind or first.status, _of_outputs)(outcomes)


def _of_outputs(outcomes: Sequence[Outcome]) -> Signature:
    names = sorted({transform(outcome.diagnosis) for outcome in outcomes})
    return Signature(diagnosis=tuple(names), axes=_shared(outcomes, "axes"), tensors=_shared(outcomes, "tensors"))


def _of_refusals(outcomes: Sequence[Outcome]) -> Signature:
    return Signature(diagnosis=("rejected",), message=pattern(outcome.detail for outcome in outcomes))


def _of_crashes(outcomes: Sequence[Outcome]) -> Signature:
    signals = sorted({outcome.detail.partition("\n")[0].strip() for outcome in outcomes})
    return Signature(
        diagnosis=() if all(signals) else ("crash",),
        signal=tuple(filter(None, signals)),
        last_line=pattern(last_line(outcome.detail) for outcome in outcomes),
    )


def _named(name: str) -> Callable[[Sequence[Outcome]], Signature]:
    return lambda outcomes: Signature(diagnosis=(name,))


_SIGNATURES: dict[str, Callable[[Sequence[Outcome]], Signature]] = {
    "rejected": _of_refusals,
    "crash": _of_crashes,
    "accepted": _named("accepted"),
    "timeout": _named("timeout"),
}


def _shared(outcomes: Sequence[Outcome], key: str) -> tuple[str, ...]:
    """An entry of the diagnosis that is the same in all outcomes; empty where there is none."""
    found = {tuple((outcome.diagnosis or {}).get(key) or ()) for outcome in outcomes}
    return found.pop() if len(found) == 1 else ()


def pattern(texts: Iterable[str]) -> str:
    """A regular expression that is found in each text, with any numbers in place of theirs.

    Parameters
    ----------
    texts : iterable of str
        Messages; the first line that is not blank counts of each.

    Returns
    -------
    str
        Empty where a text is, or where there is nothing in common that is worth a search.
    """
    lines = {next((line.strip() for line in text.splitlines() if line.strip()), "") for text in texts}
    if "" in lines:
        return ""
    # A message may differ in its end, by a shape or a name, so only its beginning counts.
    ways = sorted({_NUMBERS.sub("\0", line)[:_MOST_CHARACTERS].strip() for line in lines})
    if len(ways) > _MOST_ALTERNATIVES:
        columns = takewhile(lambda column: len(set(column)) == 1, zip(*ways, strict=False))
        ways = ["".join(column[0] for column in columns)]
    if any(len(way.replace("\0", "")) < _LEAST_CHARACTERS for way in ways):
        return ""
    return "|".join(r"[-\d,x. a-f]+".join(map(_escaped, way.split("\0"))) for way in ways)


def _escaped(text: str) -> str:
    # A pattern is read by people: spaces and most punctuation need no escape outside of character classes.
    return re.sub(r"[\\.^$*+?{}\[\]|()]", lambda found: "\\" + found[0], text)
