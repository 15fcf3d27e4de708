"""Which frameworks are here, for tests that need the real thing."""

from __future__ import annotations

from functools import cache

import pytest

from adapters.registry import available


@cache
def _available() -> frozenset[str]:
    return frozenset(available())


def requires(*adapters: str) -> pytest.MarkDecorator:
    """Skip a test, with the reason, where an adapter's framework is not installed."""
    missing = [name for name in adapters if name not in _available()]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: the framework of {', '.join(missing)}")
