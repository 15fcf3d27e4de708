"""Find the first version of a package whose output differs, in throwaway environments."""

from __future__ import annotations

from conformance.triage.bisect.environments import EnvironmentFailure, Environments
from conformance.triage.bisect.search import Bisection, Probe, bisect
from conformance.triage.bisect.versions import between, listed_versions

__all__ = ["Bisection", "EnvironmentFailure", "Environments", "Probe", "between", "bisect", "listed_versions"]
