"""What is right and who differs: the oracle, the verdicts, the runner and the command line."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance import oracle
    from conformance.calls.capturing.session import capture
    from conformance.cases import Case
    from conformance.execution.check import check

__all__ = ["Case", "capture", "check", "oracle"]

_FROM = {
    "Case": "conformance.cases",
    "capture": "conformance.calls.capturing.session",
    "check": "conformance.execution.check",
}


def __getattr__(name: str) -> Any:
    """Import what is needed: a command starts an adapter's process before it loads what it needs itself."""
    if name in _FROM:
        return getattr(importlib.import_module(_FROM[name]), name)
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
