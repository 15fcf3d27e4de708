"""The selection of cases for a run: a tier, single cases, a condition."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from conformance.cases import Case, CaseError
from conformance.cases.columns import COLUMN_NAMES, columns
from conformance.cases.corpus.reports import load_reports
from conformance.cases.names import did_you_mean
from conformance.cases.tiers import TIERS, load_tier
from conformance.reports.gate.expectations import BUILT_IN, ExpectationError
from conformance.reports.record.query import WhereError, matching

__all__ = ["CORPUS", "DEFAULT_TIER", "SELECTIONS", "SelectionError", "expectation_folders", "select"]

DEFAULT_TIER = "smoke"
CORPUS = "corpus"
"""In place of a tier: the cases of user reports."""


SELECTIONS = (*TIERS, CORPUS)
"""What can be given as a tier."""


class SelectionError(ValueError):
    """A selection that is malformed or selects nothing."""


def select(tier: str | None, case_ids: Sequence[str], where: str | None) -> list[Case]:
    """Find the selected cases.

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
        The message is one line.
    """
    selected: dict[Case, None] = {}
    try:
        for text in case_ids:
            selected[Case.parse(text)] = None
        if tier is not None or not case_ids:
            name = tier or DEFAULT_TIER
            if name not in SELECTIONS:
                hint = did_you_mean(name, SELECTIONS)
                raise SelectionError(f"unknown tier {name!r}{hint}; known are {', '.join(SELECTIONS)}")
            selected.update(dict.fromkeys(_corpus() if name == CORPUS else load_tier(name)))
        cases = list(selected)
        if where is not None:
            matches = matching([columns(case) for case in cases], where, COLUMN_NAMES)
            cases = [case for case, keep in zip(cases, matches, strict=True) if keep]
    except (CaseError, WhereError) as error:
        raise SelectionError(str(error)) from None
    if not cases:
        raise SelectionError("no case is selected, so nothing was run; check --where and --shard")
    return cases


def _corpus() -> list[Case]:
    """The cases of the user reports that can run on a CPU."""
    return [report.case for report in load_reports().values() if report.device == "cpu"]


def expectation_folders(names: Sequence[str]) -> list[Path]:
    """The folders of expectations by name: ``builtin`` is the suite's own, ``none`` stands for no folder.

    Raises
    ------
    ExpectationError
        A folder does not exist.
    """
    folders = [BUILT_IN if name == "builtin" else Path(name) for name in names or ["builtin"] if name != "none"]
    for folder in folders:
        if not folder.is_dir():
            raise ExpectationError(f"folder of expectations not found: {folder}")
    return folders
