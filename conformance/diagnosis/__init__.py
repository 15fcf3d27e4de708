"""From a wrong output to its cause: the transformation of the oracle that reproduces it."""

from conformance.diagnosis.diagnose import Diagnosis, diagnose

__all__ = ["Diagnosis", "diagnose"]
