"""Faults of the suite's own machinery, injected into real runs.

Whatever happens: what was recorded stays recorded, nothing is counted twice, no framework is blamed, and the exit
code is right.
"""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.cases import Case
from conformance.cli import main
from conformance.reports.record.store import Results
from tests.support.command import FAULTY, HEALTHY, ROOT, conformance, known, one_line, start, toy, wait_for
from tests.support.records import outcomes_so_far, statuses


def command(name: str, out: Path, *more: str, cases: list[str] | None = None) -> list[str]:
    selected = cases or [HEALTHY[0], FAULTY, *HEALTHY[1:]]
    ids = [word for case_id in selected for word in ("--case", case_id)]
    return ["run", "--adapter", toy(name), *ids, "--out", str(out), *more]


@pytest.mark.parametrize(
    ("expected", "code"),
    [
        ({"Killed": "infra", "Garbage": "infra"}, 3),
        ({"Segfaults": "crash", "Aborts": "crash", "Exits": "crash"}, 0),
        ({"OutOfMemory": "fail"}, 1),
        ({"Hangs": "timeout"}, 1),
        ({"Talkative": "pass"}, 0),
    ],
    ids=lambda value: " and ".join(value) if isinstance(value, dict) else None,
)
def test_an_adapter_process_that_misbehaves(tmp_path: Path, expected: dict[str, str], code: int) -> None:
    first, *others = expected
    crashes = {name: status for name, status in expected.items() if status == "crash"}
    more = [word for name in others for word in ("--adapter", toy(name))] + known(tmp_path / "known", **crashes)
    done = conformance(*command(first, tmp_path, *more, "--timeout", "3" if first == "Hangs" else "30"))
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    with Results.open(tmp_path / "results.sqlite") as results:
        found = {(outcome.adapter, outcome.case_id): outcome.status for outcome in results.outcomes()}
    for name, status in expected.items():
        assert {case_id: found[toy(name), case_id] for case_id in (*HEALTHY, FAULTY)} == {
            **dict.fromkeys(HEALTHY, "pass"),
            FAULTY: status,
        }


