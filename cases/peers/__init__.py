"""The case lists of other projects' tests, written as cases, so that their coverage can be counted alike.

One TOML file per project holds the transcribed parameters of its list, with their source and version. ``left_out``
names what a case cannot express.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources

from conformance.cases.case import Case

__all__ = ["Peer", "load_peers"]


@dataclass(frozen=True, kw_only=True)
class Peer:
    """The case list of another project.

    Attributes
    ----------
    name, version : str
        The project, and its release.
    source : tuple of str
        Where the project keeps the list.
    data : str
        What the tensors hold in the project, and what they hold here.
    left_out : tuple of str
        What the list tests that a case cannot express.
    cases : tuple of Case
        The list, every case once: forward in every dtype that the project tests, then its gradients.
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
    cases = list(map(Case.parse, entry["questions"]))
    settings = [(dtype, "fwd") for dtype in entry["dtypes"]] + [(dtype, "grad") for dtype in entry["gradients"]]
    return Peer(
        name=entry["name"],
        version=entry["version"],
        source=tuple(entry["source"]),
        data=entry["data"],
        left_out=tuple(entry["left_out"]),
        cases=tuple(
            replace(case, dtype=dtype, direction=direction) for dtype, direction in settings for case in cases
        ),
    )
