"""What is right and who differs: the oracle, the verdicts, the runner and the command line."""

from cases import Case
from conformance import oracle
from conformance.check import check

__all__ = ["Case", "check", "oracle"]
