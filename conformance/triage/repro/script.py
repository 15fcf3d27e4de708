"""The standalone script of one outcome: the adapter's own program between its data and what is expected.

It needs the framework and NumPy, prints expected and got, and exits 1 while the outcome is there and 0 once it is
gone, which is what ``git bisect run`` asks for. A refusal of a valid question is an exception that nobody catches,
which exits with 1 too. ``git bisect run`` stops at exit codes above 127, so what may take its process along is
asked in a child process: a crash, a hang, and any question without an answer, over which other versions may crash.
"""

from __future__ import annotations

import shlex
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from conformance.adapters.registry import load
from conformance.calls.formatting import bias_lines, tidy
from conformance.cases import DomainError
from conformance.reports.record.statuses import label
from conformance.triage.repro.comparison import NO_ANSWER, judged_lines
from conformance.triage.repro.data import data_lines
from conformance.triage.repro.observation import Observation

__all__ = ["Run", "build_script", "run_alone"]

_PATIENCE = 60
_OURS = ("NameError", "ImportError", "ModuleNotFoundError", "SyntaxError")
_POISON = "ctypes.CDLL(None).mallopt(-6, 0xA5)  # junk in fresh memory, lest it pass for zero (glibc)"

_ONE_PROCESSOR = "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"


def build_script(asked: Observation, *, poison: bool = False) -> str:
    """Write the script.

    Parameters
    ----------
    asked : Observation
        The question and its outcome.
    poison : bool
        Whether to fill fresh memory with junk first, for an answer that depends on memory nobody wrote.

    Returns
    -------
    str
        Python source.
    """
    no_output = asked.outcome.status in NO_ANSWER or (bool(asked.before) and not asked.got)
    child = _in_a_child(0) if no_output else []
    try:
        asked.case.geometry()
    except DomainError as error:
        child, judged = _in_a_child(1), _refusal(asked, error)
    else:
        judged = judged_lines(asked)
    kind, machine = load(asked.spec.target), asked.spec.profile
    variables = {**kind.environment, **machine.framework_variables(kind.packages)}
    pinned = [_ONE_PROCESSOR] * machine.one_processor
    twice = asked.outcome.kind == "nondeterministic"
    data = [] if twice else data_lines(asked.case, asked.tensors)
    calls = [line for call in asked.before for line in call.lines()]
    calls += ["", f"# {asked.case}, which is judged"] * bool(calls)
    packed = any("zlib." in line for line in (*calls, *data, *judged))
    modules = ["os"] * bool(variables) + ["ctypes"] * (poison or twice) + ["subprocess", "sys"] * bool(child)
    modules += ["base64", "zlib"] * packed
    lines_of_setups = dict.fromkeys(
        line for setup in (asked.setup, *(call.setup for call in asked.before)) for line in setup
    )
    setup = [
        line for line in lines_of_setups if line not in ("import os", "import sys") and "os.environ[" not in line
    ]
    modules += [
        name
        for name in ("os", "sys")
        if any(f"{name}." in line for line in (*pinned, *setup, *calls, *asked.body))
    ]
    settings = ", ".join(f'{name}="{value}"' for name, value in variables.items())
    lines = [
        *_header(asked),
        *(f"import {module}" for module in sorted(set(modules))),
        "import numpy as np",
        *([f"os.environ.update({settings})"] if variables else []),
        *pinned,
        *setup,
        "",
        *child,
        *([_POISON] * poison),
        *calls,
        *data,
        *bias_lines(asked.case, asked.body),
        *judged,
    ]
    return "\n".join(tidy(lines)) + "\n"


def _header(asked: Observation) -> list[str]:
    versions = ", ".join(f"{name} {version}" for name, version in asked.environment.get("versions", {}).items())
    what = label(asked.outcome.status, asked.outcome.kind)
    ends = "Exits 1 while that is so, else 0." if asked.outcome.gates else "Exits 0 while that is so, else 1."
    emulator = shlex.join(asked.spec.profile.emulator)
    return [
        f"# {asked.case}",
        f"# {versions or asked.spec.name}: {what}. {ends}",
        *([f"# Run it as: {emulator} python FILE"] if emulator else []),
    ]


def _in_a_child(right: int) -> list[str]:
    """Lines that run the rest in a child, which is to end with an exit code; if it never ends, that raises."""
    wanted = "an error, exit code 1" if right else "exit code 0"
    return [
        'if "child" not in sys.argv:  # the call may take its process along',
        f'    code = subprocess.run([sys.executable, __file__, "child"], timeout={_PATIENCE}).returncode',
        f'    print("expected {wanted}; got exit code", code)',
        f"    sys.exit(int(code != {right}))",
        "",
    ]


def _refusal(asked: Observation, error: DomainError) -> list[str]:
    """A question without an answer: an error is right, which ends the child with 1."""
    shown = "shape" if load(asked.spec.target).shape_only else f"{asked.names[0]}.shape"
    return [
        "",
        f"# {error.rule}: {error.reason}, so there is no answer to give, and an error is right.",
        *asked.body,
        f'print("expected an error, got numbers of shape", {shown})',
    ]


@dataclass(frozen=True)
class Run:
    """What a script, run alone, printed and ended with."""

    code: int
    stdout: str
    stderr: str

    def shows(self, asked: Observation) -> bool:
        """Whether it is the outcome: exit code 1 for one that fails, 0 for one that passes.

        A script that is no program exits with 1, too.
        """
        *_, last = self.stderr.splitlines() or [""]
        broken = asked.outcome.kind != "rejected" and last.startswith(_OURS)
        return self.code == int(asked.outcome.gates) and not broken


def run_alone(script: str, python: str) -> Run:
    """Run a script in an interpreter that knows nothing of this project, in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "repro.py"
        path.write_text(script, encoding="utf-8")
        done = subprocess.run(
            [python, "-I", path.name],
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_PATIENCE * 5,
            check=False,
        )
    return Run(done.returncode, done.stdout, done.stderr.replace(f"{folder}/", ""))
