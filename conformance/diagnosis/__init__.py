"""From a wrong output to its cause: the transformation of the oracle that reproduces it."""

from conformance.diagnosis.diagnose import diagnose
from conformance.reports.record.diagnosis import Diagnosis

__all__ = ["Diagnosis", "diagnose"]
