"""Scripts written from the record of a run show what was recorded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from conformance.adapters.host.client import AdapterProcess
from conformance.adapters.registry import resolve
from conformance.cases import Case
from conformance.execution.check import run_case
from conformance.reporting.scripts import scripts
from conformance.reports.record.store import Results
from conformance.reports.summary.survey import survey
from tests.support.command import ROOT, toy

CASES = ("1d-i3-k2-s2", "2d-c2x3-i3x4-k2x3-s2-same-b1", "1d-c2x3-i4-k3-s2-normal.1", "1d-i5-k3-grad")


def test_each_finding_gets_a_script_that_shows_it(tmp_path: Path) -> None:
    adapters = [toy(name) for name in ("Right", "Flipped", "Refuses")]
    cases = [Case.parse(text) for text in CASES]
    with Results.create(tmp_path / "results.sqlite") as results:
        results.plan([(adapter, case) for adapter in adapters for case in cases])
        for adapter in adapters:
            with AdapterProcess(resolve(adapter)) as host:
                for case in cases:
                    results.record(run_case(case, host))
        written = scripts(results)
        found = survey(results).groups
    assert {item.adapter for item in found} == set(adapters[1:])
    assert set(written) == {item.id for item in found}
    for item in found:
        path = tmp_path / f"{item.id}.py"
        path.write_text(written[item.id], encoding="utf-8")
        # The toys call this project, so the script runs beside it.
        done = subprocess.run([sys.executable, str(path)], cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, check=False)
        assert done.returncode == 1, item.title
