"""Scripts and issue texts written from the record of a run show what was recorded."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.adapters.host.client import AdapterProcess
from conformance.adapters.registry import resolve
from conformance.cases import Case
from conformance.execution.check import run_case
from conformance.reporting.issues import issues
from conformance.reporting.scripts import scripts
from conformance.reports.record.conditions import Condition
from conformance.reports.record.store import Results
from conformance.reports.summary.survey import survey
from tests.support.command import ROOT, toy

CASES = ("1d-i3-k2-s2", "2d-c2x3-i3x4-k2x3-s2-same-b1", "1d-c2x3-i4-k3-s2-normal.1", "1d-i5-k3-grad")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Results]:
    adapters = [toy(name) for name in ("Right", "Flipped", "Refuses")]
    cases = [Case.parse(text) for text in CASES]
    with Results.create(tmp_path_factory.mktemp("scripts") / "results.sqlite") as record:
        record.plan([(adapter, case) for adapter in adapters for case in cases])
        for adapter in adapters:
            with AdapterProcess(resolve(adapter)) as host:
                for case in cases:
                    record.record(run_case(case, host))
        yield record


def test_each_finding_gets_a_script_that_shows_it(results: Results, tmp_path: Path) -> None:
    written = scripts(results)
    found = survey(results).groups
    assert {item.adapter for item in found} == {toy("Flipped"), toy("Refuses")}
    assert set(written) == {item.id for item in found}
    for item in found:
        path = tmp_path / f"{item.id}.py"
        path.write_text(written[item.id], encoding="utf-8")
        # The toys call this project, so the script runs beside it.
        done = subprocess.run([sys.executable, str(path)], cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, check=False)
        assert done.returncode == 1, item.title


def test_an_issue_text_has_the_script_the_others_and_the_condition(results: Results) -> None:
    finding = next(item for item in survey(results).groups if item.adapter == toy("Flipped"))
    script = "print('a script')\n# ``` is not a fence\n"
    condition = Condition(text="kernel > 1", sql="kernel_max > 1", failing=4, passing=1)
    text = issues(results, {finding.id: script}, {finding.id: condition})[finding.id]
    assert text.startswith("# numpy: transposed convolution: wrong values, kernel flipped along W (1D, kernel 2, ")
    assert f"````python\n{script}````" in text
    assert "Seen in cases with `kernel > 1`. In this run, 4 cases meet it and show this cause" in text
    assert f"| {toy('Right')} |  | pass |" in text
    assert "y expected\n[[[" in text
    assert "conv-transpose-conformance, a test suite that runs" in text
    assert f"conformance check {finding.smallest} --adapter" in text
