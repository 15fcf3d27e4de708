"""Adapter processes that stay between commands."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.adapters.host.client import ProcessLimits
from conformance.adapters.registry import AdapterSpec, resolve
from conformance.cases import Case
from conformance.cases.data import make_tensors
from conformance.cli.check_adapter import check_adapter
from conformance.execution.warm import place
from conformance.execution.warm.adopted import ended
from conformance.execution.warm.client import WarmProcesses
from conformance.execution.warm.messages import peer_is_own_user
from tests.support.command import conformance, wait_for

CASE, OTHER = Case.parse("1d-i5-k3"), Case.parse("1d-i4-k2")

# Writes the number of its process for each case; wrong from the second case on that a process runs.
ADAPTER = """
import os, pathlib
from conformance.adapters.base import Program
from tests.support.adapters.right import Right

class Counting(Right):
    name = "counting"

    def program(self, case):
        right = super().program(case)
        path = str(pathlib.Path(__file__).with_name("pids"))
        log = f"with open({path!r}, 'a') as file: print(os.getpid(), file=file)"
        return Program((*right.setup, "import os"), (log, *right.body))

class Stale(Counting):
    shapes = set()

    def run(self, case, tensors, **options):
        outputs = super().run(case, tensors, **options)
        self.shapes.add(str(case))
        if len(self.shapes) > 1:
            for output in outputs.values():
                output.values.fill(7)
        return outputs
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the adapter and the socket, and a server that ends with the test."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("CONFORMANCE_SERVER", "120")
    monkeypatch.delenv("CI", raising=False)
    (tmp_path / "own.py").write_text(ADAPTER, encoding="utf-8")
    yield tmp_path
    end_server()


def own_socket() -> Path:
    folder = place.private_folder()
    assert folder is not None
    return place.socket_path(folder)


def server_pid() -> int | None:
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(own_socket()))
        except OSError:
            return None
        about = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        return int.from_bytes(about[:4], "little")


def end_server() -> None:
    if (pid := server_pid()) is not None:
        os.kill(pid, signal.SIGKILL)


def spec_of(folder: Path, name: str = "Counting") -> AdapterSpec:
    return resolve(f"{folder / 'own.py'}:{name}")


def check(spec: AdapterSpec, case: Case = CASE) -> tuple[str, int | None, bool]:
    """What one command does: the status, the process that ran the case, and whether it was used before."""
    warm = WarmProcesses()
    borrowed = warm.borrow(spec, ProcessLimits())
    used = borrowed.used
    outcome = check_adapter(case, borrowed).outcome
    warm.give_back(borrowed)
    pids = Path(spec.target.rpartition(":")[0]).with_name("pids").read_text().split()
    return outcome.status, int(pids[-1]), used


def lives(pid: int | None) -> bool:
    assert pid is not None
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_the_second_check_uses_the_process_of_the_first(folder: Path) -> None:
    command = ("check", str(CASE), "--adapter", spec_of(folder).name)
    first, second = conformance(*command), conformance(*command)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert first.stdout == second.stdout
    assert len(set((folder / "pids").read_text().split())) == 1
    alone = conformance(*command, "--no-server")
    assert alone.stdout == first.stdout
    assert len(set((folder / "pids").read_text().split())) == 2


def test_a_changed_adapter_and_a_changed_environment_get_a_new_process(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = spec_of(folder)
    _, first, _ = check(spec)
    assert check(spec) == ("pass", first, True)
    monkeypatch.setenv("SOME_SETTING", "1")
    _, other, used = check(spec)
    assert other != first
    assert not used
    monkeypatch.delenv("SOME_SETTING")
    assert check(spec) == ("pass", first, True)
    (folder / "own.py").write_text(ADAPTER + "\n", encoding="utf-8")
    _, changed, used = check(spec)
    assert changed != first
    assert not used
    wait_for(lambda: not lives(first))


def test_no_case_changes_the_outcome_of_another(folder: Path) -> None:
    spec = spec_of(folder, "Stale")
    status, first, _ = check(spec)
    assert status == "pass"
    status, second, used = check(spec, OTHER)  # wrong in the used process, so that a new one runs it
    assert (status, used) == ("pass", True)
    assert second != first
    assert check(spec, OTHER) == ("pass", second, True)


def test_the_socket_is_private_and_a_folder_that_is_not_is_left_alone(folder: Path) -> None:
    check(spec_of(folder))
    path = own_socket()
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        assert peer_is_own_user(connection)
    path.parent.chmod(0o755)
    assert place.private_folder() is None
    path.parent.chmod(0o700)


def test_another_user_is_turned_away(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(spec_of(folder))
    own, path = os.getuid(), own_socket()
    with monkeypatch.context() as other, socket.socket(socket.AF_UNIX) as connection:
        other.setattr(os, "getuid", lambda: own + 1)
        connection.connect(str(path))
        assert not peer_is_own_user(connection)


def test_it_ends_by_itself_and_ends_the_processes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFORMANCE_SERVER", "1")
    _, pid, _ = check(spec_of(folder))
    path = own_socket()
    wait_for(lambda: not path.exists() and not lives(pid))
    assert list(path.parent.iterdir()) == []


def test_a_stale_socket_is_replaced(folder: Path) -> None:
    path = own_socket()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    spec = spec_of(folder)
    _, pid, _ = check(spec)
    assert check(spec) == ("pass", pid, True)


def test_a_command_that_is_killed_leaves_the_server_sane(folder: Path) -> None:
    spec = spec_of(folder)
    _, pid, _ = check(spec)
    server = server_pid()
    with socket.socket(socket.AF_UNIX) as broken:
        broken.connect(str(own_socket()))
        broken.send(b"\xff\xff")
    program = (
        "from conformance.adapters.host.client import ProcessLimits\n"
        "from conformance.adapters.registry import resolve\n"
        "from conformance.execution.warm.client import WarmProcesses\n"
        "import os, signal, sys\n"
        "borrowed = WarmProcesses().borrow(resolve(sys.argv[1]), ProcessLimits())\n"
        "assert borrowed.used\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([spec.python, "-c", program, spec.name], check=False)
    assert done.returncode == -signal.SIGKILL
    wait_for(lambda: not lives(pid))
    _, new, used = check(spec)
    assert not used
    assert check(spec) == ("pass", new, True)
    assert server_pid() == server


def test_a_process_that_ended_is_not_used(folder: Path) -> None:
    spec = spec_of(folder)
    _, pid, _ = check(spec)
    assert pid is not None
    handle = os.pidfd_open(pid)  # tells when the last thread has ended, not only the first
    os.kill(pid, signal.SIGKILL)
    assert ended(handle, seconds=60)
    os.close(handle)
    assert check(spec)[2] is False


def test_a_used_process_can_be_ended(folder: Path) -> None:
    spec = spec_of(folder)
    _, pid, _ = check(spec)
    with WarmProcesses().borrow(spec, ProcessLimits()).host as host:
        assert host.run(CASE, make_tensors(CASE)).kind == "answer"
    wait_for(lambda: not lives(pid))


@pytest.mark.parametrize(("variable", "value"), [("CONFORMANCE_SERVER", "0"), ("CI", "true")])
def test_switched_off_nothing_stays(
    folder: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.delenv("CONFORMANCE_SERVER")
    monkeypatch.setenv(variable, value)
    _, pid, _ = check(spec_of(folder))
    wait_for(lambda: not lives(pid))
    assert check(spec_of(folder))[2] is False
    assert not list(folder.glob("conformance-*/*"))
