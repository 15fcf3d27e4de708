"""``conformance audit`` as its users run it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.command import conformance, one_line, toy
from tests.support.frameworks import requires

pytestmark = requires("onnxruntime")


def write(path: Path, *nodes: tuple[str, dict[str, Any]]) -> Path:
    """A model with one transposed convolution per name, one after the other."""
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    weights = [onnx.numpy_helper.from_array(np.ones((2, 2, 3, 3), np.float32), "w")]
    names = ["x", *(name for name, _ in nodes)]
    made = [
        helper.make_node("ConvTranspose", [before, "w"], [name], f"decoder/{name}<b>", **attributes)
        for before, (name, attributes) in zip(names, nodes, strict=False)
    ]
    inputs = [helper.make_tensor_value_info("x", kind, [1, 2, "h", "w"])]
    outputs = [helper.make_tensor_value_info(names[-1], kind, None)]
    graph = helper.make_graph(made, "model", inputs, outputs, weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audit")
    same = {"auto_pad": "SAME_UPPER", "strides": [2, 2]}
    return write(folder / "model.onnx", ("up1", same), ("up2", {"pads": [1, 1, 1, 1]}))


def test_a_planted_difference_exits_with_1(model: Path, tmp_path: Path) -> None:
    arguments = ["audit", str(model), "--to", toy("WrongSame"), "--input", "1x2x4x5", "--json"]
    done = conformance(*arguments, "--out", str(tmp_path / "page"))
    assert done.returncode == 1, done.stderr
    first, second = json.loads(done.stdout)["layers"]
    assert first["name"] == "decoder/up1<b>"
    assert first["case"].startswith("2d-n1-c2x2-i4x5-k3x3-s2x2-d1x1-g1-same_upper-")
    assert second["case"].startswith("2d-n1-c2x2-i8x10-k3x3-s1x1-d1x1-g1-p1x1-")
    assert [one["adapter"] for one in first["outcomes"]] == ["onnxruntime", toy("WrongSame")]
    wrong = first["outcomes"][1]
    assert (wrong["status"], wrong["kind"]) == ("fail", "values")
    assert "shifted by +1" in wrong["diagnosis"]["text"]
    assert "Verified" in wrong["port"]
    assert [one["difference"] for one in second["outcomes"]] == [None, None]
    page = (tmp_path / "page" / "index.html").read_text(encoding="utf-8")
    assert "decoder/up1&lt;b&gt;" in page
    assert "<b>" not in page.partition("</header>")[2].replace("<b>model</b>", "").partition("<table>")[2]


def test_its_absence_exits_with_0(model: Path) -> None:
    done = conformance("audit", str(model), "--to", toy("Right"), "--weights", "file")
    assert done.returncode == 0, done.stderr
    assert "An ONNX model with 2 transposed convolutions: all by the rules on every target" in done.stdout
    assert "the weights are those of the file" in done.stdout


def test_without_a_transposed_convolution_nothing_is_compared(tmp_path: Path) -> None:
    done = conformance("audit", str(write(tmp_path / "none.onnx")), "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["layers"] == []


def test_a_mistake_is_one_line() -> None:
    done = conformance("audit", "README.md")
    assert done.returncode == 2
    one_line(done, "README.md is not a model of a kind that is read; a model is one of .onnx, ")
