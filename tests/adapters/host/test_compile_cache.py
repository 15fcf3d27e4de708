"""Compiled programs kept from process to process: the same outputs, and never those of a different build."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conformance.adapters.host import compile_cache
from conformance.adapters.host.client import AdapterProcess, Reply
from conformance.adapters.registry import resolve
from conformance.cases import Case
from conformance.cases.data import make_tensors
from tests.support.frameworks import requires

CASE = Case.parse("1d-c2x3-i5-k3-s2-same-b1-normal.0")


def test_nothing_is_kept_unless_requested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(compile_cache.VARIABLE, raising=False)
    assert compile_cache.settings(["jax", "jaxlib"]) == {}


def test_a_build_has_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution of that name, found before any that is installed: built again, then without a library."""
    monkeypatch.setenv(compile_cache.VARIABLE, str(tmp_path / "kept"))
    monkeypatch.syspath_prepend(str(tmp_path))
    about = tmp_path / "jaxlib-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: jaxlib\nVersion: 1.0\n")
    (about / "RECORD").write_text("compiler.so,,\njaxlib-1.0.dist-info/RECORD,,\n")
    (tmp_path / "compiler.so").write_bytes(b"one build")
    first = compile_cache.settings(["jax"])
    assert first == compile_cache.settings(["jax"])
    os.utime(tmp_path / "compiler.so", ns=(1, 1))
    second = compile_cache.settings(["jax"])
    assert first["JAX_COMPILATION_CACHE_DIR"] != second["JAX_COMPILATION_CACHE_DIR"]
    (tmp_path / "compiler.so").unlink()
    assert compile_cache.settings(["jax"]) == {}


@pytest.mark.parametrize(
    ("name", "program"),
    [
        pytest.param("jax-lax", "*-cache", marks=requires("jax-lax")),
        pytest.param("torch-inductor", "*.py", marks=requires("torch-inductor")),
    ],
)
def test_kept_programs_give_the_same_bits(
    name: str, program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run() -> Reply:
        with AdapterProcess(resolve(name)) as host:
            return host.run(CASE, make_tensors(CASE))

    without = run()
    monkeypatch.setenv(compile_cache.VARIABLE, str(tmp_path))
    first = run()
    kept = set(tmp_path.rglob(program))
    assert kept
    second = run()
    assert set(tmp_path.rglob(program)) == kept
    outputs = {reply.tensors["y"].values.tobytes() for reply in (without, first, second)}
    assert len(outputs) == 1
