"""The table of ports: every case once, recorded at once, and resumed after any end."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from conformance.adapters.host.client import ProcessLimits
from conformance.adapters.registry import resolve
from conformance.cases import Case
from conformance.cli import port
from conformance.porting.matrix import matrix, port_all
from conformance.porting.store import Ported, PortsError, PortsRecord
from tests.support.command import ROOT, conformance, toy
from tests.support.frameworks import requires

RIGHT = toy("Right")
BACKEND = f"{ROOT / 'examples' / 'numpy_backend.py'}:NumpyBackend"
CASES = [Case.parse(text) for text in ("1d-i3-k3", "1d-i3-k2-s2", "1d-i4-k1")]


def table(*arguments: str) -> Any:
    return CliRunner().invoke(port.command, ["--table", *arguments])


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port, "load_tier", lambda tier: CASES)


def test_a_port_that_no_form_makes_right_fails_the_table(few: None) -> None:
    done = table("--adapter", RIGHT, "--adapter", toy("Flipped"), "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert found["into"] == {RIGHT: {"direct": 3}, toy("Flipped"): {"wrong": 2, "direct": 1}}
    assert len(found["pairs"]) == 2
    assert "wrong: y has wrong values" in done.stderr
    assert table("--adapter", RIGHT, "--adapter", toy("WrongSame")).exit_code == 0


@requires("torch", "jax-lax")
def test_the_matrix_counts_every_case_once() -> None:
    cases = [Case.parse(text) for text in ("1d-i5-k3-s2-same", "1d-c2x4-i5-k3-g2-p1", "1d-i5-k3-s0")]
    specs = [resolve("torch"), resolve("jax-lax")]
    found = matrix(port_all(specs, cases, ProcessLimits(), PortsRecord(), workers=2))
    assert dict(found["torch", "jax-lax"]) == {"direct": 1, "with steps": 1}
    assert dict(found["jax-lax", "torch"]) == {"direct": 1}


def test_a_table_that_was_killed_is_resumed_to_the_same_end(tmp_path: Path) -> None:
    log, out = tmp_path / "calls", tmp_path / "ports.sqlite"
    kills = toy("KillsItsRunnerOnce")
    both = ("--adapter", kills, "--adapter", BACKEND, "--json")
    env = {"CALLS": str(log), "CRASHED": str(tmp_path / "crashed")}
    command = ("port", "--table", *both)
    killed = conformance(*command, "--out", str(out), "--resume", env=env)
    assert killed.returncode == -9
    with PortsRecord(out, resume=True) as record:
        started = record.ports(kills)
        assert started
        assert not record.ports(BACKEND)
    first = Counter(log.read_text().split())
    log.unlink()
    done = conformance(*command, "--out", str(out), "--resume", env=env)
    assert done.returncode == 0, done.stderr
    later = Counter(log.read_text().split())
    assert max(later.values()) == 1
    (twice,) = first.keys() & later.keys()
    assert Case.parse(twice).kernel_size[0] == 2, "the case it was killed over"
    assert not {str(case) for case in started} & later.keys()
    log.unlink()
    again = conformance(*command, "--out", str(out), "--resume", env=env)
    whole = conformance(*command, env=env)
    assert again.stdout == done.stdout == whole.stdout
    assert set(log.read_text().split()) == first.keys() | later.keys()


def test_what_is_known_does_not_run_again_unless_it_was_wrong() -> None:
    kept = Ported("with steps", "so it was found", taken=False)
    with PortsRecord() as record:
        record.add(RIGHT, CASES[0], kept)
        record.add(RIGHT, CASES[1], Ported("wrong", "a fault that is fixed"))
        found = port_all([resolve(RIGHT)], CASES, ProcessLimits(), record)[RIGHT]
        assert record.ports(RIGHT) == found
    assert list(found.values()) == [kept, Ported("direct"), Ported("direct")]


@pytest.fixture
def finished(few: None, tmp_path: Path) -> Iterator[tuple[tuple[str, ...], sqlite3.Connection]]:
    """Arguments of a table that was made, and its record."""
    out = tmp_path / "ports.sqlite"
    arguments = ("--adapter", RIGHT, "--adapter", toy("WrongSame"), "--out", str(out))
    assert table(*arguments).exit_code == 0
    with closing(sqlite3.connect(out, isolation_level=None)) as record:
        yield arguments, record


def test_other_versions_do_not_go_on_with_a_table(finished: tuple[tuple[str, ...], sqlite3.Connection]) -> None:
    arguments, record = finished
    record.execute('UPDATE versions SET versions = \'{"numpy": "0.1"}\'')
    done = table(*arguments, "--resume")
    assert done.exit_code == 2
    assert "0.1" in done.stderr
    assert table(*arguments).exit_code == 0, "started again"


@pytest.mark.parametrize("resume", [True, False])
def test_another_file_is_left_as_it_is(resume: bool, tmp_path: Path) -> None:
    out, other, empty = (tmp_path / name for name in ("text", "other.sqlite", "empty"))
    out.write_bytes(b"no record")
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE versions (a)")
    for path in (out, other):
        before = path.read_bytes()
        with pytest.raises(PortsError, match="not a record of ports"):
            PortsRecord(path, resume=resume)
        assert path.read_bytes() == before
    empty.touch()
    PortsRecord(empty, resume=resume).set_versions(RIGHT, {})


def test_a_record_that_cannot_be_written_is_one_line(
    finished: tuple[tuple[str, ...], sqlite3.Connection],
) -> None:
    arguments, record = finished
    record.execute("DELETE FROM ports")
    record.execute("CREATE TRIGGER full BEFORE INSERT ON ports BEGIN SELECT RAISE(ABORT, 'full'); END")
    done = table(*arguments, "--resume")
    assert done.exit_code == 2
    assert "cannot write" in done.stderr


@pytest.mark.parametrize(
    "arguments", [("--resume",), ("--adapter", RIGHT), ("--adapter", RIGHT, "--adapter", RIGHT, "--out", "/")]
)
def test_wrong_usage_of_the_table_is_exit_code_2(arguments: tuple[str, ...], few: None) -> None:
    assert table(*arguments).exit_code == 2
    assert CliRunner().invoke(port.command, ["1d-i3-k3", "--to", RIGHT, "--out", "x"]).exit_code == 2
