"""What can be wrong with a case."""

from __future__ import annotations

__all__ = ["CaseError", "DomainError"]


class CaseError(ValueError):
    """A case that cannot be written down: the text or a value does not have the form its field accepts."""


class DomainError(ValueError):
    """A case that can be written down but is invalid: no output is right (rule R11).

    Attributes
    ----------
    rule : str
        Number of the rule, such as ``R11``.
    reason : str
        What is wrong, naming the parameter and the axis.
    """

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(f"{rule}: {reason}")
        self.rule = rule
        self.reason = reason
