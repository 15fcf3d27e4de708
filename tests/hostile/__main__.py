"""``python -m tests.hostile [INPUTS] [SEED]``: read very many hostile inputs; the seed of a failure repeats it."""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.hostile.targets import inputs
from tests.hostile.watch import watched


def main(total: int = 120_000, seed: int = 0) -> None:
    """Read the inputs, and print how many each target got."""
    started = time.monotonic()
    read: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder, watched(Path(folder)):
        for target, chance in inputs(total, seed):
            state = chance.getstate()
            try:
                target(chance, Path(folder))
            except BaseException:
                print(f"{target.__name__}, input {read[target.__name__]} of seed {seed}", file=sys.stderr)
                chance.setstate(state)
                raise
            read[target.__name__] += 1
    for name, count in read.items():
        print(f"{count:8} {name}")
    print(f"{read.total():8} inputs in {time.monotonic() - started:.0f} s: every one a value or one line of error")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
