"""``python -m conformance``, and what the command ``conformance`` runs."""

import atexit
import os
import sys
from contextlib import suppress

from conformance.cli import main


def program() -> None:
    """Run the command line and end the process at once.

    The usual end of the interpreter frees every module and object, and nothing that is still needed. With it a run
    of the smoke tier takes 1.05 of the time (benchmarks/README.md, `speed`).
    """
    try:
        main()
    except SystemExit as stop:
        if not isinstance(stop.code, int):
            raise
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # the reader has gone, or the stream is closed
                stream.flush()
        os._exit(stop.code)


if __name__ == "__main__":
    program()
