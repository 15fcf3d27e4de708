"""Runs on a real cluster of several processes: workers are lost, join, and differ among themselves.

Whatever happens: every case has one outcome, and the exit code is right.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from conformance.cases import Case
from conformance.cases.design.twins import BASES, sequence
from conformance.reports.record.store import Results
from tests.support.cluster import DaskCluster
from tests.support.command import ROOT, conformance, errors, one_line, start, toy, wait_for
from tests.support.frameworks import requires
from tests.support.records import outcomes_so_far

CASES = [str(Case.parse(f"1d-i{size}-k3-b1")) for size in range(3, 43)]
KILLER = str(Case.parse("1d-i6-k2-s3"))


def command(cluster: DaskCluster, out: Path, *adapters: str, cases: Sequence[str] = CASES) -> list[str]:
    ids = [word for case_id in cases for word in ("--case", case_id)]
    named = [word for adapter in adapters for word in ("--adapter", adapter)]
    return ["run", *named, *ids, "--dask", cluster.address, "--out", str(out)]


def recorded(out: Path) -> dict[tuple[str, str], tuple[str, str]]:
    with Results.open(out / "results.sqlite") as results:
        outcomes = list(results.outcomes())
    found = {(o.adapter.rpartition(":")[2], o.case_id): (str(o.status), o.digest) for o in outcomes}
    assert len(found) == len(outcomes), "an outcome is counted twice"
    return found


def statuses(out: Path) -> Counter[str]:
    return Counter(status for status, _ in recorded(out).values())


def calls(log: Path) -> list[str]:
    return log.read_text().split() if log.exists() else []


@requires("torch")
def test_a_cluster_gives_the_outcomes_that_one_machine_gives(tmp_path: Path, cluster: DaskCluster) -> None:
    for worker in [cluster.worker(), cluster.worker()]:
        worker.ready()
    adapters = ("torch-unb*", toy("Flipped"))
    done = conformance(*command(cluster, tmp_path / "there", *adapters, cases=CASES[:12]))
    assert done.returncode == 1, done.stdout + done.stderr
    assert not errors(done)
    arguments = command(cluster, tmp_path / "here", *adapters, cases=CASES[:12])
    del arguments[arguments.index("--dask") : arguments.index("--out")]
    here = conformance(*arguments)
    assert here.returncode == 1
    assert set(recorded(tmp_path / "there")) == {
        (a, c) for a in ("torch-unbatched", "Flipped") for c in CASES[:12]
    }
    assert recorded(tmp_path / "there") == recorded(tmp_path / "here")
    assert done.stdout.splitlines()[-1] == here.stdout.splitlines()[-1]
    with Results.open(tmp_path / "there" / "results.sqlite") as results:
        assert set(results.meta()["environments"]) == {"torch-unbatched", toy("Flipped")}


def test_a_sequence_runs_in_one_process(tmp_path: Path, cluster: DaskCluster) -> None:
    """The last case is wrong where all the others came before it in its process."""
    for worker in [cluster.worker(), cluster.worker()]:
        worker.ready()
    cases = [str(case) for case in sequence(BASES["smoke"][0])]
    done = conformance(*command(cluster, tmp_path, toy("AfterManyPlans"), cases=cases))
    assert done.returncode == 1, done.stdout + done.stderr
    with Results.open(tmp_path / "results.sqlite") as results:
        kinds = {outcome.case_id: outcome.kind for outcome in results.outcomes()}
    assert {case_id for case_id, kind in kinds.items() if kind} == {cases[-1]}


def test_workers_are_lost_and_join_in_the_middle_of_a_run(tmp_path: Path, cluster: DaskCluster) -> None:
    logs = [tmp_path / f"calls-{number}" for number in range(3)]
    first, second = (cluster.worker(CALLS=str(log)) for log in logs[:2])
    first.ready()
    second.ready()
    run = start(*command(cluster, tmp_path / "out", toy("Slow"), cases=CASES))
    wait_for(lambda: outcomes_so_far(tmp_path / "out") > 0 and calls(logs[0]))
    first.kill()
    cluster.worker(CALLS=str(logs[2]))
    printed, errors = run.communicate(timeout=120)
    assert run.returncode == 0, printed + errors
    assert statuses(tmp_path / "out") == {"pass": len(CASES)}
    assert "was lost" in errors
    assert "joined" in errors
    assert calls(logs[1])
    assert calls(logs[2]), "the worker that joined ran nothing"
    assert {case_id for log in logs for case_id in calls(log)} == set(CASES)


def test_a_case_that_workers_die_of_is_our_failure(tmp_path: Path, cluster: DaskCluster) -> None:
    cluster.worker("--nanny").ready()
    cases = [*CASES[:5], KILLER, *CASES[5:10]]
    done = conformance(*command(cluster, tmp_path / "out", toy("KillsItsRunner"), cases=cases))
    assert done.returncode == 3, done.stdout + done.stderr
    assert statuses(tmp_path / "out") == {"pass": 10, "infra": 1}
    assert recorded(tmp_path / "out")["KillsItsRunner", KILLER][0] == "infra"


def test_a_run_that_is_killed_or_without_workers_is_resumed(tmp_path: Path, cluster: DaskCluster) -> None:
    worker, out = cluster.worker().ready(), tmp_path / "out"
    arguments = command(cluster, out, toy("Slow"))
    run = start(*arguments)
    wait_for(lambda: outcomes_so_far(out) > 0)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    killed = statuses(out)
    assert 0 < killed["pass"] < len(CASES)

    run = start(*arguments, "--resume", env={"DASK_DISTRIBUTED__SCHEDULER__NO_WORKERS_TIMEOUT": "1s"})
    wait_for(lambda: outcomes_so_far(out) > killed["pass"])
    worker.kill()
    printed, errors = run.communicate(timeout=120)
    assert run.returncode == 3, printed + errors
    assert "had no worker for" in printed
    left = statuses(out)
    assert left == {"pass": left["pass"], "infra": len(CASES) - left["pass"]}
    assert left["pass"] > killed["pass"]

    cluster.worker(CALLS=str(tmp_path / "calls")).ready()
    done = conformance(*arguments, "--resume")
    assert done.returncode == 0, done.stdout + done.stderr
    assert statuses(out) == {"pass": len(CASES)}
    assert len(set(calls(tmp_path / "calls"))) == left["infra"], "ran what was recorded"


def test_the_scheduler_goes_away(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="not installed: Dask distributed")
    cluster = DaskCluster(tmp_path)
    try:
        cluster.worker().ready()
        run = start(*command(cluster, tmp_path / "out", toy("Slow")))
        wait_for(lambda: outcomes_so_far(tmp_path / "out") > 0)
        cluster.scheduler.kill()
        printed, errors = run.communicate(timeout=120)
    finally:
        cluster.stop()
    assert run.returncode == 3, printed + errors
    assert "Traceback" not in printed + errors
    found = statuses(tmp_path / "out")
    assert found["pass"] > 0
    assert found == {"pass": found["pass"], "infra": len(CASES) - found["pass"]}


def framework(folder: Path, version: str) -> str:
    """A folder with the metadata of an installed distribution, and nothing else."""
    path = folder / version / f"only_there-{version}.dist-info"
    path.mkdir(parents=True, exist_ok=True)
    (path / "METADATA").write_text(f"Metadata-Version: 2.1\nName: only-there\nVersion: {version}\n")
    return str(path.parent)


def test_a_worker_runs_only_what_it_has_in_the_version_of_the_run(tmp_path: Path, cluster: DaskCluster) -> None:
    adapters = tmp_path / "backends.py"
    adapters.write_text(
        "from tests.support.adapters.right import Slow\nclass OnlyThere(Slow):\n    packages = ('only-there',)\n"
    )
    old, new = framework(tmp_path, "1.0"), framework(tmp_path, "2.0")
    paths = {"old": old, "older": old, "new": new, "without": ""}
    logs = {name: tmp_path / f"calls-{name}" for name in paths}
    started = [cluster.worker(CALLS=str(logs[name]), PYTHONPATH=path) for name, path in paths.items()]
    for worker in started:
        worker.ready()
    done = conformance(*command(cluster, tmp_path / "out", f"{adapters}:OnlyThere"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert statuses(tmp_path / "out") == {"pass": len(CASES)}
    one_line(done, "{'only-there': '2.0'} instead of {'only-there': '1.0'}")
    assert {name for name, log in logs.items() if calls(log)} == {"old", "older"}
    with Results.open(tmp_path / "out" / "results.sqlite") as results:
        assert results.meta()["environments"][f"{adapters}:OnlyThere"]["versions"] == {"only-there": "1.0"}


def test_what_no_worker_can_run_is_reported_before_anything_runs(tmp_path: Path, cluster: DaskCluster) -> None:
    other = tmp_path / "other"
    for package in ("adapters", "cases", "conformance", "reports"):
        shutil.copytree(
            ROOT / package, other / package, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
        )
    with (other / "cases" / "case.py").open("a") as file:
        file.write("# another version\n")
    out = tmp_path / "out"
    absent = tmp_path / "absent.py"
    absent.write_text(
        "from tests.support.adapters.right import Right\n"
        "class Absent(Right):\n    packages = ('no-such-package',)\n"
    )
    for prepare, adapter, words in (
        (lambda: None, toy("Right"), "has no worker"),
        (lambda: cluster.worker(PYTHONPATH=str(other)).ready(), toy("Right"), "different version of the suite"),
        (lambda: cluster.worker().ready(), f"{absent}:Absent", "no-such-package not installed"),
    ):
        prepare()
        done = conformance(*command(cluster, out, adapter, cases=CASES[:1]))
        assert done.returncode == 2
        one_line(done, words)
    assert not (out / "results.sqlite").exists()


@pytest.mark.parametrize(
    ("address", "words"),
    [("tcp://127.0.0.1:9", "no Dask scheduler responds"), ("scheduler", "such as tcp://scheduler:8786")],
)
def test_a_scheduler_that_is_not_there(tmp_path: Path, address: str, words: str) -> None:
    pytest.importorskip("distributed", reason="not installed: Dask distributed")
    done = conformance("run", "--adapter", toy("Right"), "--dask", address, "--out", str(tmp_path))
    assert done.returncode == 2
    one_line(done, words)


def test_the_search_on_a_cluster(tmp_path: Path, cluster: DaskCluster) -> None:
    cluster.worker().ready()
    (tmp_path / "Flipped.toml").write_text(
        '[[expectation]]\nfinding = "else"\nreason = "of no interest here"\n'
        "where = \"dtype != 'f32' or direction <> 'fwd' or padding like 'circular%' or kind != 'values'\"\n"
        'kind = ["values", "gradient", "nonfinite", "dtype", "precision"]\n'
        f'evidence = ["{CASES[0]}"]\n'
    )
    done = conformance("fuzz", "--adapter", toy("Flipped"), "--minutes", "0.3", "--dask", cluster.address,
                       "--expectations", str(tmp_path))  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert "with the kernel flipped along W" in done.stdout
    assert "-i1-k2-" in done.stdout, "it was not shrunk"


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def namespaces() -> Iterator[dict[str, Sequence[str]]]:
    """Three networks joined by two cables: a middle, with an address on each cable, and two ends."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("network namespaces need ip(8) and root")
    names = {place: f"conformance-{os.getpid()}-{place}" for place in ("middle", "left", "right")}
    try:
        try:
            for name in names.values():
                ip("netns", "add", name)
            for end in ("left", "right"):
                ip("-n", names["middle"], "link", "add", end, "type", "veth", "peer", "cable", "netns", names[end])
        except subprocess.CalledProcessError as error:
            pytest.skip(f"this machine makes no network namespaces: {error.stderr!r}")
        ip("-n", names["middle"], "link", "set", "lo", "up")
        for number, end in enumerate(("left", "right")):
            for place, device, host in (("middle", end, 1), (end, "cable", 2)):
                ip("-n", names[place], "addr", "add", f"10.213.{number}.{host}/24", "dev", device)
                ip("-n", names[place], "link", "set", device, "up")
        yield {place: ("ip", "netns", "exec", name) for place, name in names.items()}
    finally:
        for name in names.values():
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


