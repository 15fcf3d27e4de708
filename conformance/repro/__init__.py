"""Bug reports out: a standalone script that shows one outcome, and the issue body around it."""

from __future__ import annotations

from conformance.repro.script import Asked, build_script, gather, shows

__all__ = ["Asked", "build_script", "gather", "shows"]
