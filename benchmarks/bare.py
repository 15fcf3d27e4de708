"""The bare loop: a process that imports a framework and calls it once a question, and does nothing else.

    python -m benchmarks.bare ADAPTER FILE

FILE has a case id a line. What a user's own script would not do stands still on the clock: our imports, making
the input data, and writing and compiling the calls; and it ends at once. The first line printed says how long it
stood, every other line how far the loop is, so that it can go on behind a question that ends its process.
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
    """What is called: number, case, code and the names it finds."""
    found = []
    for number, case in enumerate(cases):
        if adapter.declines(case) is None and (case.direction != "grad2" or adapter.second_order):
            try:
                program = adapter.program(case)
            except Declined:
                continue
            code = compile("\n".join(program.body), "<program>", "exec")
            found.append(
                (number, case, code, {**adapter._setup(program.setup), "bias": None, **make_tensors(case)})
            )
    return found


def main(name: str, path: str) -> None:
    """Import, prepare, loop."""
    kind = load(resolve(name).target)
    os.environ.update(kind.environment)
    began, began_cpu = time.monotonic(), time.process_time()
    adapter = kind()
    imported, imported_cpu = time.monotonic(), time.process_time()
    questions = calls(adapter, [Case.parse(text) for text in Path(path).read_text(encoding="utf-8").split()])
    ready, ready_cpu = time.monotonic(), time.process_time()
    still = {"wall": began - NUMPY + ready - imported, "cpu": began_cpu - NUMPY_CPU + ready_cpu - imported_cpu}
    print(json.dumps(still), flush=True)
    for number, case, code, namespace in questions:
        os.write(1, b"%d\n" % number)
        try:
            exec(code, namespace)
            if adapter.shape_only:
                namespace["shape"] = tuple(namespace["shape"])
            else:
                for answer in case.outputs:
                    adapter.export(namespace[answer])
        except Exception:
            continue  # a refusal
    os._exit(0)  # taking a framework apart can take half a second, which a run does not wait for


if __name__ == "__main__":
    main(*sys.argv[1:])
