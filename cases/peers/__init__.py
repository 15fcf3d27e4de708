"""What others ask: the case lists of other projects' tests in the vocabulary of cases, to be counted alike.

One TOML file a project holds the parameters of its list, transcribed, with the place and version they are from.
What a case cannot say is named in ``left_out``.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources

from conformance.cases.case import Case

__all__ = ["Peer", "load_peers"]


@dataclass(frozen=True)
class Peer:
    """The case list of another project.

    Attributes
    ----------
    name, version : str
        Whose tests, and of which release.
    source : tuple of str
        Where the list is.
    data : str
        What the tensors hold there, and what they hold here.
    left_out : tuple of str
        What the list says beyond what a case can.
    cases : tuple of Case
        The list, every question once: forward in every dtype it is asked in, then its gradients.
    """

    name: str
    version: str
    source: tuple[str, ...]
    data: str
    left_out: tuple[str, ...]
    cases: tuple[Case, ...]


@lru_cache(maxsize=1)
def load_peers() -> dict[str, Peer]:
    """All case lists by the name of their file, without its suffix."""
    files = (entry for entry in resources.files(__name__).iterdir() if entry.name.endswith(".toml"))
    return {
        file.name.removesuffix(".toml"): _read(file.read_text(encoding="utf-8"))
        for file in sorted(files, key=lambda file: file.name)
    }


def _read(text: str) -> Peer:
    entry = tomllib.loads(text)
    questions = list(map(Case.parse, entry["questions"]))
    settings = [(dtype, "fwd") for dtype in entry["dtypes"]] + [(dtype, "grad") for dtype in entry["gradients"]]
    return Peer(
        entry["name"],
        entry["version"],
        tuple(entry["source"]),
        entry["data"],
        tuple(entry["left_out"]),
        tuple(
            replace(question, dtype=dtype, direction=direction)
            for dtype, direction in settings
            for question in questions
        ),
    )
