"""What the suite costs beside the frameworks' own time: a whole run against the same calls in a bare loop.

    python -m benchmarks.overhead [--tier gate] [--adapter torch ...] [--repeats 3]

The bare loop is a process that imports the framework and executes each adapter program once, its text compiled and
its input data made before the clock starts, and takes the answer out as a NumPy array; no oracle, no verdict. The
run is the whole command ``conformance run``: start of the interpreter, pytest, collection, the adapter's process
and its import of the framework, input data, second answers, oracle, verdict, record, diagnosis of what is wrong,
summary, JUnit and HTML report. Both are given in seconds of the wall and of all processors; on a machine with
other work only the second is comparable. A question that ends the process is left out of both. Prints JSON.
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
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from adapters.base import Declined
from adapters.registry import load, resolve
from benchmarks.figures import spread, table, with_spread
from cases import Case
from cases.data import make_tensors
from conformance.selection import select
from reports.store import Results

ADAPTERS = ("torch", "keras-tensorflow", "jax-lax")
_UNFIT = ("crash", "timeout", "flaky", "infra", "missing")


def bare(adapter: str, cases: Iterable[Case]) -> dict[str, float]:
    """Import the framework and call it once a case, in this process."""
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
            calls.append((asked._setup(program.setup), code, make_tensors(case), case.answers))
    began, began_processor = time.perf_counter(), time.process_time()
    for setup, code, tensors, names in calls:
        namespace = {**setup, "bias": None, **tensors}
        try:
            exec(code, namespace)
            for name in names:
                asked.export(namespace[name])
        except Exception:
            continue  # a refusal
    return {
        "wall": imported - started + time.perf_counter() - began,
        "cpu": imported_processor - processor + time.process_time() - began_processor,
        "import": imported - started,
        "calls": len(calls),
    }


def _in_a_process(adapter: str, ids: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.overhead", "--bare", adapter, str(ids)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _run(adapter: str, out: Path, *arguments: str) -> dict[str, float]:
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "conformance", "run", "--adapter", adapter, *arguments, "--out", str(out)]
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": time.perf_counter() - started, "cpu": cpu}


def _statuses(out: Path) -> dict[str, str]:
    with Results.open(out / "results.sqlite") as results:
        return {outcome.case_id: outcome.status for outcome in results.outcomes()}


def measure(
    adapters: Iterable[str] = ADAPTERS, tier: str = "gate", repeats: int = 3, workers: int = 0
) -> dict[str, Any]:
    """Time both, adapter by adapter, in turns."""
    figures: dict[str, Any] = {"tier": tier, "repeats": repeats, "workers": workers, "adapters": {}}
    whole: dict[str, list[float]] = {"wall_run": [], "wall_bare": [], "cpu_run": [], "cpu_bare": []}
    with tempfile.TemporaryDirectory() as scratch:
        for adapter in adapters:
            out, ids = Path(scratch) / "out", Path(scratch) / "ids"
            _run(adapter, out, "--tier", tier)
            unfit = {case_id for case_id, status in _statuses(out).items() if status in _UNFIT}
            cases = [str(case) for case in select(tier, (), None) if str(case) not in unfit]
            ids.write_text("\n".join(cases), encoding="utf-8")
            listed = ", ".join(f"'{case_id}'" for case_id in sorted(unfit))
            pairs = []
            for _ in range(repeats):
                where = ["--where", f"case_id NOT IN ({listed})"] if unfit else []
                run = _run(adapter, out, "--tier", tier, "-n", str(workers), *where)
                assert set(_statuses(out)) == set(cases), "the run asked other questions than the loop"
                pairs.append((run, _in_a_process(adapter, ids)))
            figures["adapters"][adapter] = {
                "cases": len(cases),
                "calls": pairs[0][1]["calls"],
                "bare_s": spread(loop["wall"] for _, loop in pairs),
                "import_s": spread(loop["import"] for _, loop in pairs),
                "run_s": spread(run["wall"] for run, _ in pairs),
                "wall_ratio": spread(run["wall"] / loop["wall"] for run, loop in pairs),
                "cpu_ratio": spread(run["cpu"] / loop["cpu"] for run, loop in pairs),
            }
            for clock in ("wall", "cpu"):
                whole[f"{clock}_run"].append(spread(run[clock] for run, _ in pairs)["median"])
                whole[f"{clock}_bare"].append(spread(loop[clock] for _, loop in pairs)["median"])
    figures["together"] = {
        clock: sum(whole[f"{clock}_run"]) / sum(whole[f"{clock}_bare"]) for clock in ("wall", "cpu")
    }
    return figures


def markdown(figures: dict[str, Any]) -> str:
    """The table of the README."""
    rows = [
        (
            f"`{name}`", found["calls"], with_spread(found["bare_s"], 1), with_spread(found["run_s"], 1),
            with_spread(found["wall_ratio"]), with_spread(found["cpu_ratio"]),
        )
        for name, found in figures["adapters"].items()
    ]  # fmt: skip
    together = figures["together"]
    rows.append(("together", "", "", "", f"{together['wall']:.2f}", f"{together['cpu']:.2f}"))
    return table(("adapter", "calls", "bare loop, s", "whole run, s", "ratio, wall", "ratio, processor"), rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tier", default="gate")
    parser.add_argument("--adapter", action="append")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("-n", dest="workers", type=int, default=0)
    parser.add_argument("--bare", nargs=2, metavar=("ADAPTER", "IDS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.bare:
        adapter, path = arguments.bare
        cases = [Case.parse(text) for text in Path(path).read_text(encoding="utf-8").split()]
        print(json.dumps(bare(adapter, cases)))
        return
    figures = measure(arguments.adapter or ADAPTERS, arguments.tier, arguments.repeats, arguments.workers)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
