"""Run several programs in one process, so that a test imports a framework once."""

import runpy
import sys

for path in sys.argv[1:]:
    runpy.run_path(path, run_name="__main__")
