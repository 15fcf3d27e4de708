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


@dataclass(frozen=True)
class Report:
    """One report.

    Attributes
    ----------
    id, link, claim : str
        Permanent name, the thread, and what it says in our words.
    adapter : str
        The adapter of the implementation it is about, or the nearest one.
    case : Case
        The question.
    rule : str
        The rule that says what is right.
    saw : str
        What was seen, one of `SYMPTOMS`.
    saw_size : tuple of int or None
        The output size that was seen.
    expects_size, expects_y, expects_case, expects_flip
        What was expected instead: another output size, values on the spatial axes, the answer to another
        question, or that of the flipped kernel.
    against : str
        The adapter that is said to answer where this one refuses, or to refuse where it answers, for a question
        that the rules leave the choice about; empty where the report is about one implementation.
    device : str
        Where it happens.
    of : str
        The implementation it is about, where there is no adapter of it; empty where ``adapter`` is that.
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
    """A thread that is no case.

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
    """All threads that are no cases by name, in the order of ``reports.toml``."""
    return {entry["id"]: Thread(**entry) for entry in _file()["thread"]}


@lru_cache(maxsize=1)
def _file() -> dict[str, list[dict[str, Any]]]:
    return tomllib.loads(resources.files(__package__).joinpath("reports.toml").read_text(encoding="utf-8"))


def _report(entry: dict[str, Any]) -> Report:
    read: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()
    }
    for key in ("case", "expects_case"):
        if key in read:
            read[key] = Case.parse(read[key])
    return Report(**read)
