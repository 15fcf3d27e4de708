"""What is new in a run: expectations, an earlier run, and the exit code."""
