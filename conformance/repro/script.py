"""The standalone script of one outcome: the adapter's own program between its data and what is expected.

It needs the framework and NumPy, prints expected and got, and exits 1 while the outcome is there and 0 once it is
gone, which is what ``git bisect run`` asks for. A crash and a hang happen in a child process, because
``git bisect run`` stops at exit codes above 127.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from adapters.process import Host, Limits
from adapters.registry import AdapterSpec, load
from cases import Case, DomainError
from cases.data import DATA_KINDS
from cases.dtypes import round_to
from conformance.bound import PROFILES, Reference, tolerance
from conformance.check import ask
from conformance.reference import question, reference
from conformance.repro.data import LITERAL_SIZE, array_text, data_lines
from conformance.source import tidy
from reports.outcome import Outcome
from reports.statuses import label

__all__ = ["Asked", "build_script", "gather", "shows"]

_SHOWN_ELEMENTS = 4
_PATIENCE = 60
_CHILD = "child"
_POISON = "ctypes.CDLL(None).mallopt(-6, 0xA5)  # junk in fresh memory, lest it pass for zero (glibc)"


@dataclass(frozen=True)
class Asked:
    """One question, whom it was put to, and everything that came of it.

    Attributes
    ----------
    case, spec, outcome
        The question, the adapter and its verdict.
    tensors : dict of numpy.ndarray
        The input data.
    got : dict of numpy.ndarray
        The answer; empty without one.
    promise : str
        The accuracy profile the adapter promises.
    setup, body : tuple of str
        The call that was made: imports and settings, and what follows.
    environment : dict
        Versions, processor and settings of the adapter's process.
    """

    case: Case
    spec: AdapterSpec
    outcome: Outcome
    tensors: dict[str, np.ndarray]
    got: dict[str, np.ndarray]
    promise: str
    setup: tuple[str, ...]
    body: tuple[str, ...]
    environment: dict[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Names of the answer's tensors."""
        return list(self.case.answers)


def gather(case: Case, spec: AdapterSpec, limits: Limits | None = None) -> Asked:
    """Ask an adapter, and keep all that a script needs."""
    with Host(spec, limits) as host:
        outcome = ask(case, host)
        tensors = question(case)
        reply = host.ask(case, tensors)
        # The first blank line ends the set-up, which may be empty.
        setup, _, body = f"\n{host.program(case)}".partition("\n\n")
        return Asked(
            case,
            spec,
            outcome,
            dict(tensors),
            {name: tensor.values for name, tensor in reply.tensors.items()},
            reply.promise,
            tuple(setup.strip().splitlines()),
            tuple(body.splitlines()),
            dict(host.environment),
        )


def build_script(asked: Asked, *, poison: bool = False) -> str:
    """Write the script.

    Parameters
    ----------
    asked : Asked
        The question and its outcome.
    poison : bool
        Whether to fill fresh memory with junk first, for an answer that depends on memory nobody wrote.

    Returns
    -------
    str
        Python source.
    """
    try:
        asked.case.geometry()
    except DomainError as error:
        judged = _refusal(asked, error)
    else:
        judged = [*asked.body, *_verdict(asked)]
        if asked.outcome.kind == "rejected":
            judged = _guarded(judged)
    environment = load(asked.spec.target).environment
    settings = [f'os.environ["{name}"] = "{value}"' for name, value in environment.items()]
    settings = [line for line in settings if line not in asked.setup]
    needs_os = bool(settings) or "import os" in asked.setup
    twice = asked.outcome.kind == "nondeterministic"
    modules = ["sys"] + ["os"] * needs_os + ["ctypes"] * (poison or twice)
    child = asked.outcome.status in ("crash", "timeout")
    lines = [
        *_header(asked),
        *(f"import {module}" for module in sorted({*modules, *(["subprocess"] * child)})),
        "import numpy as np",
        *settings,
        *(line for line in asked.setup if line not in ("import os", "import sys")),
        "",
        *(_in_a_child() if child else []),
        *(
            ["ctypes.CDLL(None).mallopt(-6, 0xA5)  # fill fresh memory, so that it cannot pass for zero (glibc)"]
            * poison
        ),
        *data_lines(asked.case, asked.tensors),
        "",
        *judged,
    ]
    return "\n".join(tidy(lines)) + "\n"