def test_workers_in_other_networks_one_of_which_is_cut_off(
    tmp_path: Path, namespaces: dict[str, Sequence[str]]
) -> None:
    pytest.importorskip("distributed", reason="not installed: Dask distributed")
    middle = namespaces["middle"]
    cluster = DaskCluster(
        tmp_path, "--host", "tcp://0.0.0.0", inside=middle, DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL="3s"
    )
    port = cluster.address.rpartition(":")[2]
    logs = {end: tmp_path / f"calls-{end}" for end in ("left", "right")}
    try:
        for number, (end, log) in enumerate(logs.items()):
            cluster.address = f"tcp://10.213.{number}.1:{port}"
            cluster.worker(inside=namespaces[end], CALLS=str(log)).ready()
        run = start(*command(cluster, tmp_path / "out", toy("Slow")), inside=middle)
        wait_for(lambda: outcomes_so_far(tmp_path / "out") > 0 and all(calls(log) for log in logs.values()))
        subprocess.run([*middle, "ip", "link", "set", "left", "down"], check=True)
        printed, errors = run.communicate(timeout=120)
    finally:
        cluster.stop()
    assert run.returncode == 0, printed + errors
    assert statuses(tmp_path / "out") == {"pass": len(CASES)}
    assert "was lost" in errors
