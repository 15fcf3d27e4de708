"""The strategies of the case folder, where tests look for them."""

from conformance.cases.design.strategies import cases, valid_cases

__all__ = ["cases", "valid_cases"]
