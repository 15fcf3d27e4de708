"""Processes launched ahead of the first case."""

from __future__ import annotations

from pathlib import Path

from conformance.adapters.host.client import ProcessLimits
from conformance.adapters.registry import resolve
from conformance.cases import Case
from conformance.cases.data import make_tensors
from conformance.execution.prelaunch import close, launch, take
from conformance.runner.plan import turn
from tests.support.command import conformance, toy

ADAPTERS = """
import os, pathlib, time
from conformance.adapters.base import Program
from tests.support.adapters.right import Right

class First(Right):
    name = "first"

    def program(self, case):
        right = super().program(case)
        wait = (
            "deadline = time.monotonic() + 60",
            "while not os.path.exists({mark!r}) and time.monotonic() < deadline: time.sleep(0.01)",
            "assert os.path.exists({mark!r}), 'the second is not there'",
        )
        return Program(right.setup, (*(wait if case.kernel_size[0] == 2 else ()), *right.body))

class Second(Right):
    name = "second"

    def __init__(self):
        super().__init__()
        pathlib.Path({mark!r}).touch()
"""


def test_the_launched_process_is_the_one_that_runs_and_one_not_taken_ends() -> None:
    spec, case = resolve(toy("Right")), Case.parse("1d-i4-k3-f64")
    launch(spec)
    launch(spec)
    with take(spec, ProcessLimits()) as first, take(spec, ProcessLimits()) as second:
        assert first.resident_bytes() > 0 == second.resident_bytes()
        assert first.run(case, make_tensors(case)).kind == "answer"
    launch(spec)
    left = take(spec, ProcessLimits())
    launch(spec)
    close()
    assert take(spec, ProcessLimits()).resident_bytes() == 0
    left.close()


def test_the_next_adapter_loads_while_one_runs(tmp_path: Path) -> None:
    mark, file = tmp_path / "loaded", tmp_path / "two.py"
    file.write_text(ADAPTERS.replace("{mark!r}", repr(str(mark))), encoding="utf-8")
    cases = sorted((f"1d-i5-k{kernel}-f64" for kernel in (2, 3, 4)), key=lambda text: turn(str(Case.parse(text))))
    assert "-k2-" not in cases[0]  # it runs once the first case has run
    done = conformance(
        "run", f"--adapter={file}:First", f"--adapter={file}:Second", *(f"--case={case}" for case in cases),
        "--out", str(tmp_path / "out"), "--", "--no-report",
    )  # fmt: skip
    assert (done.returncode, "6 pass" in done.stdout) == (0, True), done.stdout
