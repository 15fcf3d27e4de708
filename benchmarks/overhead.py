"""What the suite costs beside the frameworks' own time: a whole run against the same calls in a bare loop.

    python -m benchmarks.overhead [--tier gate] [--adapter torch ...] [--repeats 3]

The bare loop is a process that imports the framework and executes each adapter program once, its text compiled and
its input data made before the clock starts, and takes the answer out as a NumPy array; no oracle, no verdict. The
run is the whole command ``conformance run``: start of the interpreter, pytest, collection, the adapter's process
and its import of the framework, input data, second answers, oracle, verdict, record, diagnosis of what is wrong,
summary, JUnit and HTML report. One more run asks all the adapters, against their loops one after the other. All
are given in seconds of the wall and of all processors; on a machine with other work only the second is comparable.
A question that ends the process, in the run or in the loop, is left out of both. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from adapters.base import Declined
from adapters.registry import EVERYDAY, load, resolve
from benchmarks.figures import spread, table, with_spread
from cases import Case
from cases.data import make_tensors
from conformance.selection import select
from reports.store import Results

PARTS: dict[str, tuple[str, ...]] = {
    "gate": ("torch", "keras-tensorflow", "jax-lax", "onnxruntime"),
    "smoke": EVERYDAY,
}
"""By tier, who is asked it."""

_UNFIT = ("crash", "timeout", "flaky", "infra", "missing")
_LONGEST_LOOP = 1800.0


def bare(adapter: str, cases: Iterable[Case], *, tell: bool = False) -> dict[str, float]:
    """Import the framework and call it once a case, in this process; ``tell`` prints each case before its call."""
    kind = load(resolve(adapter).target)
    os.environ.update(kind.environment)
    started, processor = time.perf_counter(), time.process_time()
    asked = kind()
    imported, imported_processor = time.perf_counter(), time.process_time()
    calls = []
    for case in cases:
        if asked.declines(case) is None:
            try:
                program = asked.program(case)
            except Declined:
                continue
            code = compile("\n".join(program.body), "<program>", "exec")
            calls.append((case, asked._setup(program.setup), code, make_tensors(case)))
    began, began_processor = time.perf_counter(), time.process_time()
    for case, setup, code, tensors in calls:
        if tell:
            print(case, flush=True)
        namespace = {**setup, "bias": None, **tensors}
        try:
            exec(code, namespace)
            for name in case.answers:
                asked.export(namespace[name])
        except Exception:
            continue  # a refusal
    return {
        "wall": imported - started + time.perf_counter() - began,
        "cpu": imported_processor - processor + time.process_time() - began_processor,
        "import": imported - started,
        "calls": len(calls),
    }


def _loop(adapter: str, ids: Path, *more: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "benchmarks.overhead", "--bare", adapter, str(ids), *more]
    return subprocess.run(
        command, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=_LONGEST_LOOP
    )


def _timed_loop(adapter: str, ids: Path) -> dict[str, float]:
    done = _loop(adapter, ids)
    done.check_returncode()
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _deadly(adapter: str, cases: Sequence[str], ids: Path) -> set[str]:
    """The questions that end a process in which nothing but the framework is."""
    found: set[str] = set()
    while True:
        ids.write_text("\n".join(case for case in cases if case not in found), encoding="utf-8")
        done = _loop(adapter, ids, "--tell")
        if done.returncode == 0:
            return found
        told = [line for line in done.stdout.decode().splitlines() if line in cases]
        if not told:
            raise RuntimeError(f"the loop over {adapter} ends with {done.returncode} before any question")
        found.add(told[-1])


def _run(adapters: Iterable[str], out: Path, *arguments: str) -> dict[str, float]:
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    named = [f"--adapter={adapter}" for adapter in adapters]
    command = [sys.executable, "-m", "conformance", "run", *named, *arguments, "--out", str(out)]
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": time.perf_counter() - started, "cpu": cpu}


def _statuses(out: Path) -> list[tuple[str, str]]:
    with Results.open(out / "results.sqlite") as results:
        return [(outcome.case_id, outcome.status) for outcome in results.outcomes()]


def _ratios(pairs: Sequence[tuple[dict[str, float], dict[str, float]]]) -> dict[str, Any]:
    return {
        "bare_s": spread(loop["wall"] for _, loop in pairs),
        "run_s": spread(run["wall"] for run, _ in pairs),
        "wall_ratio": spread(run["wall"] / loop["wall"] for run, loop in pairs),
        "cpu_ratio": spread(run["cpu"] / loop["cpu"] for run, loop in pairs),
    }


def compare(adapters: Sequence[str], tier: str, repeats: int = 3, workers: int = 0) -> dict[str, Any]:
    """Time both on one tier, adapter by adapter and all together, in turns."""
    with tempfile.TemporaryDirectory() as scratch:
        out, ids = Path(scratch) / "out", Path(scratch) / "ids"
        _run(adapters, out, "--tier", tier)
        unfit = {case_id for case_id, status in _statuses(out) if status in _UNFIT}
        for adapter in adapters:
            fit = [str(case) for case in select(tier, (), None) if str(case) not in unfit]
            unfit |= _deadly(adapter, fit, ids)
        cases = [str(case) for case in select(tier, (), None) if str(case) not in unfit]
        ids.write_text("\n".join(cases), encoding="utf-8")
        listed = ", ".join(f"'{case_id}'" for case_id in sorted(unfit))
        where = ["--where", f"case_id NOT IN ({listed})"] if unfit else []
        pairs: dict[str, list[tuple[dict[str, float], dict[str, float]]]] = {name: [] for name in adapters}
        together = []
        for _ in range(repeats):
            for adapter in adapters:
                run = _run([adapter], out, "--tier", tier, "-n", str(workers), *where)
                asked = {case_id for case_id, _ in _statuses(out)}
                assert asked == set(cases), "the run asked other questions than the loop"
                pairs[adapter].append((run, _timed_loop(adapter, ids)))
            loops = [pairs[adapter][-1][1] for adapter in adapters]
            summed = {clock: sum(loop[clock] for loop in loops) for clock in ("wall", "cpu")}
            together.append((_run(adapters, out, "--tier", tier, "-n", str(workers), *where), summed))
    own = {
        name: {"calls": found[0][1]["calls"], "import_s": spread(loop["import"] for _, loop in found)}
        | _ratios(found)
        for name, found in pairs.items()
    }
    return {"cases": len(cases), "left_out": sorted(unfit), "adapters": own, "together": _ratios(together)}


def measure(parts: Mapping[str, Sequence[str]] = PARTS, repeats: int = 3, workers: int = 0) -> dict[str, Any]:
    """All figures: by tier."""
    return {tier: compare(adapters, tier, repeats, workers) for tier, adapters in parts.items()}


def markdown(figures: dict[str, Any]) -> str:
    """The tables of the README."""
    tables = []
    for tier, part in figures.items():
        named = {f"`{name}`": found for name, found in part["adapters"].items()}
        rows = [
            (
                name, found.get("calls", ""), with_spread(found["bare_s"], 1), with_spread(found["run_s"], 1),
                with_spread(found["wall_ratio"]), with_spread(found["cpu_ratio"]),
            )
            for name, found in {**named, "all, in one run": part["together"]}.items()
        ]  # fmt: skip
        head = (f"tier `{tier}`", "calls", "bare loop, s", "whole run, s", "ratio, wall", "ratio, processor")
        tables.append(table(head, rows))
    return "\n\n".join(tables)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tier", help="one tier alone, asked of --adapter")
    parser.add_argument("--adapter", action="append")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("-n", dest="workers", type=int, default=0)
    parser.add_argument("--bare", nargs=2, metavar=("ADAPTER", "IDS"), help=argparse.SUPPRESS)
    parser.add_argument("--tell", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.bare:
        adapter, path = arguments.bare
        cases = [Case.parse(text) for text in Path(path).read_text(encoding="utf-8").split()]
        print(json.dumps(bare(adapter, cases, tell=arguments.tell)))
        return
    tier = arguments.tier or "gate"
    parts = {tier: arguments.adapter or PARTS[tier]} if arguments.tier or arguments.adapter else PARTS
    figures = measure(parts, arguments.repeats, arguments.workers)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
