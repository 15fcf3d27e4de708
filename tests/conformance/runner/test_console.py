"""What a run prints while it runs, and what it leaves out."""

from __future__ import annotations

from pathlib import Path

from tests.support.command import conformance, errors, toy

CASES = ("1d-c2x3-i3-k2-s2", "1d-c2x3-i4-k3-s2")


def run(folder: Path, adapter: str, *options: str) -> tuple[int, list[str]]:
    cases = [f"--case={case}" for case in CASES]
    arguments = ["run", "--adapter", toy(adapter), *cases, "--out", str(folder), "--expectations", "none"]
    done = conformance(*arguments, *options)
    assert not errors(done)
    assert not (done.stderr and "--quiet" in options)
    return done.returncode, done.stdout.splitlines()


def test_a_reason_of_the_suite_is_printed_once(tmp_path: Path) -> None:
    code, lines = run(tmp_path, "CannotImport")
    assert code == 3
    assert sum(line.startswith("! infra") for line in lines) == 1


def test_quiet_prints_results_only(tmp_path: Path) -> None:
    code, lines = run(tmp_path, "Flipped", "--quiet")
    assert code == 1
    assert lines[0].startswith("Gate red")
    assert all(line.startswith(("  new: ", "    ")) for line in lines[1:-1])
    assert lines[-1].startswith("2 outcomes: 2 fail")
    _, aloud = run(tmp_path, "Flipped")
    assert set(lines) < set(aloud)
    assert aloud[0] == "running 2 cases, counted once per adapter"
