"""The JSON document of a run fits its schema; the badge and the table say the same as the gate."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from conformance.cases import Case
from conformance.cli import main
from conformance.reports.formats.document import schema
from conformance.reports.record.outcome import Outcome
from tests.support.records import FIRST, SECOND, SHIFT, hostile_run, recorded_file

ONE, TWO = (str(Case.parse(text)) for text in (FIRST, SECOND))


@pytest.fixture
def validate() -> Any:
    jsonschema = pytest.importorskip("jsonschema", reason="checks the document against its schema")
    jsonschema.Draft202012Validator.check_schema(schema())
    return jsonschema.Draft202012Validator(schema())


def report(capsys: pytest.CaptureFixture[str], path: Path, form: str) -> str:
    with pytest.raises(SystemExit, match="0"):
        main(["report", str(path), form])
    return capsys.readouterr().out


def test_a_run_with_everything_fits_the_schema(
    tmp_path: Path, validate: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "results.sqlite"
    with hostile_run(path) as results:
        results.record(Outcome(ONE, "right", "fail", "nonfinite", max_abs_error=math.inf, diagnosis=SHIFT))
        results.set_meta("scripts", {})
    printed = json.loads(report(capsys, path, "--json"))
    validate.validate(printed)
    assert printed["gate"]["fails"]
    assert {finding["adapter"] for finding in printed["findings"]} >= {"right", "wrong"}
    assert len(printed["outcomes"]) == 12
    assert not (tmp_path / "report").exists()


def test_another_document_does_not_fit(tmp_path: Path, validate: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = recorded_file(tmp_path / "r.sqlite", Outcome(ONE, "a", "fail", "values"), missing=[TWO])
    printed = json.loads(report(capsys, path, "--json"))
    assert validate.is_valid(printed)
    for change in (
        lambda run: run.pop("gate"),
        lambda run: run["outcomes"][0].pop("standing"),
        lambda run: run["findings"][0].update(cases=[]),
        lambda run: run.update(version=2),
        lambda run: run["totals"].update({"pass": -1}),
    ):
        other = json.loads(json.dumps(printed))
        change(other)
        assert not validate.is_valid(other)


@pytest.mark.parametrize(("outcomes", "message", "colour"), [
    ([Outcome(ONE, "a", "pass")], "1 adapter, nothing new", "brightgreen"),
    ([Outcome(ONE, "a", "pass"), Outcome(ONE, "b", "crash")], "1 to look at", "red"),
    ([Outcome(ONE, "a", "unsupported")], "nothing compared", "lightgrey"),
])  # fmt: skip
def test_a_badge(
    outcomes: list[Outcome], message: str, colour: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = json.loads(report(capsys, recorded_file(tmp_path / "r.sqlite", *outcomes), "--badge"))
    assert printed == {
        "schemaVersion": 1, "label": "transposed convolutions", "message": message, "color": colour,
    }  # fmt: skip


def test_a_table_for_a_readme(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = recorded_file(tmp_path / "r.sqlite", Outcome(ONE, "a", "pass"), Outcome(TWO, "a_b", "crash"))
    assert report(capsys, path, "--markdown").splitlines() == [
        "| adapter | version | ✓ pass | ☠ crash |",
        "| --- | --- | ---: | ---: |",
        "| a | numpy 2.0 | 1 | 0 |",
        "| a\\_b | numpy 2.0 | 0 | 1 |",
    ]
