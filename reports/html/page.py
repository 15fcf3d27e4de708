"""Puts the page together: the template, its styles and scripts, and the compressed data, all in one file.

Only the details of very large runs lie in files beside it, which are loaded when one of their outcomes is opened.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from markdown_it import MarkdownIt
from markupsafe import Markup

from conformance.cases.rules import rules
from conformance.reports.gate.assess import Gate
from conformance.reports.gate.machines import KINDS, ByMachine, SeenOn, by_machine, seen_on
from conformance.reports.gate.standings import STANDINGS
from conformance.reports.html.database import COLUMNS, build
from conformance.reports.html.details import Detail
from conformance.reports.html.life import Lives, lives_of
from conformance.reports.record.fact_columns import facts_by_column, shown
from conformance.reports.record.history import History
from conformance.reports.record.statuses import FAIL_KINDS, STATUSES
from conformance.reports.record.store import Results
from conformance.reports.summary.coverage import CaseCoverage, measure_coverage, prepare_coverage
from conformance.reports.summary.equivalent_calls import Wording
from conformance.reports.summary.glossary import GLOSSARY
from conformance.reports.summary.news import News, news_of
from conformance.reports.summary.survey import Survey, sentence, survey
from conformance.reports.summary.user_reports import STATES, UserReportStatus

__all__ = ["prepare", "write_report"]

# In the order they run; each is a script of its own for the Content-Security-Policy.
_LIBRARIES = ("vendor/sql.js", "vendor/d3.js")
_SCRIPTS = ("data", "dom", "condition", "matrix", "heatmap", "taps", "tensor", "outcome", "issue", "finding",
            "rows", "export", "explorer", "agreement", "distributions", "main")  # fmt: skip
_STYLES = ("style", "print")

# A link to another file of the project leads nowhere from a report.
_FILE_LINK = re.compile(r"\[([^\]]*)\]\((?!https://)[^)]*\)")

# HTML in the text stays text.
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")


def write_report(
    results: Results,
    out_dir: Path,
    gate: Gate | None = None,
    before: Results | None = None,
    history: History | None = None,
    *,
    corpus: Sequence[UserReportStatus] = (),
    porting: Mapping[str, Sequence[Wording]] | None = None,
) -> Path:
    """Write the report of a run.

    Parameters
    ----------
    results : Results
        The record of the run.
    out_dir : Path
        The folder for ``index.html``; made if need be.
    gate : Gate, optional
        What of the run is news; the page begins with it.
    before : Results, optional
        An earlier run, to say of every outcome what it was.
    history : History, optional
        Many runs, to say of every finding since when it is there.
    corpus : sequence of UserReportStatus, optional
        What has become of the reports of real users by the outcomes of this run.
    porting : mapping, optional
        How frameworks word the same questions, by what is asked.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    found = survey(results)
    news = news_of(gate, before, results.cases())
    lives = {} if history is None else lives_of(found.groups, history)
    database, files = build(results, found.groups, news)
    asked = measure_coverage(results)
    machines = by_machine(results)
    page = render(
        found, news, lives, database, asked, corpus=corpus, porting=porting, has_files=bool(files),
        machines=machines, seen=seen_on(found.groups, results),
    )  # fmt: skip
    out_dir.mkdir(parents=True, exist_ok=True)
    _write_files(out_dir / "details", files)
    path = out_dir / "index.html"
    path.write_text(page, encoding="utf-8")
    return path


def _write_files(folder: Path, files: list[list[Detail]]) -> None:
    """Details as scripts, since a page from disk may load nothing else; those of an older report are removed."""
    for old in folder.glob("[0-9]*.js"):
        old.unlink()
    if files:
        folder.mkdir(exist_ok=True)
    for number, details in enumerate(files):
        content = json.dumps({detail.id: [detail.program, detail.evidence] for detail in details})
        packed = _packed(content.encode())
        (folder / f"{number}.js").write_text(f'detailsArrived({number}, "{packed}");\n', encoding="utf-8")


