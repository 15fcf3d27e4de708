"""The status of user-reported issues, as plain data."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.cases.corpus.reports import Report
from conformance.reports.record.outcome import Outcome

__all__ = ["STATES", "UserReportStatus"]

STATES = {
    "reproduces": "the output is wrong today, or still differs where the rules leave a choice",
    "fixed": "the output is right today, and differs from the reported one",
    "by design": "the reported output is what the rules or the interface's documentation require or allow",
    "cannot be expressed": "the interface cannot express the case",
    "not on CPU": "it happens on a device that is not tested here",
    "not asked": "the implementation has no adapter, is not installed, or could not run the case",
}


@dataclass(frozen=True)
class UserReportStatus:
    """A report, its status on the reported implementation, and the outcomes of all adapters.

    Attributes
    ----------
    report : Report
        The report.
    state : str
        A name in `STATES`.
    outcomes : dict of Outcome
        Outcomes by adapter.
    """

    report: Report
    state: str
    outcomes: dict[str, Outcome]
