"""What is tested: cases, the written rules, input data and the case sets."""

from conformance.cases.case import Case
from conformance.cases.errors import CaseError, DomainError
from conformance.cases.geometry import Geometry

__all__ = ["Case", "CaseError", "DomainError", "Geometry"]