def _header(asked: Asked) -> list[str]:
    versions = ", ".join(f"{name} {version}" for name, version in asked.environment.get("versions", {}).items())
    what = label(asked.outcome.status, asked.outcome.kind)
    return [
        f"# {asked.case}",
        f"# {versions or asked.spec.name}: {what}. Exits 1 while the answer is wrong, else 0.",
    ]


def _in_a_child() -> list[str]:
    return [
        "if len(sys.argv) == 1:  # the framework may take its process along",
        "    try:",
        f"        ended = subprocess.run([sys.executable, __file__, {_CHILD!r}], timeout={_PATIENCE}).returncode",
        "    except subprocess.TimeoutExpired as error:",
        "        ended = error",
        '    print("expected exit code 0, got", ended)',
        "    sys.exit(int(ended != 0))",
        "",
    ]


def _refusal(asked: Asked, error: DomainError) -> list[str]:
    """Judge a question without an answer: an error is right."""
    shown = "shape" if load(asked.spec.target).shape_only else f"{asked.names[0]}.shape"
    return [
        f"# {error.rule}: {error.reason}, so there is no answer to give.",
        "try:",
        *textwrap.indent("\n".join(asked.body), "    ").splitlines(),
        "except Exception as error:",
        '    print("expected an error, got", type(error).__name__, error)',
        "    sys.exit(0)",
        f'print("expected an error, got numbers of shape", {shown})',
        "sys.exit(1)",
    ]


def _guarded(lines: list[str]) -> list[str]:
    """Judge a refusal of a valid question: an error is wrong, and so are wrong numbers."""
    return [
        "try:",
        *textwrap.indent("\n".join(lines[:-1]), "    ").splitlines(),
        "except Exception as error:",
        '    print("expected numbers, got", type(error).__name__, error)',
        "    sys.exit(1)",
        lines[-1],
    ]


def _verdict(asked: Asked) -> list[str]:
    """Lines that compare the answer with what is expected, by whole arrays or by the elements that matter."""
    if asked.outcome.kind == "nondeterministic":
        return _twice(asked)
    if load(asked.spec.target).shape_only:
        return [
            f"expected = {asked.case.output_shape}",
            "got_shape = np.array(tuple(shape))",
            'print("expected the shape", expected, "and was told", tuple(shape))',
            "sys.exit(int(tuple(shape) != expected))",
        ]
    expected = reference(asked.case, asked.tensors)
    exact = DATA_KINDS[asked.case.data].exact and asked.outcome.kind != "precision"
    small = all(wanted.exact.size <= LITERAL_SIZE for wanted in expected.values())
    lines = [*_take(asked, "got"), "wrong = False"]
    if exact and small:
        lines += [line for name, wanted in expected.items() for line in _whole(asked, name, wanted)]
    else:
        lines += _elements(asked, expected, exact)
    return [*lines, "sys.exit(int(wrong))"]


def _take(asked: Asked, prefix: str) -> list[str]:
    """Lines that take the answer out of the framework, as ``prefix_y`` and so on."""
    adapter = load(asked.spec.target)
    return [f"{prefix}_{name} = {adapter.as_numpy(asked.case, name)}" for name in asked.names]


def _whole(asked: Asked, name: str, wanted: Reference) -> list[str]:
    right = round_to(asked.case.format, wanted.exact)
    same = f"np.array_equal(got_{name}, expected_{name}{', equal_nan=True' if np.isnan(right).any() else ''})"
    shown = ", ".join(f'"{name} {what}", {what}_{name}.shape, {what}_{name}' for what in ("expected", "got"))
    return [
        f"expected_{name} = {array_text(right)}",
        f'print({shown}, sep="\\n")',
        f"wrong |= got_{name}.dtype != expected_{name}.dtype or not {same}",
    ]


