"""Which frameworks are here, for tests that need the real thing."""

from __future__ import annotations

import os
from functools import cache

import pytest

from adapters.registry import available

FAMILIES = ("torch", "keras-tensorflow", "tf-nn", "jax-lax", "onnxruntime", "openvino")


def families() -> list[str]:
    """One interface of each framework that is here, for tests too slow for every variant.

    All of them with ``CONFORMANCE_TEST_ALL=1`` in the environment.
    """
    if os.environ.get("CONFORMANCE_TEST_ALL"):
        return sorted(_available())
    return [name for name in FAMILIES if name in _available()]


@cache
def _available() -> frozenset[str]:
    return frozenset(available())


def requires(*adapters: str) -> pytest.MarkDecorator:
    """Skip a test, with the reason, where an adapter's framework is not installed."""
    missing = [name for name in adapters if name not in _available()]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: the framework of {', '.join(missing)}")
