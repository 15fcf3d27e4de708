"""The command line as its users meet it: processes, exit codes, one line for what is wrong."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from conformance.cases import Case
from conformance.cli import main
from conformance.reports.record.store import Results
from conformance.runner.plan import turn
from tests.support.command import ROOT, conformance, known, start, toy
from tests.support.frameworks import requires
from tests.support.records import statuses

CASES = ["--case", "1d-i5-k3", "--case", "2d-n2-c2x4-i4x5-k2x3-s2x1-g2-b1", "--case", "1d-i6-k2-s3-cl"]


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_run_leaves_record_report_junit_and_summary(tmp_path: Path, workers: str) -> None:
    done = conformance("run", "--adapter", toy("Right"), *CASES, "-n", workers, "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(statuses(tmp_path / "out").values()) == {"pass"}
    assert (tmp_path / "out" / "report" / "index.html").stat().st_size > 1000
    assert (tmp_path / "out" / "summary.md").read_text().strip()
    tests = ET.parse(tmp_path / "out" / "junit.xml").getroot().iter("testcase")
    assert len(list(tests)) == 3
    assert "3" in done.stdout.strip().splitlines()[-1]


def test_a_discrepancy_is_exit_code_1(tmp_path: Path) -> None:
    done = conformance("run", "--adapter", toy("Flipped"), *CASES, "--out", str(tmp_path))
    assert done.returncode == 1
    assert set(statuses(tmp_path).values()) == {"fail"}


def test_a_crash_and_a_hang_do_not_end_the_run(tmp_path: Path) -> None:
    adapters = ["--adapter", toy("Aborts"), "--adapter", toy("Hangs"), *known(tmp_path / "known", Aborts="crash")]
    done = conformance("run", *adapters, *CASES, "-n", "2", "--timeout", "2", "--out", str(tmp_path))
    assert done.returncode == 1
    with Results.open(tmp_path / "results.sqlite") as results:
        found = sorted(outcome.status for outcome in results.outcomes())
    assert found == ["crash", "crash", "pass", "pass", "timeout", "timeout"]


def test_our_own_failure_is_exit_code_3(tmp_path: Path) -> None:
    assert conformance("run", "--adapter", toy("CannotImport"), *CASES, "--out", str(tmp_path)).returncode == 3


def test_pytest_options_work(tmp_path: Path) -> None:
    run = ["run", "--adapter", toy("Right"), *CASES, "--out", str(tmp_path)]
    assert conformance(*run, "--", "-k", "k3x3 or 1d-n1").returncode == 0
    assert len(statuses(tmp_path)) == 2


def test_last_failed_runs_what_failed(tmp_path: Path) -> None:
    run = ["run", "--adapter", toy("Killed"), *CASES, "--out", str(tmp_path)]
    assert conformance(*run).returncode == 3
    assert sorted(statuses(tmp_path).values()) == ["infra", "infra", "pass"]
    assert conformance(*run, "--", "--lf").returncode == 3
    assert sorted(statuses(tmp_path).values()) == ["infra", "infra", "pass"], "what passed is kept"


def test_the_plugin_works_under_plain_pytest(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "conformance.plugin", "--pyargs", "conformance.suite",
         "--adapter", toy("Right"), *CASES, "--out", str(tmp_path), "-v", "-c", "/dev/null"],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Right::1d-n1-c1x1-i5-k3" in done.stdout
    assert len(statuses(tmp_path)) == 3


def test_an_interrupted_run_keeps_what_it_has(tmp_path: Path) -> None:
    """Killed in the middle: what was recorded is there, and what was planned is missing."""
    quick = min((str(Case.parse(f"1d-i{size}-k3")) for size in range(3, 40)), key=turn)
    hanging = max((str(Case.parse(f"1d-i{size}-k2")) for size in range(3, 40)), key=turn)
    process = start(
        "run", "--adapter", toy("Hangs"), "--case", hanging, "--case", quick,
        "--timeout", "60", "--out", str(tmp_path),
    )  # fmt: skip
    assert process.stdout is not None
    assert "running" in process.stdout.readline()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=5)
    process.kill()
    process.communicate()
    assert statuses(tmp_path) == {quick: "pass", hanging: "missing"}
    done = conformance("report", str(tmp_path / "results.sqlite"), "--out", str(tmp_path / "again"))
    assert done.returncode in (0, 1), done.stderr


def test_a_reader_that_goes_away_leaves_no_traceback() -> None:
    command = f"{sys.executable} -m conformance cases --tier full | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


def test_check_prints_json() -> None:
    done = conformance("check", "2d-i5x7-k3-s2-same", "--adapter", toy("Right"), "--json")
    assert done.returncode == 0
    printed = json.loads(done.stdout)
    assert printed["case"] == "2d-n1-c1x1-i5x7-k3x3-s2x2-d1x1-g1-same-opauto-cf-f32-b0-ints.0-fwd"
    assert printed["geometry"] == {"output_size": [10, 14], "crop": [[0, 1], [0, 1]]}
    (outcome,) = printed["outcomes"]
    assert outcome["status"] == "pass"
    assert outcome["profile"] == "exact"
    assert set(outcome) == {
        "adapter", "versions", "status", "kind", "profile", "budget", "max_abs_error", "detail", "diagnosis",
        "after", "facts", "known", "stage",
    }  # fmt: skip


def test_check_says_which_rule_makes_a_case_invalid() -> None:
    done = conformance("check", "1d-i5-k0", "--adapter", toy("Refuses"), "--json")
    printed = json.loads(done.stdout)
    assert done.returncode == 0
    assert printed["geometry"] is None
    assert printed["invalid"].startswith("R11")


def test_check_exits_with_1_on_a_discrepancy() -> None:
    assert conformance("check", "1d-i5-k3", "--adapter", toy("Flipped")).returncode == 1


@requires("onnxruntime")
def test_check_says_that_a_discrepancy_is_known() -> None:
    command = ("check", "1d-c3x5-i3-k2-s3-same", "--adapter", "onnxruntime")
    done = conformance(*command)
    assert done.returncode == 0
    assert "known as same-with-a-stride-over-the-kernel" in " ".join(done.stdout.split())
    assert conformance(*command, "--strict").returncode == 1
    (outcome,) = json.loads(conformance(*command, "--json").stdout)["outcomes"]
    assert outcome["known"]["finding"] == "same-with-a-stride-over-the-kernel"
    assert outcome["known"]["reason"]
    assert "known as" not in conformance("check", "1d-i5-k3", "--adapter", toy("Flipped")).stdout


@requires("jax-lax", "equinox")
def test_a_crash_of_xla_is_known_by_its_own_line() -> None:
    names = ("jax-lax", "equinox")
    chosen = [word for name in names for word in ("--adapter", name)]
    done = conformance("check", "2d-n1-c1x1-i2x3-k3x2-s1x2-p1x1", *chosen, "--json")
    assert done.returncode == 0, done.stdout
    found = json.loads(done.stdout)["outcomes"]
    assert [(outcome["status"], outcome["known"]["finding"]) for outcome in found] == [
        ("crash", "compiler-aborts-over-an-exchanged-kernel")
    ] * 2


def test_what_nothing_knows_has_null_for_known() -> None:
    done = conformance("check", "1d-i5-k3", "--adapter", toy("Flipped"), "--json")
    assert done.returncode == 1
    assert [outcome["known"] for outcome in json.loads(done.stdout)["outcomes"]] == [None]


@pytest.fixture
def foreign_database(tmp_path: Path) -> Path:
    path = tmp_path / "other.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (a)")
    connection.commit()
    connection.close()
    return path


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["check", "2d-i5x7-k3y"], "kernel_size"),
        (["check", "1d-i5-k3", "--adapter", "no-such"], "unknown adapter 'no-such'"),
        (["check", "1d-i5-k3", "--adapter", "torch@/no/python"], "/no/python"),
        (["check", "1d-i5-k3", "--adapter", "missing.py:A"], "missing.py"),
        (["check", "1d-i5-k3", "--adapter", "tests/support/adapters/unimportable.py:A"], "no_such_framework"),
        (["run", "--adapter", toy("Right"), "--tier", "huge"], "unknown tier 'huge'"),
        *(
            ([*command, "*-*"], "name one")
            for command in (
                ["port", "1d-i5-k3", "--to"],
                ["repro", "1d-i5-k3", "--adapter"],
                ["minimize", "1d-i5-k3", "--adapter"],
                ["bisect", "1d-i5-k3", "--package", "numpy", "--good", "1", "--bad", "2", "--adapter"],
            )
        ),
        (["run", "--adapter", toy("Right"), "--case", "5d-i1"], "rank"),
        (["run", "--adapter", toy("Right"), "--where", "no_such = 1"], "no_such"),
        (["run", "--adapter", toy("Right"), "--where", "rank = 9"], "no case"),
        (["run", "--adapter", toy("Right"), "--out", "/dev/null/x"], "/dev/null/x"),
        (["run", "--adapter", toy("Right"), "-n", "many"], "-n 'many'"),
        (["report", "/no/such/file"], "/no/such/file"),
        (["no-such-command"], "no-such-command"),
        (["run", "--no-such-option"], "no-such-option"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments: list[str], text: str, tmp_path: Path) -> None:
    done = conformance(*arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert text in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_a_failure_of_the_suite_is_exit_code_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("conformance.cli._group.main", lambda *_, **__: 1 / 0)
    with pytest.raises(SystemExit, match="3"):
        main(["check", "1d-i5-k3"])
    assert capsys.readouterr().err.splitlines()[-1] == "conformance: the suite itself failed"


def test_little_is_loaded_before_the_first_framework_starts() -> None:
    code = "import sys, conformance.cli, conformance.cli.run; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"numpy", "pytest", "reports", "cases"} & set(done.stdout.split())


def test_a_case_that_cannot_run_has_no_script() -> None:
    done = conformance("repro", "1d-i5-k3", "--adapter", toy("CannotImport"))
    assert done.returncode == 3
    assert not done.stdout


def test_a_shape_inference_is_explained() -> None:
    done = conformance("explain", "1d-i5-k3", "--adapter", toy("ShapeOnly"))
    assert done.returncode == 0, done.stderr


def test_a_file_called_as_the_framework_takes_no_module_away(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text((ROOT / "tests/support/adapters/wrong.py").read_text())
    done = conformance("check", "1d-i5-k3", "--adapter", f"{tmp_path}/numpy.py:Flipped")
    assert done.returncode == 1, done.stderr
    assert "equals the expected output with the kernel flipped" in done.stdout


def test_a_results_file_of_another_kind_or_schema_is_refused(foreign_database: Path) -> None:
    done = conformance("report", str(foreign_database))
    assert done.returncode == 2
    assert "not a results file" in done.stderr
    connection = sqlite3.connect(foreign_database)
    connection.executescript("PRAGMA application_id = 1129595697; PRAGMA user_version = 99")
    connection.close()
    done = conformance("report", str(foreign_database))
    assert done.returncode == 2
    assert "schema 99" in done.stderr


@pytest.mark.parametrize(
    "command", ["", "run", "check", "cases", "adapters", "report", "accept", "merge", "diff", "history"]
)
def test_help_shows_an_example(command: str) -> None:
    done = conformance(*filter(None, [command]), "--help")
    assert done.returncode == 0
    assert re.search(r"Examples?: conformance", done.stdout)
