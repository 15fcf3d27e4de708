"""What has become of users' reports, as plain data."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.cases.corpus.reports import Report
from conformance.reports.record.outcome import Outcome

__all__ = ["STATES", "UserReportStatus"]

STATES = {
    "reproduces": "the answer is wrong today, or still differs where the rules leave the choice",
    "fixed": "the answer is right today, and was seen to be another",
    "by design": "what was seen is what the rules or the interface's own documentation say or leave open",
    "cannot be expressed": "the interface has no words for the question",
    "not on CPU": "it happens on a device that is not asked here",
    "not asked": "the implementation has no adapter or is not installed, or could not be asked",
}


@dataclass(frozen=True)
class UserReportStatus:
    """A report, what has become of it on its own implementation, and the outcomes everywhere.

    Attributes
    ----------
    report : Report
        The report.
    state : str
        A name in `STATES`.
    outcomes : dict of Outcome
        By adapter.
    """

    report: Report
    state: str
    outcomes: dict[str, Outcome]
