"""What is asked: cases, the written rules, input data and the case sets."""

from cases.case import Case
from cases.errors import CaseError, DomainError
from cases.geometry import Geometry

__all__ = ["Case", "CaseError", "DomainError", "Geometry"]
