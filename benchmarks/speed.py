"""What each piece of code that is there for speed saves: whole runs without it against whole runs with it.

    python -m benchmarks.speed [--adapter torch] [--repeats 3]

Each piece is switched off by a few lines that run before the command. A run without it and a run as it is take
turns, and each pair gives a ratio, so a change of the machine's speed matters little. Wall seconds and seconds of
all processors are compared. What saves time once per run is measured on few cases, what saves time for each case
on many. `adapters/host/compile_cache.py` and `adapters/host/precompile.py` are measured by `benchmarks.compiling`.
Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from typing import Any, NamedTuple

from benchmarks.figures import DONE, Timed, spread, table, timed, with_spread

# What the command `conformance` does; see conformance/__main__.py.
_COMMAND = "from conformance.__main__ import program\nprogram()\n"


class Piece(NamedTuple):
    """Code that is there for speed: its module, what it does, on what it shows, and lines that switch it off."""

    module: str
    does: str
    tier: str
    without: str


PIECES = (
    Piece(
        "conformance/__main__.py",
        "ends the process without freeing its objects",
        "smoke",
        "import os\nos._exit = sys.exit",
    ),
    Piece(
        "conformance/cli/pytest_run.py",
        "loads no pytest plugins of other packages",
        "smoke",
        "import pytest\nwhole = pytest.main\n"
        "pytest.main = lambda given, plugins: "
        "whole([word for word in given if word != '--disable-plugin-autoload'], plugins)",
    ),
    Piece(
        "conformance/execution/prelaunch.py",
        "starts the framework while the suite is imported",
        "smoke",
        "import conformance.cli.run\nconformance.cli.run.launch_named = lambda name: None",
    ),
    Piece(
        "conformance/execution/case_runner.py",
        "sends the next cases while an output is judged",
        "gate",
        "import conformance.runner.items\n"
        "conformance.runner.items.SuitePlugin._after = lambda self, item, nextitem: []",
    ),
    Piece(
        "conformance/execution/case_runner.py",
        "runs exact data twice in one case of eight",
        "gate",
        "import conformance.runner.registration as registration\n"
        "registration.repeat_sampled = registration.repeat_always",
    ),
    Piece(
        "conformance/runner/items.py",
        "runs an item in one phase",
        "gate",
        "import conformance.runner.items as items\n"
        "class Plugin(items.SuitePlugin):\n"
        "    def pytest_runtest_protocol(self, item, nextitem):\n"
        "        item.following = self._after(item, nextitem)\n"
        "import conformance.runner.registration\n"
        "conformance.runner.registration.SuitePlugin = Plugin",
    ),
    Piece(
        "conformance/reporting/page.py",
        "prepares the report while frameworks load",
        "smoke",
        "import conformance.runner.recorder\nconformance.runner.recorder.prepare_page = lambda cases: None",
    ),
)


def _run(setup: str, adapter: str, tier: str) -> Timed:
    with tempfile.TemporaryDirectory() as out:
        arguments = ["conformance", "run", "--adapter", adapter, "--tier", tier, "--out", out]
        program = f"import sys\nsys.argv = {arguments}\n{setup}\n{_COMMAND}"
        return timed(sys.executable, "-c", program, ends=DONE)


def measure(adapter: str = "torch", repeats: int = 3, tier: str | None = None) -> dict[str, Any]:
    """The ratio of a run without each piece to a run as it is; ``tier`` replaces the pieces' own."""
    pieces = []
    for piece in PIECES:
        cases = tier or piece.tier
        pairs = [(_run(piece.without, adapter, cases), _run("", adapter, cases)) for _ in range(repeats)]
        pieces.append(
            {
                "module": piece.module,
                "does": piece.does,
                "tier": cases,
                "wall_ratio": spread(without.wall / whole.wall for without, whole in pairs),
                "cpu_ratio": spread(without.cpu / whole.cpu for without, whole in pairs),
            }
        )
    return {"adapter": adapter, "pieces": pieces}


def markdown(figures: dict[str, Any]) -> str:
    """The table of the README."""
    head = ("code", "what it does", "tier", "time without it, wall", "time without it, processor")
    rows = [
        (
            f"`{piece['module']}`",
            piece["does"],
            f"`{piece['tier']}`",
            with_spread(piece["wall_ratio"]),
            with_spread(piece["cpu_ratio"]),
        )
        for piece in figures["pieces"]
    ]
    return table(head, rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adapter", default="torch")
    parser.add_argument("--repeats", type=int, default=3)
    print(json.dumps(measure(**vars(parser.parse_args())), indent=2))


if __name__ == "__main__":
    main()
