"""``conformance adapters``, patterns of names, devices and model files, from outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance.adapters.devices import present
from conformance.adapters.registry import BUILT_IN, available
from tests.support.command import conformance, toy
from tests.support.frameworks import requires


def test_every_adapter_is_listed_with_its_versions_or_how_to_install_it() -> None:
    done = conformance("adapters", "--json")
    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row for row in json.loads(done.stdout)["adapters"]}
    assert set(BUILT_IN) <= set(rows)
    for name, row in rows.items():
        assert row["installed"] == (name in available(row["device"]))
        assert set(row["versions"]) == set(row["packages"]) or not row["installed"]
        assert row["install"].startswith(("pip install ", "npm install "))
        for limit in row["limits"]:
            assert set(limit) == {"status", "parameter", "reason", "source"}


def test_a_stale_limit_is_reported_and_fails() -> None:
    done = conformance("adapters", "--adapter", toy("Declining"), "--probe", "--json")
    assert done.returncode == 1, done.stderr
    (row,) = json.loads(done.stdout)["adapters"]
    states = {limit["parameter"]: limit["state"] for limit in row["limits"]}
    assert states.pop("dilation") == "stale"
    assert states.pop("groups") == "holds"
    assert set(states.values()) == {"not probed"}


@pytest.mark.skipif(present("cuda"), reason="there is a GPU")
@pytest.mark.parametrize("arguments", [("--device", "cuda"), ("--adapter", "torch-cuda")])
def test_without_a_gpu_there_is_one_clear_line(arguments: tuple[str, ...]) -> None:
    done = conformance("check", "1d-i3-k3", *arguments)
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["conformance: no cuda device here: its driver finds none"]


@requires("onnxruntime", "onnx-reference")
def test_a_model_is_saved_and_holds_the_case(tmp_path: Path) -> None:
    done = conformance("check", "1d-c2x3-i3-k2-s2", "--adapter", "onnx-r*", "--save-model", str(tmp_path))
    assert done.returncode == 0, done.stderr
    (model,) = tmp_path.iterdir()
    assert model.name == "1d-n1-c2x3-i3-k2-s2-d1-g1-valid-opauto-cf-f32-b0-ints.0-fwd.onnx-reference.onnx"
    import onnx

    onnx.checker.check_model(onnx.load(model), full_check=True)


def test_wrong_use_is_one_line_each() -> None:
    for arguments, said in (
        (("check", "1d-i3-k3", "--adapter", "zz*"), "no adapter that is installed"),
        (("check", "1d-i3-k3", "--adapter", toy("Zeros"), "--save-model", "x"), "from a model file"),
        (("adapters", "--adapter", "nothing"), "unknown adapter 'nothing'"),
    ):
        done = conformance(*arguments)
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert said in line
