"""What every built-in adapter declares, read without its framework."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from conformance.adapters.node.npm import PREFIX
from conformance.adapters.registry import BUILT_IN, load
from conformance.cases.columns import COLUMN_NAMES
from conformance.oracle.error_bound import PROFILES

ROOT = Path(__file__).parents[2]
FRAMEWORKS = ("torch", "tensorflow", "keras", "jax", "flax", "haiku", "equinox", "onnx", "onnxruntime", "openvino",
              "tinygrad", "paddle", "mlx", "ai_edge_litert", "cv2", "ncnn", "MNN")  # fmt: skip


def test_reading_all_declarations_imports_no_framework() -> None:
    code = (
        "import sys\n"
        "from conformance.adapters.registry import BUILT_IN, available, load\n"
        "available(); [load(target) for target in BUILT_IN.values()]\n"
        f"print([name for name in {FRAMEWORKS!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", BUILT_IN)
def test_declarations_are_complete(name: str) -> None:
    kind = load(BUILT_IN[name])
    assert kind.name == name
    assert kind.__doc__
    assert kind.documentation.startswith("https://")
    assert kind.packages
    assert set(kind.promises.values()) <= set(PROFILES)
    for limit in kind.limits:
        assert limit.status in ("unsupported", "inexpressible")
        assert limit.source.startswith("https://"), limit
        assert limit.reason
        assert limit.parameter in {*COLUMN_NAMES, "kernel_size", "input_size"}, limit
    for refusal in kind.refusals:
        assert refusal.source.startswith("https://"), refusal
        assert refusal.reason
        assert refusal.parameter in COLUMN_NAMES, refusal
        assert re.compile(refusal.pattern)


def test_every_extra_exists() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    kinds = [load(target) for target in BUILT_IN.values()]
    assert {kind.extra for kind in kinds if not kind.packages[0].startswith(PREFIX)} <= set(extras)
