"""The page as text: self-contained, escaped, and true to its record."""

from __future__ import annotations

import base64
import hashlib
import inspect
import json
import re
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from html.parser import HTMLParser
from pathlib import Path

import pytest

from conformance.cases import Case
from conformance.oracle.error_bound import PROFILES
from conformance.reports.gate.standings import STANDINGS
from conformance.reports.html import write_report
from conformance.reports.html.database import COLUMNS, build
from conformance.reports.record.outcome import OUTCOME_COLUMNS, Outcome
from conformance.reports.record.statuses import FAIL_KINDS, STATUSES
from conformance.reports.record.store import Results
from conformance.reports.summary.news import News
from conformance.reports.summary.survey import survey
from tests.support.records import FIRST, HOSTILE, SECOND, hostile_run, make_run


class _Page(HTMLParser):
    """Elements with their attributes, and the text of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.sources: list[tuple[str, dict[str, str | None], str]] = []
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = tag

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open in ("script", "style"):
            self.sources.append((self._open, self.elements[-1][1], data))


@pytest.fixture
def page(tmp_path: Path) -> _Page:
    with hostile_run(tmp_path / "results.sqlite") as results:
        return _Page(write_report(results, tmp_path / "report").read_text(encoding="utf-8"))


def test_nothing_is_fetched(page: _Page) -> None:
    fetching = {"link", "img", "iframe", "object", "embed", "audio", "video", "source", "base", "form"}
    assert not fetching.intersection(tag for tag, _ in page.elements)
    assert not any("src" in attributes for _, attributes in page.elements)
    links = [attributes["href"] or "" for tag, attributes in page.elements if tag == "a"]
    assert links
    assert all(link.startswith("#") for link in links), "nothing leaves the page but links to reports"


def test_policy_allows_these_scripts_and_styles_and_nothing_else(page: _Page) -> None:
    policy = next(
        attributes["content"] or ""
        for tag, attributes in page.elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    )
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert "unsafe-inline" not in policy
    allowed = set(re.findall(r"'sha256-[^']*'", policy))
    running = [text for tag, attributes, text in page.sources if tag == "style" or "type" not in attributes]
    hashed = {f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in running}
    assert hashed == allowed
    assert not any(name == "style" or name.startswith("on") for _, found in page.elements for name in found)


def test_the_text_of_a_framework_never_becomes_markup(page: _Page, tmp_path: Path) -> None:
    text = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert HOSTILE not in text
    assert "window.broken" not in "".join(source for _, found, source in page.sources if "type" not in found)
    assert not any(tag == "img" for tag, _ in page.elements)
    facts = next(json.loads(source) for _, found, source in page.sources if found.get("id") == "facts")
    assert facts["environments"]["wrong"]["versions"]["framework"] == HOSTILE


def test_database_in_the_page_is_the_record(page: _Page, tmp_path: Path) -> None:
    packed = next(source for _, found, source in page.sources if found.get("id") == "database")
    with Results.open(tmp_path / "results.sqlite") as results:
        recorded = {(o.adapter, o.case_id): (o.status, o.kind, o.detail or None) for o in results.outcomes()}
    query = "SELECT adapter, case_id, status, kind, detail FROM outcomes"
    with _database(zlib.decompress(base64.b64decode(packed))) as connection:
        shown_outcomes = {(a, c): tuple(rest) for a, c, *rest in connection.execute(query)}
        shown = {row[1] for row in connection.execute("PRAGMA table_info(outcomes)")}
    assert shown_outcomes == recorded
    assert set(OUTCOME_COLUMNS) <= set(COLUMNS), "the search box has the names of the command line"
    assert shown.issuperset(COLUMNS)


@contextmanager
def _database(data: bytes) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(data)
        yield connection


def test_equal_letters_mean_equal_bits(tmp_path: Path) -> None:
    with hostile_run(tmp_path / "results.sqlite") as results:
        data, _ = build(results, survey(results).groups, News())
    query = "SELECT adapter, answer FROM outcomes WHERE case_id LIKE ? AND answer IS NOT NULL"
    with _database(data) as connection:
        letters = dict(connection.execute(query, ("2d%cf%",)))
    assert sorted(letters) == ["right", "wrong"]
    assert letters["right"] != letters["wrong"]


def test_inferred_shapes_have_no_letter(tmp_path: Path) -> None:
    with hostile_run(tmp_path / "results.sqlite") as results:
        results.record(Outcome(str(Case.parse(FIRST)), "wrong", "pass", detail="infers a shape", digest="b" * 16))
        results.record(Outcome(str(Case.parse(SECOND)), "wrong", "fail", "shape", digest="b" * 16))
        data, _ = build(results, survey(results).groups, News())
    with _database(data) as connection:
        lettered = {row[0] for row in connection.execute("SELECT adapter FROM asked WHERE answer IS NOT NULL")}
    assert lettered == {"right"}


def test_every_term_for_an_outcome_is_in_the_glossary(page: _Page, tmp_path: Path) -> None:
    text = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    glossary = text[text.index('id="rule-glossary"') :]
    terms = set(re.findall("<dt>(.*?)</dt>", glossary))
    statuses = {status.label for status in STATUSES.values()} | {f"fail: {kind}" for kind in FAIL_KINDS}
    assert terms >= statuses | set(STANDINGS) | {"drift", "stale", "unused", "overlap"}
    profiles = re.search("<dt>accuracy profile</dt><dd>(.*?)</dd>", glossary)
    assert profiles is not None
    assert all(name in profiles[1] for name in ("exact", *PROFILES))


def test_formulas_of_the_rules_are_not_taken_for_emphasis(page: _Page, tmp_path: Path) -> None:
    text = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    rules = text[text.index('id="rule-R1"') : text.index('id="rule-glossary"')]
    assert "<strong>" not in rules
    assert not [text for text in re.findall("<em>(.*?)</em>", rules, re.DOTALL) if "=" in text]


def test_details_without_room_in_the_page_are_in_files_smallest_cases_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with make_run(tmp_path / "results.sqlite", 400, 2) as results:
        groups = survey(results).groups
        monkeypatch.setattr("conformance.reports.html.details._ROOM_IN_PAGE", 2_000)
        monkeypatch.setattr("conformance.reports.html.details._ROOM_IN_FILE", 3_000)
        data, files = build(results, groups, News())
        page = write_report(results, tmp_path / "report")
        with _database(data) as connection:
            inside = [row[0] for row in connection.execute("SELECT id FROM details")]
            in_files = dict(connection.execute("SELECT id, file FROM elsewhere"))
            telling = "SELECT case_id FROM outcomes JOIN details USING (id)"
            first = connection.execute(telling).fetchone()[0]
        failed = sum(outcome.gates for outcome in results.outcomes())
        assert len(inside) + len(in_files) == failed
        assert not set(inside) & set(in_files)
        assert len(files) > 1
        assert sorted(path.name for path in (page.parent / "details").iterdir()) == sorted(
            f"{number}.js" for number in range(len(files))
        )
        assert first in {item.smallest for item in groups}
        monkeypatch.undo()
        write_report(results, tmp_path / "report")
        assert list((page.parent / "details").iterdir()) == []


def test_the_scripts_have_readable_lines_and_are_checked() -> None:
    scripts = sorted((Path(inspect.getfile(write_report)).parent / "assets").glob("*.js"))
    assert scripts
    for script in scripts:
        lines = script.read_text("utf-8").splitlines()
        assert lines[0] == "// @ts-check", script.name
        assert not [line for line in lines if len(line) > 120], script.name
