"""The gate: what is new in a run by expectations and an earlier run, and the exit code."""
