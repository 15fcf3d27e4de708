"""The standalone script of one outcome: the adapter's own program between its data and the expected output.

It needs the framework and NumPy, prints the expected and the actual output, and exits with 1 while the outcome is
there and with 0 once it is fixed, as ``git bisect run`` requires. A refusal of a valid case is an exception, which
exits with 1 too. ``git bisect run`` stops at exit codes above 127, so a call that may kill its process runs in a
child process: a crash, a hang, and any invalid case, because other versions may crash on it.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from conformance.adapters.node import npm
from conformance.adapters.registry import load
from conformance.calls.formatting import bias_lines, tidy
from conformance.cases import DomainError
from conformance.reports.record.statuses import label
from conformance.triage.repro.comparison import NO_OUTPUT, judged_lines
from conformance.triage.repro.data import data_lines
from conformance.triage.repro.node_script import build_node_script
from conformance.triage.repro.observation import Observation

__all__ = ["Run", "build_script", "run_alone"]

_PATIENCE = 60  # seconds that a child may run
# Errors of a script that does not run at all, and so are our own failure.
_OURS = ("NameError", "ImportError", "ModuleNotFoundError", "SyntaxError")
_OURS_IN_NODE = re.compile(r"^(ReferenceError|SyntaxError|Error: Cannot find module)\b", re.MULTILINE)
_POISON = (
    "ctypes.CDLL(None).mallopt(-6, 0xA5)  # fill fresh memory with junk so that uninitialised reads show (glibc)"
)

_ONE_PROCESSOR = "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"


def build_script(observed: Observation, *, poison: bool = False) -> str:
    """Write the script.

    Parameters
    ----------
    observed : Observation
        The case and its outcome.
    poison : bool
        Whether to fill fresh memory with junk first, for an output that depends on uninitialised memory.

    Returns
    -------
    str
        Source text in the language of the adapter's programs.
    """
    if load(observed.spec.target).language == "javascript":
        return build_node_script(observed)
    no_output = observed.outcome.status in NO_OUTPUT or (bool(observed.before) and not observed.got)
    child = _in_a_child(0) if no_output else []
    try:
        observed.case.geometry()
    except DomainError as error:
        child, judged = _in_a_child(1), _refusal(observed, error)
    else:
        judged = judged_lines(observed)
    kind, machine = load(observed.spec.target), observed.spec.profile
    variables = {**kind.environment, **machine.framework_variables(kind.packages)}
    pinned = [_ONE_PROCESSOR] * machine.one_processor
    twice = observed.outcome.kind == "nondeterministic"
    data = [] if twice else data_lines(observed.case, observed.tensors)
    calls = [line for call in observed.before for line in call.lines()]
    calls += ["", f"# {observed.case}, which is judged"] * bool(calls)
    packed = any("zlib." in line for line in (*calls, *data, *judged))
    modules = ["os"] * bool(variables) + ["ctypes"] * (poison or twice) + ["subprocess", "sys"] * bool(child)
    modules += ["base64", "zlib"] * packed
    lines_of_setups = dict.fromkeys(
        line for setup in (observed.setup, *(call.program.setup for call in observed.before)) for line in setup
    )
    setup = [
        line for line in lines_of_setups if line not in ("import os", "import sys") and "os.environ[" not in line
    ]
    modules += [
        name
        for name in ("os", "sys")
        if any(f"{name}." in line for line in (*pinned, *setup, *calls, *observed.body))
    ]
    settings = ", ".join(f'{name}="{value}"' for name, value in variables.items())
    lines = [
        *_header(observed),
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
        *bias_lines(observed.case, observed.body),
        *judged,
    ]
    return "\n".join(tidy(lines)) + "\n"


def _header(observed: Observation) -> list[str]:
    versions = ", ".join(f"{name} {version}" for name, version in observed.environment.get("versions", {}).items())
    what = label(observed.outcome.status, observed.outcome.kind)
    now, later = (1, 0) if observed.outcome.gates else (0, 1)
    emulator = shlex.join(observed.spec.profile.emulator)
    return [
        f"# {observed.case}",
        f"# {versions or observed.spec.name}: {what}. Exits with {now} while that is so, else with {later}.",
        *([f"# Run it as: {emulator} python FILE"] if emulator else []),
    ]


def _in_a_child(right: int) -> list[str]:
    """Return lines that run the rest in a child and check its exit code; a hang raises TimeoutExpired."""
    wanted = "an error, exit code 1" if right else "exit code 0"
    return [
        'if "child" not in sys.argv:  # the call may kill its process',
        f'    code = subprocess.run([sys.executable, __file__, "child"], timeout={_PATIENCE}).returncode',
        f'    print("expected {wanted}; got exit code", code)',
        f"    sys.exit(int(code != {right}))",
        "",
    ]


def _refusal(observed: Observation, error: DomainError) -> list[str]:
    """Return the lines for an invalid case: an error is right, which ends the child with 1."""
    shown = "shape" if load(observed.spec.target).shape_only else f"{observed.names[0]}.shape"
    return [
        "",
        f"# {error.rule}: {error.reason}, so the arguments are invalid, and an error is right.",
        *observed.body,
        f'print("expected an error, got numbers of shape", {shown})',
    ]


@dataclass(frozen=True)
class Run:
    """The exit code of a script that ran alone, and what it printed."""

    code: int
    stdout: str
    stderr: str

    def shows(self, observed: Observation) -> bool:
        """Tell whether the run shows the outcome: exit code 1 for one that fails, 0 for one that passes.

        A script that does not even start exits with 1, too; its last line names the error.
        """
        *_, last = self.stderr.splitlines() or [""]
        ours = last.startswith(_OURS) or bool(_OURS_IN_NODE.search(self.stderr))
        broken = observed.outcome.kind != "rejected" and ours
        return self.code == int(observed.outcome.gates) and not broken


def run_alone(script: str, python: str, language: str = "python") -> Run:
    """Run a script in an empty folder, in an interpreter without this project on its path.

    Node runs a script in JavaScript with the packages that belong to the interpreter.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("repro.cjs" if language == "javascript" else "repro.py")
        path.write_text(script, encoding="utf-8")
        command = [python, "-I"]
        if language == "javascript":
            command = [npm.node(python) or "node"]
            (Path(folder) / "node_modules").symlink_to(npm.folder(python) / "node_modules")
        done = subprocess.run(
            [*command, path.name],
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_PATIENCE * 5,
            check=False,
        )
    return Run(done.returncode, done.stdout, done.stderr.replace(f"{folder}/", ""))
