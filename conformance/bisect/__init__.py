"""Since when: the first version of a package whose answer differs, in throwaway environments."""

from __future__ import annotations

from conformance.bisect.environments import EnvironmentFailure, Environments
from conformance.bisect.search import Bisection, Probe, bisect
from conformance.bisect.versions import between, listed_versions

__all__ = ["Bisection", "EnvironmentFailure", "Environments", "Probe", "between", "bisect", "listed_versions"]
