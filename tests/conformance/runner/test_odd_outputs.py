"""What is no output gets its true outcome, and the other cases of the run get theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.reports.record.store import Results
from tests.support.command import FAULTY, HEALTHY, conformance, toy


@pytest.mark.parametrize(
    ("name", "status", "kind", "said"),
    [
        ("LoneSurrogate", "fail", "rejected", r"cannot open \udcff\ud800"),
        ("ForksBoth", "pass", None, ""),
        ("OtherId", "infra", None, "a reply to message -1 instead of"),
        ("NamesTerabytes", "fail", "rejected", "8.00 TiB"),
        ("GivesNone", "fail", "dtype", "the output is None"),
        ("GivesText", "fail", "dtype", "holds no numbers"),
        ("GivesObjects", "fail", "dtype", "object, which holds no numbers"),
        ("GivesDates", "fail", "dtype", "datetime64[s], which holds no numbers"),
        ("Masked", "fail", "dtype", "elements are masked"),
        ("NothingMasked", "pass", None, ""),
        ("Endless", "fail", "shape", "(1048576, 1048576)"),
    ],
)
def test_each_gets_its_true_outcome(tmp_path: Path, name: str, status: str, kind: str | None, said: str) -> None:
    ids = [word for case_id in (HEALTHY[0], FAULTY, *HEALTHY[1:]) for word in ("--case", case_id)]
    done = conformance("run", "--adapter", toy(name), *ids, "--out", str(tmp_path), "-n", "0")
    assert done.returncode == {"pass": 0, "infra": 3}.get(status, 1), done.stderr
    with Results.open(tmp_path / "results.sqlite") as results:
        found = {outcome.case_id: outcome for outcome in results.outcomes()}
    assert (found[FAULTY].status, found[FAULTY].kind) == (status, kind)
    assert said in found[FAULTY].detail
    assert {found[case_id].status for case_id in HEALTHY} == {"pass"}
