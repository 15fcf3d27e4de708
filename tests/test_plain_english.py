"""The project's texts avoid phrases that codespell's word list (.codespell/vocabulary.txt) cannot hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("adapters", "cases", "conformance", "reports", "docs", "examples", "tests", "benchmarks")
KINDS = {".py", ".js", ".j2", ".md"}
# Texts of others: documents they wrote, and the cases of their projects and users.
FOREIGN = ("reports/html/vendor", "cases/corpus", "cases/peers", "cases/tiers", "cases/expectations")
THIS = Path(__file__).resolve()

VOCABULARY = {line.partition("->")[0] for line in (ROOT / ".codespell/vocabulary.txt").read_text().splitlines()}

PHRASES = {
    r"(?<!\bthere )\b(is|are) no (?!more\b|such\b|less\b|\w+er\b)\w+": "is not a",
    r"\bha(s|ve) no words for\b": "cannot express",
    r"\bin the words of\b": "as a call of",
    r"\b(became|becomes?|came|comes) of\b": "the outcome of",
    r"\bat (the|its) begin\b": "at the start",  # codespell:ignore begin
    r"\banother \w+ than\b": "a different ... from",
}


def texts() -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            relative = path.relative_to(ROOT).as_posix()
            if path.suffix in KINDS and path.is_file() and path != THIS and not relative.startswith(FOREIGN):
                yield path
    yield from sorted(ROOT.glob("*.md"))


def phrases(text: str) -> list[str]:
    """The phrases of a text that plain English avoids, also across the end of a line of prose or comment."""
    joined = re.sub(r"\s+(#|//|\*)?\s*", " ", text)
    return [
        f"{found[0]!r}: say {plain!r}"
        for phrase, plain in PHRASES.items()
        for found in re.finditer(phrase, joined, re.I)
    ]


@pytest.mark.parametrize("folder", [*FOLDERS, "."])
def test_no_text_has_such_a_phrase(folder: str) -> None:
    found = {}
    for path in texts():
        relative = path.relative_to(ROOT)
        if (relative.parts[0] if len(relative.parts) > 1 else ".") == folder and (
            said := phrases(path.read_text(encoding="utf-8"))
        ):
            found[str(relative)] = said
    assert found == {}


@pytest.mark.parametrize(
    "text",
    [
        "'x' is no shape",
        "the interface has no\n    # words for it",
        "What became of a report",
        "cropped at the begin",  # codespell:ignore begin
        "another shape than the rules give",
    ],
)
def test_a_planted_phrase_is_found(text: str) -> None:
    assert len(phrases(text)) == 1


@pytest.mark.parametrize("text", ["it is no longer there", "the outcome of a report", "'x' is not a shape"])
def test_plain_text_passes(text: str) -> None:
    assert phrases(text) == []


def uncommon(name: str) -> set[str]:
    """The parts of a name that codespell's word list replaces; codespell itself takes a name for one word."""
    return VOCABULARY & set(name.lower().split("_"))


def test_names_of_functions_and_classes_of_the_tests_are_plain() -> None:
    for path in (path for folder in ("tests", "benchmarks") for path in (ROOT / folder).rglob("*.py")):
        for name in re.findall(r"^\s*(?:def|class) (\w+)", path.read_text(encoding="utf-8"), re.M):
            assert not uncommon(name), f"{path}: {name}"
            assert not phrases(name.replace("_", " ")), path


def test_a_planted_name_is_found() -> None:
    assert uncommon("test_what_was_asked") == {"asked"}  # codespell:ignore asked
