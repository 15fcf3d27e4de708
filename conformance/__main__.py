"""``python -m conformance``, and what the command ``conformance`` runs."""

import atexit
import os
import sys
from contextlib import suppress

from conformance.cli import main


def program() -> None:
    """Run the command line and end the process at once.

    The usual end of the interpreter, which frees every module and object, takes 0.2 s and more of a run of the
    smoke tier that takes 1.8 s (benchmarks/README.md, `overhead`), and frees nothing that is still needed.
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
