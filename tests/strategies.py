"""The strategies of the case folder, where tests look for them."""

from conformance.cases.design.strategies import cases, is_valid, valid_cases

__all__ = ["cases", "is_valid", "valid_cases"]
