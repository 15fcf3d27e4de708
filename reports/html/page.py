"""Build the page: the template, its styles and scripts, and the compressed data, all in one file.

Only the details of very large runs are in files next to it, which the page loads when a reader opens one of their
outcomes.
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
from conformance.reports.html.life import Lives, fixed_cases, lives_of, recorded_runs
from conformance.reports.html.templates import templates
from conformance.reports.record.adapter_names import machine_of
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

# Each library is a script element of its own; the page's scripts are joined to one, in this order.
_LIBRARIES = ("vendor/sql.js", "vendor/d3.js")
_SCRIPTS = ("data", "dom", "condition", "matrix", "heatmap", "export", "image", "taps", "tensor", "thumbnails",
            "outcome", "finding", "rows", "filters", "suggestions", "explorer", "support", "timeline", "agreement",
            "distributions", "main")  # fmt: skip
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
        The folder for ``index.html``; created if it does not exist.
    gate : Gate, optional
        The run compared with what was known; the page starts with it.
    before : Results, optional
        An earlier run, to show the earlier status of every outcome.
    history : History, optional
        Many runs, to show since when each finding has existed.
    corpus : sequence of UserReportStatus, optional
        The status of user-reported issues by the outcomes of this run.
    porting : mapping, optional
        Equivalent calls of the frameworks, by the operation that they express.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    run = survey(results)
    news = news_of(gate, before, results.cases())
    lives = {} if history is None else lives_of(run.groups, history)
    timeline = None if history is None else {"runs": recorded_runs(history), "fixed": fixed_cases(history)}
    database, files = build(results, run.groups, news)
    coverage = measure_coverage(results)
    machines = by_machine(results)
    page = render(
        run, news, lives, database, coverage, corpus=corpus, porting=porting, has_files=bool(files),
        machines=machines, seen=seen_on(run.groups, results), timeline=timeline,
    )  # fmt: skip
    out_dir.mkdir(parents=True, exist_ok=True)
    _write_files(out_dir / "details", files)
    path = out_dir / "index.html"
    path.write_text(page, encoding="utf-8")
    return path


def _write_files(folder: Path, files: list[list[Detail]]) -> None:
    """Write details as scripts, as a page from disk may load nothing else; remove those of an older report."""
    for old in folder.glob("[0-9]*.js"):
        old.unlink()
    if files:
        folder.mkdir(exist_ok=True)
    for number, details in enumerate(files):
        content = json.dumps({detail.id: [detail.program, detail.evidence] for detail in details})
        packed = _pack(content.encode())
        (folder / f"{number}.js").write_text(f'detailsArrived({number}, "{packed}");\n', encoding="utf-8")


def render(
    run: Survey,
    news: News,
    lives: Lives,
    database: bytes,
    coverage: CaseCoverage,
    *,
    corpus: Sequence[UserReportStatus] = (),
    porting: Mapping[str, Sequence[Wording]] | None = None,
    has_files: bool = False,
    machines: Sequence[ByMachine] = (),
    seen: SeenOn | None = None,
    timeline: Mapping[str, Any] | None = None,
) -> str:
    """The page as text."""
    scripts = [_script(_read(name)) for name in _LIBRARIES]
    scripts.append(_script("\n".join(["'use strict';", *(_read(f"assets/{name}.js") for name in _SCRIPTS)])))
    style = "\n".join(_read(f"assets/{name}.css") for name in _STYLES)
    return _template().render(
        sentence=sentence(run),
        survey=run,
        groups=run.groups,
        new_groups=[group for group in run.groups if news.fails_by(group)],
        known_groups=[group for group in run.groups if not news.fails_by(group)],
        failing_lines=[line for line in news.lines if line.fails],
        other_lines=[line for line in news.lines if not line.fails],
        news=news,
        standings=STANDINGS,
        statuses=[status for name, status in STATUSES.items() if run.totals[name]],
        all_statuses=STATUSES,
        glossary=GLOSSARY,
        rules=rules(),
        policy=_policy(scripts, style, has_files),
        style=Markup(style),
        scripts=[Markup(script) for script in scripts],
        lives=lives,
        coverage=coverage,
        porting=porting or {},
        machines=machines,
        machine_kinds=KINDS,
        corpus=corpus,
        corpus_states={name: about for name, about in STATES.items() if any(s.state == name for s in corpus)},
        timeline=timeline,
        facts=_json({**_facts(run, lives, seen or {}), "timeline": timeline}),
        database=_pack(database),
        engine=_engine(),
    )


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    environment = templates()
    # A name may contain a slash, which separates the parts of an address.
    environment.filters["address"] = lambda text: quote(str(text), safe="")
    environment.filters["markdown"] = lambda text: Markup(_markdown.render(_FILE_LINK.sub(r"\1", text)))
    environment.filters["fact"] = shown
    environment.tests["upstream"] = lambda text: text.startswith("https://")
    environment.filters["markdown_line"] = lambda text: Markup(_markdown.renderInline(text))
    return environment.get_template("page.html.j2")


@lru_cache(maxsize=1)
def _engine() -> str:
    return _pack(_bytes("vendor/sql.wasm"))


def prepare(case_ids: Iterable[str]) -> None:
    """Make the parts of the page that do not depend on outcomes, while there is time during a run."""
    _template()
    _engine()
    prepare_coverage(case_ids)


def _facts(run: Survey, lives: Lives, seen: SeenOn) -> dict[str, Any]:
    """The data that the scripts need in addition to the database."""
    facts = facts_by_column(run.environments)
    return {
        "columns": COLUMNS | dict.fromkeys(next(iter(facts.values()), {}), "outcome"),
        "statuses": {name: asdict(item) for name, item in STATUSES.items()},
        "standings": {name: asdict(item) for name, item in STANDINGS.items()},
        "kinds": FAIL_KINDS,
        "rules": {number: rule.title for number, rule in rules().items()},
        "adapters": list(run.counts),
        "machines": {adapter: machine_of(adapter) for adapter in run.counts},
        "environments": run.environments,
        "findings": [
            {"id": item.id, "adapter": item.adapter, "label": item.label, "text": item.text,
             "smallest": item.smallest, "count": len(item.members), "status": item.status,
             "script": run.scripts.get(item.id), "issue": run.issues.get(item.id), "machines": seen.get(item.id),
             "life": [asdict(stage) for stage in lives.get(item.id, [])],
             "kinds": item.counted.partition(": ")[2], "spread": item.spread, "breakdown": item.breakdown,
             "condition": None if item.condition is None else {
                 **asdict(item.condition), "phrase": item.condition.phrase, "counted": item.condition.counted}}
            for item in run.groups
        ],
    }  # fmt: skip


def _policy(scripts: list[str], style: str, has_files: bool) -> str:
    """Allow only the scripts and styles of this page, and files next to it if there are any."""
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
    # A browser turns every line end into a newline before it checks the hash.
    return _bytes(name).decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")


def _script(source: str) -> str:
    if "</script" in source.lower() or "<!--" in source:
        raise ValueError("a script must not contain the end of its own element")
    return source


def _json(value: Any) -> Markup:
    # In a script element, only "<" can end the element or open a comment.
    return Markup(json.dumps(value, separators=(",", ":")).replace("<", "\\u003c"))


def _pack(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 9)).decode()
