"""Write bug reports: a standalone script that shows one outcome, and the body of an issue around it."""

from __future__ import annotations

from conformance.triage.repro.observation import Observation, gather
from conformance.triage.repro.script import Run, build_script, run_alone

__all__ = ["Observation", "Run", "build_script", "gather", "run_alone"]
