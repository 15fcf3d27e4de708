"""The documents name files, folders and links that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
# A path of the repository in backticks: it starts with one of its folders and has no placeholder in capitals.
PATH = re.compile(r"`((?:adapters|benchmarks|cases|conformance|docs|examples|reports|tests)/[\w./-]*)`")
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
PLACEHOLDER = re.compile(r"[A-Z]{4,}")


def missing(text: str, folder: Path) -> list[str]:
    """Paths and links of a document in a folder that lead nowhere."""
    paths = [path for path in PATH.findall(text) if not PLACEHOLDER.search(path.removesuffix("README.md"))]
    lost = [path for path in paths if not (ROOT / path).exists()]
    return lost + [link for link in LINK.findall(text) if not (folder / link).exists()]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_paths_and_links_exist(path: Path) -> None:
    assert missing(path.read_text(encoding="utf-8"), path.parent) == []


def test_a_path_and_a_link_that_lead_nowhere_are_found() -> None:
    text = "`adapters/process.py` and [the bound](conformance/bound.py), but `adapters/base.py` is there"
    assert missing(text, ROOT) == ["adapters/process.py", "conformance/bound.py"]
