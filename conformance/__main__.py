"""``python -m conformance``, and what the command ``conformance`` runs."""

import atexit
import os
import sys
from contextlib import suppress

from conformance.cli import main


def program() -> None:
    """Run the command line and end the process at once.

    Taking apart what a command has loaded takes Python a fifth of a second and more, and nothing comes of it.
    """
    try:
        main()
    except SystemExit as stop:
        if not isinstance(stop.code, int):
            raise
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # nobody reads it any more, or it is closed
                stream.flush()
        os._exit(stop.code)


if __name__ == "__main__":
    program()
