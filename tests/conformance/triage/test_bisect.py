"""Bisecting: the search on its own, and end to end on wheels made here, one of which does not import."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from conformance.reports.record.outcome import Outcome
from conformance.triage.bisect import Bisection, Probe, between, bisect
from conformance.triage.bisect.environments import other_python
from conformance.triage.bisect.versions import VersionError
from tests.support.command import conformance

VERSIONS = [Version(f"1.{n}") for n in range(40)]


@given(st.integers(2, 40), st.data())
def test_the_first_version_that_differs_is_found(count: int, data: st.DataObject) -> None:
    change = data.draw(st.integers(1, count - 1))
    broken = data.draw(st.sets(st.integers(1, max(count - 2, 1)), max_size=count // 2)) - {0, count - 1}
    tried: list[Version] = []

    def probe(version: Version) -> Probe:
        assert version not in tried, "every version is tried once"
        tried.append(version)
        index = VERSIONS.index(version)
        if index in broken:
            return Probe(version=version, outcome=None, skipped="does not import")
        return Probe(version=version, outcome=Outcome("", "a", "pass", digest="new" if index >= change else "old"))

    found = bisect(VERSIONS[:count], probe)
    assert isinstance(found, Bisection)
    usable = [index for index in range(count) if index not in broken]
    first = min(index for index in usable if index >= change)
    assert found.first_different.version == VERSIONS[first]
    assert found.last_same.version == VERSIONS[max(index for index in usable if index < change)]
    assert VERSIONS[change] in [found.first_different.version, *found.between]
    assert found.tried == len(tried) <= math.log2(count) + 3 + len(found.skipped)


@pytest.mark.parametrize(
    ("digests", "reason"),
    [(("a", "a"), "give the same output"), ((None, "a"), "--good 1.0"), (("a", None), "--bad 1.1")],
)
def test_ends_that_show_nothing_are_said(digests: tuple[str | None, str | None], reason: str) -> None:
    def probe(version: Version) -> Probe:
        digest = digests[VERSIONS.index(version)]
        return Probe(
            version=version,
            outcome=None if digest is None else Outcome("", "a", "pass", digest=digest),
            skipped="broken",
        )

    assert reason in str(bisect(VERSIONS[:2], probe))


def test_versions_are_taken_in_the_given_direction() -> None:
    listed = [Version(text) for text in ("3.10.0", "3.2.0", "3.9.1", "3.11.0rc1")]
    assert list(map(str, between(listed, "3.2.0", "3.10.0"))) == ["3.2.0", "3.9.1", "3.10.0"]
    assert list(map(str, between(listed, "3.10.0", "3.9.1"))) == ["3.10.0", "3.9.1"]
    assert list(map(str, between(listed, "3.9.1", "3.10.0+cpu"))) == ["3.9.1", "3.10.0+cpu"]
    with pytest.raises(VersionError, match="both"):
        between(listed, "3.2", "3.2.0")
    with pytest.raises(VersionError, match="latest"):
        between(listed, "3.2", "latest")


def _wheel(folder: Path, version: str, source: str, *, requires: str = ">=3") -> None:
    info = f"conformance_toy-{version}.dist-info"
    with zipfile.ZipFile(folder / f"conformance_toy-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr("conformance_toy.py", source)
        metadata = (
            f"Metadata-Version: 2.1\nName: conformance-toy\nVersion: {version}\nRequires-Python: {requires}\n"
        )
        wheel.writestr(f"{info}/METADATA", metadata)
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: here\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")


_ADAPTER = """
import importlib
from conformance.adapters.base import Adapter, Program

class Toy(Adapter):
    name = "toy"
    packages = ("conformance-toy",)
    documentation = ""

    def __init__(self):
        super().__init__()
        importlib.import_module("conformance_toy")

    def program(self, case):
        return Program(("import conformance_toy",), ("y = conformance_toy.convolve(x, w)",))
