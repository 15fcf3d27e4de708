"""Known discrepancies, one TOML file per adapter; a run lists them and does not fail for them.

`conformance.reports.gate.expectations` reads the files and documents every key; ``conformance accept`` writes new
entries. An entry whose cases pass again is stale, and fails the run until its lines are removed.
"""
