"""Expectation files: what is read, what is refused, and what an entry applies to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from conformance.cases import Case
from conformance.cases.columns import COLUMN_NAMES, columns
from conformance.reports.gate.expectations import BUILT_IN, Expectation, ExpectationError, load, plain_name, read
from tests.support.machines import met_on_some_machine

MINIMAL = """
[[expectation]]
finding = "off-by-one"
where = "padding = 'same'"
kind = "values"
reason = "the crop is wrong"
"""
ENVIRONMENT: dict[str, Any] = {
    "versions": {"keras": "3.15.1", "torch": "2.13.0+cpu"},
    "platform": "Linux-6.1-x86_64",
    "cpu_flags": ["avx2", "avx512f"],
}


def entries(tmp_path: Path, text: str) -> list[Expectation]:
    path = tmp_path / "adapter.toml"
    path.write_text(text, encoding="utf-8")
    return read(path)


def test_a_minimal_entry(tmp_path: Path) -> None:
    (entry,) = entries(tmp_path, MINIMAL)
    assert (entry.finding, entry.kinds, entry.upstream, entry.evidence) == ("off-by-one", ("values",), "", ())
    assert entry.case_columns_only
    assert entry.applies({})


def test_lines_are_those_of_the_entry(tmp_path: Path) -> None:
    text = f"# About this file.\n{MINIMAL}\n# About the next.\n{MINIMAL.replace('off-by-one', 'two').strip()}"
    first, second = entries(tmp_path, text)
    lines = text.split("\n")
    assert (lines[first.lines[0] - 1], lines[first.lines[1] - 1]) == (
        "[[expectation]]",
        'reason = "the crop is wrong"',
    )
    assert second.lines == (len(lines) - 4, len(lines))
    del lines[first.lines[0] - 1 : first.lines[1]]
    assert [entry.finding for entry in entries(tmp_path, "\n".join(lines))] == ["two"]


@pytest.mark.parametrize(
    ("more", "applies"),
    [
        ("", True),
        ('versions = { keras = ">=3.8,<3.16" }', True),
        ('versions = { torch = ">=2.13,<2.14" }', True),
        ('versions = { keras = "<3.15" }', False),
        ('versions = { jax = ">=0.1" }', False),
        ('environment = { os = "linux" }', True),
        ('environment = { os = "macos" }', False),
        ('environment = { cpu_flags = ["avx512f", "!amx_bf16"] }', True),
        ('environment = { cpu_flags = ["!avx512f"] }', False),
        ('environment = { cpu_flags = "amx_bf16" }', False),
    ],
)
def test_versions_and_environment(tmp_path: Path, more: str, applies: bool) -> None:
    (entry,) = entries(tmp_path, f"{MINIMAL}{more}\n")
    assert entry.applies(ENVIRONMENT) is applies


def test_a_nightly_build_is_in_an_open_range(tmp_path: Path) -> None:
    (entry,) = entries(tmp_path, MINIMAL + 'versions = { torch = ">=2.13" }')
    assert entry.applies({"versions": {"torch": "2.14.0.dev20270101+cpu"}})
    assert not entry.applies({"versions": {"torch": "a local build"}})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MINIMAL.replace("finding", "name"), "finding is missing"),
        (MINIMAL.replace('"values"', '"odd"'), "unknown kind 'odd'"),
        (MINIMAL.replace('"values"', "[]"), "kind"),
        (MINIMAL.replace("padding =", "paddling ="), "paddling"),
        (MINIMAL.replace("the crop is wrong", " "), "reason"),
        (MINIMAL + "surprise = 1", "surprise"),
        (MINIMAL + 'evidence = ["2d-i5"]', "kernel_size"),
        (MINIMAL + 'versions = { keras = "3.x" }', "PEP 440"),
        (MINIMAL + "versions = { keras = 3 }", "PEP 440"),
        (MINIMAL + "versions = 3", "versions"),
        (MINIMAL + 'environment = { os = "beos" }', "beos"),
        (MINIMAL + 'environment = { gpu = "x" }', "gpu"),
        (MINIMAL.replace("padding = 'same'", "diagnosis like 'shift%'"), "evidence"),
        (MINIMAL + MINIMAL, "twice"),
        ("[expectation]\nfinding = 'a'", "[[expectation]]"),
        ("other = 1", "other"),
        ("[[expectation", "adapter.toml"),
        (MINIMAL.replace('"the crop is wrong"', '"""\n[[expectation]]\n"""'), "starts with a line"),
    ],
)  # fmt: skip
def test_a_malformed_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ExpectationError) as caught:
        entries(tmp_path, text)
    assert message in str(caught.value)
    assert "adapter.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("adapter", "name"),
    [
        ("torch", "torch"),
        ("torch@/opt/python", "torch"),
        ("dir/my.py:Mine", "Mine"),
        ("dir/my.py:Mine@/a:b/python", "Mine"),
    ],
)
def test_an_adapter_has_one_file_whatever_runs_it(adapter: str, name: str) -> None:
    assert plain_name(adapter) == name


@pytest.mark.parametrize("adapter", ["../../etc/passwd", "..", "", "a/b", "x\0y", ".hidden"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, adapter: str) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd.toml").write_text("broken")
    assert load(adapter, [tmp_path / "a"]) == []


def test_the_files_that_come_with_the_suite_are_well_formed() -> None:
    for path in BUILT_IN.glob("*.toml"):
        for entry in read(path):
            assert entry.evidence, f"{entry.place}: evidence shows a reader what is meant"


def test_the_evidence_of_the_suite_s_own_entries_meets_their_conditions() -> None:
    for path in BUILT_IN.glob("*.toml"):
        for entry in read(path):
            if entry.case_columns_only:
                rows = [columns(Case.parse(case_id)) for case_id in entry.evidence]
                assert all(met_on_some_machine(rows, entry.where, COLUMN_NAMES)), entry.place


def test_findings_of_an_implementation_that_is_computed_with_are_shared(tmp_path: Path) -> None:
    (tmp_path / "engine.toml").write_text(MINIMAL + MINIMAL.replace("off-by-one", "two"), encoding="utf-8")
    text = '[shared]\nengine = [\n    "two",\n]\n' + MINIMAL
    shared, own = entries(tmp_path, text)
    assert (shared.finding, shared.place) == ("two", f"{tmp_path / 'adapter.toml'}:3-3")
    assert (own.finding, own.lines[0]) == ("off-by-one", 6)


def test_shared_findings_differ_on_one_line_and_where_one_name_contains_another(tmp_path: Path) -> None:
    others = "".join(MINIMAL.replace("off-by-one", name) for name in ("by-one-twice", "by-one"))
    (tmp_path / "engine.toml").write_text(MINIMAL + others, encoding="utf-8")
    text = '[shared]\nengine = [\n    "by-one-twice",\n    "by-one", "off-by-one",\n]\n'
    shared = entries(tmp_path, text)
    assert [entry.lines[0] for entry in shared] == [3, 4, 4]
    assert len({entry.identity for entry in shared}) == 3


@pytest.mark.parametrize(
    ("shared", "says"),
    [
        ('missing = ["two"]', "there is no other file missing.toml"),
        ('adapter = ["two"]', "there is no other file adapter.toml"),
        ('"../adapter" = ["two"]', "there is no other file ../adapter.toml"),
        ('engine = ["three"]', "engine.toml has no finding 'three'"),
        ('engine = ["off-by-one"]', "finding 'off-by-one' occurs twice"),
        ("engine = [[1]]", "engine.toml has no finding [1]"),
    ],
)
def test_what_cannot_be_shared_is_named(tmp_path: Path, shared: str, says: str) -> None:
    (tmp_path / "engine.toml").write_text(MINIMAL, encoding="utf-8")
    with pytest.raises(ExpectationError, match=re.escape(says)):
        entries(tmp_path, f"[shared]\n{shared}\n{MINIMAL}")