def render(
    found: Survey,
    news: News,
    lives: Lives,
    database: bytes,
    asked: CaseCoverage,
    *,
    corpus: Sequence[UserReportStatus] = (),
    porting: Mapping[str, Sequence[Wording]] | None = None,
    has_files: bool = False,
    machines: Sequence[ByMachine] = (),
    seen: SeenOn | None = None,
) -> str:
    """The page as text."""
    scripts = [_script(_read(name)) for name in _LIBRARIES]
    scripts.append(_script("\n".join(["'use strict';", *(_read(f"assets/{name}.js") for name in _SCRIPTS)])))
    style = "\n".join(_read(f"assets/{name}.css") for name in _STYLES)
    return _template().render(
        sentence=sentence(found),
        survey=found,
        groups=found.groups,
        new_groups=[group for group in found.groups if news.fails_by(group)],
        known_groups=[group for group in found.groups if not news.fails_by(group)],
        failing_lines=[line for line in news.lines if line.fails],
        other_lines=[line for line in news.lines if not line.fails],
        news=news,
        standings=STANDINGS,
        statuses=[status for name, status in STATUSES.items() if found.totals[name]],
        all_statuses=STATUSES,
        glossary=GLOSSARY,
        rules=rules(),
        policy=_policy(scripts, style, has_files),
        style=Markup(style),
        scripts=[Markup(script) for script in scripts],
        lives=lives,
        asked=asked,
        porting=porting or {},
        machines=machines,
        machine_kinds=KINDS,
        corpus=corpus,
        corpus_states={name: about for name, about in STATES.items() if any(s.state == name for s in corpus)},
        facts=_json(_facts(found, lives, seen or {})),
        database=_packed(database),
        engine=_engine(),
    )


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("conformance.reports.html", "assets"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    # A name may hold a slash, which separates the parts of an address.
    environment.filters["address"] = lambda text: quote(str(text), safe="")
    environment.filters["markdown"] = lambda text: Markup(_markdown.render(_FILE_LINK.sub(r"\1", text)))
    environment.filters["fact"] = shown
    environment.tests["upstream"] = lambda text: text.startswith("https://")
    environment.filters["markdown_line"] = lambda text: Markup(_markdown.renderInline(text))
    return environment.get_template("page.html.j2")


@lru_cache(maxsize=1)
def _engine() -> str:
    return _packed(_bytes("vendor/sql.wasm"))


def prepare(case_ids: Iterable[str]) -> None:
    """Make what the answers to these cases do not change, where there is time for it before a run is over."""
    _template()
    _engine()
    prepare_coverage(case_ids)


def _facts(found: Survey, lives: Lives, seen: SeenOn) -> dict[str, Any]:
    """What the scripts need to know beside the database."""
    facts = facts_by_column(found.environments)
    return {
        "columns": COLUMNS | dict.fromkeys(next(iter(facts.values()), {}), "outcome"),
        "statuses": {name: asdict(item) for name, item in STATUSES.items()},
        "standings": {name: asdict(item) for name, item in STANDINGS.items()},
        "kinds": FAIL_KINDS,
        "rules": {number: rule.title for number, rule in rules().items()},
        "adapters": list(found.counts),
        "environments": found.environments,
        "findings": [
            {"id": g.id, "adapter": g.adapter, "label": g.label, "text": g.text, "smallest": g.smallest,
             "count": len(g.members), "status": g.status, "script": found.scripts.get(g.id),
             "life": [asdict(stage) for stage in lives.get(g.id, [])], "machines": seen.get(g.id),
             "kinds": g.counted.partition(": ")[2], "spread": g.spread, "breakdown": g.breakdown,
             "condition": None if g.condition is None else {
                 **asdict(g.condition), "phrase": g.condition.phrase, "counted": g.condition.counted}}
            for g in found.groups
        ],
    }  # fmt: skip


def _policy(scripts: list[str], style: str, has_files: bool) -> str:
    """Nothing is allowed but the very scripts and styles of this page, and files beside it if there are any."""
    allowed = " ".join([*(_digest(script) for script in scripts), *(["'self'"] if has_files else [])])
    return (
        f"default-src 'none'; script-src {allowed} 'wasm-unsafe-eval'; style-src {_digest(style)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _bytes(name: str) -> bytes:
    return resources.files("conformance.reports.html").joinpath(name).read_bytes()


def _read(name: str) -> str:
    # A browser reads every line end as a newline before it checks the hash.
    return _bytes(name).decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")


def _script(source: str) -> str:
    if "</script" in source.lower() or "<!--" in source:
        raise ValueError("a script that would end its own element")
    return source


def _json(value: Any) -> Markup:
    # Inside a script element only "<" can end it or open a comment.
    return Markup(json.dumps(value, separators=(",", ":")).replace("<", "\\u003c"))


def _packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 9)).decode()