def _elements(asked: Asked, expected: dict[str, Reference], exact: bool) -> list[str]:
    """Compare shape, dtype and the elements that are furthest off, and for exact data the sum of all."""
    totals = {name: wanted.exact.sum().item() for name, wanted in expected.items()}
    summed = exact and not asked.case.format.is_complex and bool(np.isfinite(list(totals.values())).all())
    lines = []
    for name, wanted in expected.items():
        got, right = f"got_{name}", round_to(asked.case.format, wanted.exact)
        lines += [
            f"far = {{{_table(asked, name, wanted, right, exact)}}}",
            f'print("{name} expected", {right.shape}, "{right.dtype}", "got", {got}.shape, {got}.dtype)',
            f'if {got}.shape != {right.shape} or {got}.dtype != "{right.dtype}":',
            "    sys.exit(1)",
            f'print("expected", far, "got", {{at: {got}[at].item() for at in far}})',
        ]
        if exact:
            values = f"[{got}[at] for at in far]"
            lines.append(f"wrong |= not np.array_equal({values}, list(far.values()), equal_nan=True)")
        else:
            near = f"{got}[at] == value or abs({got}[at].item() - value) <= most"
            lines.append(f"wrong |= not all({near} for at, (value, most) in far.items())")
        if summed:
            total = f'{got}.sum(dtype="float64")'
            lines.append(f'print("expected the sum", {totals[name]!r}, "got", {total})')
            lines.append(f"wrong |= {total} != {totals[name]!r}")
    about = (
        "the elements furthest off" if exact else "value and largest allowed error of the elements furthest off"
    )
    lines[0] += f"  # {about}"
    return lines


def _table(asked: Asked, name: str, wanted: Reference, right: np.ndarray, exact: bool) -> str:
    """The elements furthest off, by index: their value, and without exact data how far from it is allowed."""
    profile = PROFILES.get(asked.promise)
    allowed = np.zeros(right.shape) if exact or profile is None else tolerance(wanted, asked.case.format, profile)
    points = _worst(asked.got.get(name), wanted.exact, allowed)
    if exact:
        entries = [f"{point}: {right[point].item()!r}" for point in points]
    else:
        entries = [f"{point}: ({wanted.exact[point].item()!r}, {allowed[point].item():.4g})" for point in points]
    return re.sub(r"\b(nan|inf)\b", r"np.\1", ", ".join(entries))


def _worst(got: np.ndarray | None, exact: np.ndarray, allowed: np.ndarray) -> list[tuple[int, ...]]:
    """Where the answer is furthest from the right one, in units of what is allowed; anywhere without an answer."""
    error = np.zeros(exact.shape)
    if got is not None and got.shape == exact.shape:
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            error = np.abs(got.astype(exact.dtype) - exact) / np.where(allowed > 0, allowed, 1)
        error[np.isnan(error)] = np.inf
    worst = np.argsort(-error, axis=None, kind="stable")[:_SHOWN_ELEMENTS]
    return [tuple(map(int, np.unravel_index(flat, exact.shape))) for flat in sorted(worst)]


def _twice(asked: Asked) -> list[str]:
    """Ask again under other junk in fresh memory, and compare the two answers."""
    pairs = ", ".join(f"(first_{name}, got_{name})" for name in asked.names)
    copies = [f"first_{name} = first_{name}.copy()" for name in asked.names]
    return [
        *_take(asked, "first"),
        *copies,
        "ctypes.CDLL(None).mallopt(-6, 0x5B)  # other junk in fresh memory",
        *data_lines(asked.case, asked.tensors),
        *asked.body,
        *_take(asked, "got"),
        f"pairs = [{pairs}]",
        'print("expected the same answer twice, got", *pairs, sep="\\n")',
        "sys.exit(int(any(not np.array_equal(a, b, equal_nan=True) for a, b in pairs)))",
    ]


def shows(asked: Asked, script: str) -> bool:
    """Run a script alone, in the adapter's interpreter, and say whether it shows the outcome.

    Returns
    -------
    bool
        Exit code 1 for an outcome that fails, 0 for one that passes.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "repro.py"
        path.write_text(script, encoding="utf-8")
        done = subprocess.run(
            [asked.spec.python, "-I", str(path)],
            cwd=folder,
            capture_output=True,
            timeout=_PATIENCE * 5,
            check=False,
        )
    return done.returncode == int(asked.outcome.gates)