"""
_RIGHT = """
import numpy as np

def convolve(x, w):
    return np.convolve(x[0, 0], w[0, 0]).astype(x.dtype)[None, None]
"""
_WRONG = _RIGHT.replace("w[0, 0]", "w[0, 0, ::-1]")


def test_a_regression_is_found_in_throwaway_environments(tmp_path: Path) -> None:
    for version, source in (
        ("1.0", _RIGHT),
        ("1.1", "raise ImportError('not here')"),
        ("1.2", _WRONG),
        ("1.3+cpu", _WRONG),  # a build of 1.3, which is what people ask for
    ):
        _wheel(tmp_path, version, source)
    adapter = tmp_path / "toy.py"
    adapter.write_text(_ADAPTER)
    settings = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = ("bisect", "1d-i5-k3-p0", "--adapter", f"{adapter}:Toy", "--package", "conformance-toy")
    done = conformance(*command, "--good", "1.0", "--bad", "1.3", env=settings)
    assert done.returncode == 0, done.stderr
    *_, skipped, maybe, last = done.stdout.splitlines()
    assert last == "conformance-toy: broken since 1.2; 1.0 is the last that is right"
    assert "1.1 (cannot run: " in skipped
    assert "not here" in skipped
    assert maybe.endswith(": 1.1")
    assert "4 versions tried, 4 environments made" in done.stdout
    assert "fail: values" in done.stdout
    again = conformance(*command, "--good", "1.0", "--bad", "1.3", env=settings)
    assert "4 versions tried, 0 environments made" in again.stdout
    done = conformance(*command, "--good", "1.3", "--bad", "1.0", env=settings)
    assert "\nconformance-toy: broken since 1.2; 1.0 is the last that is right\n" in done.stdout, done.stderr
    _wheel(tmp_path, "1.4", _RIGHT)
    done = conformance(*command, "--good", "1.4", "--bad", "1.2", env=settings)
    assert "\nconformance-toy: mended in 1.4; 1.3 is the last that is wrong\n" in done.stdout, done.stderr


def test_a_version_of_another_python_is_named_as_that(tmp_path: Path) -> None:
    _wheel(tmp_path, "1.0", _RIGHT, requires="<3.5")
    _wheel(tmp_path, "1.1", _RIGHT)
    adapter = tmp_path / "toy.py"
    adapter.write_text(_ADAPTER)
    settings = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = ("bisect", "1d-i5-k3-p0", "--adapter", f"{adapter}:Toy", "--package", "conformance-toy")
    done = conformance(*command, "--good", "1.0", "--bad", "1.1", env=settings)
    assert done.returncode == 2
    assert "conformance-toy 1.0 needs Python <3.5, and this is Python 3." in done.stderr
    done = conformance(*command, "--good", "0.9", "--bad", "1.1", env=settings)
    assert done.returncode == 2
    assert "the index has no conformance-toy 0.9 for Python 3." in done.stderr


def test_the_python_that_a_version_needs_is_read_from_an_index() -> None:
    text = (
        "ERROR: Ignored the following versions that require a different python version: "
        "0.9 Requires-Python >=3.6; "
        "1.0 Requires-Python >=3.7,<3.11\nERROR: No matching distribution found for toy==1.0\n"
    )
    assert (other_python(text, "toy", Version("1.0")) or "").startswith("toy 1.0 needs Python >=3.7,<3.11, and")
    assert other_python("ERROR: no network", "toy", Version("1.0")) is None


@pytest.mark.parametrize(
    "arguments",
    [
        ("--adapter", "nothing", "--package", "keras", "--good", "1", "--bad", "2"),
        ("--adapter", "torch", "--package", "no-such-package-here", "--good", "1", "--bad", "2"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments: tuple[str, ...], tmp_path: Path) -> None:
    nowhere = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}
    done = conformance("bisect", "1d-i5-k3", *arguments, env=nowhere)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
