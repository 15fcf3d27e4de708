"""Reports of real users as permanent, named cases."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from conformance.cases.case import Case

__all__ = ["SYMPTOMS", "Report", "Thread", "load_reports", "load_threads"]

SYMPTOMS = ("values", "shape", "gradient", "refused", "accepted", "crash", "nondeterministic")


@dataclass(frozen=True, kw_only=True)
class Report:
    """One report.

    Attributes
    ----------
    id, link, claim : str
        Permanent name, the thread, and a summary of what it reports.
    adapter : str
        The adapter of the implementation it is about, or the nearest one.
    case : Case
        The case.
    rule : str
        The rule that decides what is right.
    saw : str
        The symptom, one of `SYMPTOMS`.
    saw_size : tuple of int or None
        The reported output size.
    expects_size, expects_y, expects_case, expects_flip
        What was expected instead: a different output size, values on the spatial axes, the output of a different
        case, or that of the flipped kernel.
    against : str
        The adapter that is reported to compute the case where this one refuses it, or the other way round, where
        the rules allow both; empty where the report is about one implementation.
    device : str
        The device that the report is about.
    of : str
        The implementation it is about, where no adapter wraps it; empty where ``adapter`` does.
    """

    id: str
    link: str
    claim: str
    adapter: str
    case: Case
    rule: str
    saw: str
    saw_size: tuple[int, ...] | None = None
    expects_size: tuple[int, ...] | None = None
    expects_y: tuple[Any, ...] | None = None
    expects_case: Case | None = None
    expects_flip: bool = False
    against: str = ""
    device: str = "cpu"
    of: str = ""


@dataclass(frozen=True)
class Thread:
    """A thread that cannot be turned into a case.

    Attributes
    ----------
    id, link : str
        Permanent name, and the thread.
    why : str
        Why no case can be made of it.
    """

    id: str
    link: str
    why: str


@lru_cache(maxsize=1)
def load_reports() -> dict[str, Report]:
    """All reports by name, in the order of ``reports.toml``."""
    return {entry["id"]: _report(entry) for entry in _file()["report"]}


@lru_cache(maxsize=1)
def load_threads() -> dict[str, Thread]:
    """All threads that are not cases by name, in the order of ``reports.toml``."""
    return {entry["id"]: Thread(**entry) for entry in _file()["thread"]}


@lru_cache(maxsize=1)
def _file() -> dict[str, list[dict[str, Any]]]:
    return tomllib.loads(resources.files(__package__).joinpath("reports.toml").read_text(encoding="utf-8"))


def _report(entry: dict[str, Any]) -> Report:
    fields: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()
    }
    for key in ("case", "expects_case"):
        if key in fields:
            fields[key] = Case.parse(fields[key])
    return Report(**fields)
