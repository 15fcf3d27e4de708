"""The strategies of the case folder, where tests look for them."""

from conformance.cases.design.strategies import cases, has_answer, valid_cases

__all__ = ["cases", "has_answer", "valid_cases"]
