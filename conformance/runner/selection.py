"""Which cases a run asks: a tier, single cases, a condition."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from conformance.cases import Case, CaseError
from conformance.cases.columns import COLUMN_NAMES, columns
from conformance.cases.corpus.reports import load_reports
from conformance.cases.tiers import TIERS, load_tier
from conformance.reports.gate.expectations import BUILT_IN, ExpectationError
from conformance.reports.record.query import WhereError, matching

__all__ = ["CORPUS", "DEFAULT_TIER", "SelectionError", "expectation_folders", "select"]

DEFAULT_TIER = "smoke"
CORPUS = "corpus"
"""In place of a tier: the questions of real users' reports."""


class SelectionError(ValueError):
    """A selection that is malformed or selects nothing."""


def select(tier: str | None, case_ids: Sequence[str], where: str | None) -> list[Case]:
    """Find the cases asked for.

    Parameters
    ----------
    tier : str or None
        A tier's name, or `CORPUS`; None means the default tier unless single cases are given.
    case_ids : sequence of str
        Single cases, ids in full or short form.
    where : str or None
        A condition over the columns of a case that narrows the selection down.

    Returns
    -------
    list of Case
        Without repetitions, in the order given.

    Raises
    ------
    SelectionError
        With one line that says what is wrong.
    """
    found: dict[Case, None] = {}
    try:
        for text in case_ids:
            found[Case.parse(text)] = None
        if tier is not None or not case_ids:
            name = tier or DEFAULT_TIER
            if name not in (*TIERS, CORPUS):
                raise SelectionError(f"unknown tier {name!r}; known are {', '.join([*TIERS, CORPUS])}")
            found.update(dict.fromkeys(_corpus() if name == CORPUS else load_tier(name)))
        chosen = list(found)
        if where is not None:
            met = matching([columns(case) for case in chosen], where, COLUMN_NAMES)
            chosen = [case for case, keep in zip(chosen, met, strict=True) if keep]
    except (CaseError, WhereError) as error:
        raise SelectionError(str(error)) from None
    if not chosen:
        raise SelectionError("the selection holds no case; nothing would be tested")
    return chosen


def _corpus() -> list[Case]:
    """The questions of the reports that can be asked here."""
    return [report.case for report in load_reports().values() if report.device == "cpu"]


def expectation_folders(names: Sequence[str]) -> list[Path]:
    """Folders of expectations: those named, where ``builtin`` is the suite's own and ``none`` is none at all.

    Raises
    ------
    ExpectationError
        A folder is not there.
    """
    folders = [BUILT_IN if name == "builtin" else Path(name) for name in names or ["builtin"] if name != "none"]
    for folder in folders:
        if not folder.is_dir():
            raise ExpectationError(f"there is no folder of expectations {folder}")
    return folders