def test_a_worker_that_dies_is_replaced_and_its_case_run_again(tmp_path: Path) -> None:
    env = {"CRASHED": str(tmp_path / "crashed")}
    done = conformance(*command("KillsItsRunnerOnce", tmp_path, "-n", "2"), env=env)
    assert statuses(tmp_path) == dict.fromkeys([*HEALTHY, FAULTY], "pass")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_case_that_workers_die_of_twice_is_our_failure(tmp_path: Path) -> None:
    done = conformance(*command("KillsItsRunner", tmp_path, "-n", "2"))
    assert statuses(tmp_path) == {**dict.fromkeys(HEALTHY, "pass"), FAULTY: "infra"}
    assert done.returncode == 3, done.stdout + done.stderr


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_run_killed_again_and_again_is_resumed_to_the_same_end(tmp_path: Path, workers: str) -> None:
    cases = [str(Case.parse(f"1d-i{size}-k3")) for size in range(3, 23)]
    log, out = tmp_path / "calls", tmp_path / "out"
    env = {"CALLS": str(log)}
    arguments = command("Slow", out, "-n", workers, cases=cases)
    kept: dict[str, str] = {}
    for more in (0, 3, 9):  # before the first outcome, early and late
        wanted = len(kept) + more
        process = start(*arguments, env=env)
        wait_for(functools.partial(_has_outcomes, out, wanted))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        arguments = command("Slow", out, "-n", workers, "--resume", cases=cases)
        now = {case_id: status for case_id, status in statuses(out).items() if status != "missing"}
        assert kept.items() <= now.items(), "what was recorded is lost"
        assert len(now) >= wanted
        kept = now
        log.write_text("")
    done = conformance(*arguments, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert statuses(out) == dict.fromkeys(cases, "pass")
    calls = Counter(log.read_text().split())
    assert set(calls) == set(cases) - set(kept), "ran what was recorded, or did not run what was not"
    again = conformance(*arguments, env=env)
    assert again.returncode == 0, again.stdout + again.stderr
    assert f"{len(cases)} outcomes: {len(cases)} pass" in again.stdout


def _has_outcomes(out: Path, count: int) -> bool:
    return (out / "results.sqlite").exists() and outcomes_so_far(out) >= count


def test_the_adapter_goes_when_the_runner_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "calls"
    process = start(*command("Hangs", tmp_path / "out", cases=[FAULTY]), env={"CALLS": str(log)})
    wait_for(log.exists)
    (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    process.communicate()
    wait_for(
        lambda: not Path(f"/proc/{child}/cmdline").exists() or not Path(f"/proc/{child}/cmdline").read_bytes()
    )


@pytest.fixture(scope="module")
def finished_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("finished")
    assert conformance(*command("Slow", out)).returncode == 0
    return out


@pytest.fixture
def finished(finished_once: Path, tmp_path: Path) -> Path:
    """The folder of a run that has ended, to be changed by one test."""
    return Path(shutil.copytree(finished_once, tmp_path / "out"))


def test_to_resume_with_a_different_selection_is_refused(finished: Path) -> None:
    done = conformance(*command("Slow", finished, "--resume", cases=HEALTHY))
    assert done.returncode == 2
    one_line(done, "different selection")
    assert len(statuses(finished)) == 4


@pytest.fixture(params=["300k", "600k"], ids=["too small for the plan", "too small for the outcomes"])
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={request.param}", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a file system needs privileges; the limit on file sizes is tested all the same")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def many() -> list[str]:
    return [str(Case.parse(f"1d-i{size}-k3")) for size in range(3, 300)]


def full(done: subprocess.CompletedProcess[str], out: Path) -> Counter[str]:
    assert done.returncode == 3, done.stdout + done.stderr
    one_line(done, "cannot write")
    found = Counter(statuses(out).values())
    assert set(found) <= {"fail", "missing", "pass"}  # a symmetric kernel may be flipped
    return found


def test_a_full_disk_ends_the_run_with_one_line(small_disk: Path) -> None:
    done = conformance("run", "--adapter", toy("Flipped"), "--out", str(small_disk),
                       *(word for case_id in many() for word in ("--case", case_id)))  # fmt: skip
    found = full(done, small_disk)
    assert found.total() in (0, len(many()))


def test_a_limit_on_file_sizes_ends_the_run_with_one_line(tmp_path: Path) -> None:
    # A small program sets the limit. JAX warns of a fork, where another test has imported it in this process.
    limited = (
        "import os, resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n"
        "os.execv(sys.executable, [sys.executable, '-m', 'conformance', *sys.argv[1:]])"
    )
    done = subprocess.run(
        [sys.executable, "-c", limited, "run", "--adapter", toy("Flipped"),
         "--out", str(tmp_path), *(word for case_id in many() for word in ("--case", case_id))],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    found = full(done, tmp_path)
    assert min(found["fail"], found["missing"]) > 0, "what was recorded before is lost"


def test_a_truncated_record_is_refused_in_one_line_and_never_overwritten(
    tmp_path: Path, finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = finished / "results.sqlite"
    whole = path.read_bytes()
    commands = [
        ["merge", str(path), "--out", str(tmp_path / "merged.sqlite")],
        ["accept", str(path), "--reason", "x"],
        ["diff", str(path), str(path)],
        ["report", str(path)],
    ]
    for length in (0, 50, 5000, len(whole) // 2, len(whole) - 4096):
        path.write_bytes(whole[:length])
        for arguments in commands:
            with pytest.raises(SystemExit) as stopped:
                main(arguments)
            assert stopped.value.code == 2, f"{length} of {len(whole)} bytes: {arguments}"
            assert len(capsys.readouterr().err.strip().splitlines()) == 1
    done = conformance(*command("Slow", finished, "--resume"))
    assert done.returncode == 2
    one_line(done, "results.sqlite")
    assert conformance(*command("Slow", finished)).returncode == 0
    assert (finished / "damaged.sqlite").stat().st_size == len(whole) - 4096


def test_a_clock_that_jumps_changes_nothing(tmp_path: Path) -> None:
    jumping = (
        "import itertools, sys, time\n"
        "jumps = itertools.cycle([0, 1e9, -1e9, 3600, -7200])\n"
        "real = time.time\n"
        "time.time = lambda: real() + next(jumps)\n"
        "from conformance.cli import main\n"
        "main(sys.argv[1:])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", jumping, *command("Slow", tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    with Results.open(tmp_path / "results.sqlite") as results:
        assert 0 < results.meta()["seconds"] < 300
        assert all(0 < outcome.seconds < 300 for outcome in results.outcomes())


def test_two_runs_into_one_folder(tmp_path: Path) -> None:
    log, go, out = tmp_path / "calls", tmp_path / "go", tmp_path / "out"
    first = start(*command("Waits", out), env={"CALLS": str(log), "GO": str(go)})
    wait_for(lambda: log.exists() and len(log.read_text().split()) > 1)
    second = conformance(*command("Slow", out))
    go.touch()
    assert second.returncode == 2
    one_line(second, "another run")
    printed, errors = first.communicate(timeout=120)
    assert first.returncode == 0, printed + errors
    assert statuses(out) == dict.fromkeys([*HEALTHY, FAULTY], "pass")


def test_a_crash_on_a_case_whose_output_fits_no_memory_is_still_reported(tmp_path: Path) -> None:
    huge = str(Case.parse("1d-n64-c1x64-i3-k2-s4294967297"))
    expected = known(tmp_path / "known", Aborts="crash")
    done = conformance(*command("Aborts", tmp_path, *expected, cases=[huge, HEALTHY[0]]))
    assert done.returncode == 0, done.stdout + done.stderr
    assert statuses(tmp_path) == {huge: "crash", HEALTHY[0]: "pass"}
