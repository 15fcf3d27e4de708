"""Which frameworks are here, for tests that need the real thing."""

from __future__ import annotations

import importlib.util
import os
from functools import cache
from pathlib import Path

import pytest

from conformance.adapters.registry import available
from conformance.reports.record.adapter_names import plain_name

# TensorFlow's own kernels for the CPU take neither channels_first nor a dilation. oneDNN's take both, and
# TensorFlow switches them on by itself on some processors only.
TENSORFLOW = "~onednn-on"
FAMILIES = ("torch", f"keras-tensorflow{TENSORFLOW}", f"tf-nn{TENSORFLOW}", "jax-lax", "onnxruntime", "openvino")


def every_variant_wanted() -> bool:
    """Whether tests take every variant, which is too slow for each commit."""
    return bool(os.environ.get("CONFORMANCE_TEST_ALL"))


def families() -> list[str]:
    """One interface of each framework that is here, for tests too slow for every variant.

    All of them with ``CONFORMANCE_TEST_ALL=1`` in the environment.
    """
    if every_variant_wanted():
        return sorted(_available())
    return [name for name in FAMILIES if plain_name(name) in _available()]


@cache
def _available() -> frozenset[str]:
    return frozenset(available())


def requires(*adapters: str) -> pytest.MarkDecorator:
    """Skip a test, with the reason, where an adapter's framework is not installed."""
    missing = [name for name in adapters if plain_name(name) not in _available()]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: the framework of {', '.join(missing)}")


def installed_source(package: str, *path: str) -> str:
    """Text of a module of an installed package, which need not be importable: some want test libraries."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        pytest.skip(f"not installed: {package}")
    return Path(found.origin).parent.joinpath(*path).read_text(encoding="utf-8")
