"""The gate from outside: known, new, stale, flaky, accepted; exit codes and what is printed first."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from conformance.reports.record.store import Results
from tests.support.command import conformance, toy

CASES = ["--case", "1d-i5-k3", "--case", "2d-n2-c2x4-i4x5-k2x3-s2x1-g2-b1", "--case", "1d-i6-k2-s3-cl"]
ENTRY = """[[expectation]]
finding = "flipped"
where = "kernel_max > 1"
kind = "values"
reason = "the kernel is flipped"
"""


def run(tmp_path: Path, adapter: str, *more: str, entry: str = ENTRY) -> tuple[int, str]:
    folder = tmp_path / "expectations"
    folder.mkdir(exist_ok=True)
    (folder / f"{adapter}.toml").write_text(entry)
    done = conformance(
        "run",
        "--adapter",
        toy(adapter),
        *CASES,
        "--out",
        str(tmp_path / "out"),
        "--expectations",
        str(folder),
        *more,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, done.stdout


@pytest.mark.parametrize("workers", ["0", "2"])
def test_known_discrepancies_do_not_fail(tmp_path: Path, workers: str) -> None:
    code, printed = run(tmp_path, "Flipped", "-n", workers)
    assert code == 0, printed
    assert "Gate green: nothing new (3 known)." in printed
    assert "case set" in printed.strip().splitlines()[-1]
    suite = ET.parse(tmp_path / "out" / "junit.xml").getroot().find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "0", "3")


def test_a_planted_regression_turns_it_red_and_is_the_first_thing_said(tmp_path: Path) -> None:
    code, printed = run(tmp_path, "Flipped", entry=ENTRY.replace("kernel_max > 1", "rank = 1"))
    assert code == 1
    lines = printed[printed.index("Gate red") :].splitlines()
    assert lines[0].startswith("Gate red: 1 new in ")
    assert lines[0].endswith(":Flipped (2 known).")
    assert "new:" in lines[1]
    assert any("smallest case 2d-n2-c2x4" in line for line in lines[2:4])
    assert (tmp_path / "out" / "summary.md").read_text().startswith("## Gate red: 1 new")


def test_a_stale_expectation_fails_and_says_what_to_remove(tmp_path: Path) -> None:
    code, printed = run(tmp_path, "Right")
    assert code == 1
    assert f"remove lines 1 to 5 of {tmp_path / 'expectations' / 'Right.toml'}" in " ".join(printed.split())


@pytest.mark.parametrize(
    ("name", "more", "text"),
    [
        ("Right", ["--expectations", "/no/folder"], "/no/folder"),
        ("Right", ["--baseline", "/no/file"], "/no/file"),
        ("Right", ["--shard", "3/2"], "I/M"),
        ("Right", ["--shard", "0/2"], "I/M"),
        ("Right", ["--shard", "x"], "I/M"),
        ("Right", ["--durations-from", "/no/file"], "/no/file"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, name: str, more: list[str], text: str) -> None:
    done = conformance("run", "--adapter", toy(name), *CASES, "--out", str(tmp_path), *more)
    assert done.returncode == 2
    assert text in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_malformed_expectation_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "Right.toml").write_text(ENTRY.replace("kernel_max", "colonel"))
    done = conformance(
        "run", "--adapter", toy("Right"), *CASES, "--out", str(tmp_path / "out"), "--expectations", str(tmp_path)
    )
    assert done.returncode == 2
    assert "Right.toml:1: where" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.fixture(scope="module")
def flipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record of a run with three new discrepancies."""
    out = tmp_path_factory.mktemp("flipped")
    assert conformance("run", "--adapter", toy("Flipped"), *CASES, "--out", str(out)).returncode == 1
    return out / "results.sqlite"


@pytest.mark.xdist_group("flipped")
def test_accept_makes_the_next_run_green_and_wants_a_reason(tmp_path: Path, flipped: Path) -> None:
    folder = tmp_path / "expectations"
    base = ["run", "--adapter", toy("Flipped"), *CASES, "--out", str(tmp_path / "out")]
    accept = ["accept", str(flipped), "--expectations", str(folder)]
    for arguments in (accept, [*accept, "--reason", " "]):
        refused = conformance(*arguments)
        assert refused.returncode == 2
        assert "--reason" in refused.stderr
    assert not folder.exists()
    assert conformance(*accept, "--reason", "known since 2.0", "--dry-run").returncode == 0
    assert not folder.exists()
    assert conformance(*accept, "--reason", "known since 2.0").returncode == 0
    assert conformance(*base, "--expectations", str(folder)).returncode == 0
    assert "0 new expectations" in conformance(*accept, "--reason", "again").stdout


def test_what_fails_once_is_flaky_and_listed(tmp_path: Path) -> None:
    """The first process that runs a kernel of 2 dies of it, later ones do not."""
    done = conformance(
        "run", "--adapter", toy("AbortsOnce"), *CASES, "--out", str(tmp_path),
        env={"CRASHED": str(tmp_path / "crashed")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "Gate green: nothing new (1 flaky)." in done.stdout
    with Results.open(tmp_path / "results.sqlite") as results:
        (flaky,) = [outcome for outcome in results.outcomes() if outcome.status != "pass"]
    assert flaky.status == "flaky"
    assert "SIGABRT" in flaky.detail


@pytest.mark.xdist_group("flipped")
def test_an_earlier_run_as_baseline(tmp_path: Path, flipped: Path) -> None:
    base = ["run", "--adapter", toy("Flipped"), *CASES]
    baseline = ["--baseline", str(flipped)]
    same = conformance(*base, "--out", str(tmp_path / "new"), *baseline)
    assert same.returncode == 0, same.stdout
    more = conformance(*base, "--case", "1d-i7-k3-s2", "--out", str(tmp_path / "more"), *baseline)
    assert more.returncode == 1
    assert "Gate red: 1 new in " in more.stdout
    assert " (3 known)" in more.stdout


def test_github_sees_annotations_and_a_summary(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    done = conformance(
        "run", "--adapter", toy("Refuses"), "--case", "1d-i5-k3", "--out", str(tmp_path / "out"),
        env={"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(page)},
    )  # fmt: skip
    assert done.returncode == 1
    (command,) = [line for line in done.stdout.splitlines() if line.startswith("::")]
    assert command.startswith("::error title=conformance%3A new::")
    assert "<script>" not in page.read_text()
    assert page.read_text().startswith("## Gate red")
