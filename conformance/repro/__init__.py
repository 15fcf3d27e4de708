"""Bug reports out: a standalone script that shows one outcome, and the issue body around it."""

from __future__ import annotations

from conformance.repro.script import Asked, Run, build_script, gather, run_alone

__all__ = ["Asked", "Run", "build_script", "gather", "run_alone"]
