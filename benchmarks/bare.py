"""The bare loop: a process that imports a framework and calls it once per case, and does nothing else.

    python -m benchmarks.bare ADAPTER FILE

FILE has one case id per line. What a user's own script would not do does not count: the suite's imports, making
the input data, and writing and compiling the calls. The process ends at once. The first line printed is the time
that does not count, every other line the number of the next case, so that a new process can continue after a case
that ends this one.
"""

import time

import numpy  # noqa: F401  # a framework's own import would load it, too

NUMPY, NUMPY_CPU = time.monotonic(), time.process_time()

import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from conformance.adapters.base import Adapter, Declined  # noqa: E402
from conformance.adapters.registry import load, resolve  # noqa: E402
from conformance.cases import Case  # noqa: E402
from conformance.cases.data import make_tensors  # noqa: E402


def calls(adapter: Adapter, cases: list[Case]) -> list[tuple[int, Case, Any, dict[str, Any]]]:
    """The calls: number, case, code and its namespace."""
    prepared = []
    for number, case in enumerate(cases):
        if adapter.declines(case) is None and (case.direction != "grad2" or adapter.second_order):
            try:
                program = adapter.program(case)
            except Declined:
                continue
            code = compile("\n".join(program.body), "<program>", "exec")
            prepared.append(
                (number, case, code, {**adapter._setup(program.setup), "bias": None, **make_tensors(case)})
            )
    return prepared


def main(name: str, path: str) -> None:
    """Import the framework, prepare the calls, run the loop."""
    kind = load(resolve(name).target)
    os.environ.update(kind.environment)
    started, started_cpu = time.monotonic(), time.process_time()
    adapter = kind()
    imported, imported_cpu = time.monotonic(), time.process_time()
    prepared = calls(adapter, [Case.parse(text) for text in Path(path).read_text(encoding="utf-8").split()])
    ready, ready_cpu = time.monotonic(), time.process_time()
    uncounted = {
        "wall": started - NUMPY + ready - imported,
        "cpu": started_cpu - NUMPY_CPU + ready_cpu - imported_cpu,
    }
    print(json.dumps(uncounted), flush=True)
    for number, case, code, namespace in prepared:
        os.write(1, b"%d\n" % number)
        try:
            exec(code, namespace)
            if adapter.shape_only:
                namespace["shape"] = tuple(namespace["shape"])
            else:
                for output in case.outputs:
                    adapter.export(namespace[output])
        except Exception:
            continue  # a refusal
    os._exit(0)  # freeing a framework can take half a second, which a run does not wait for


if __name__ == "__main__":
    main(*sys.argv[1:])
