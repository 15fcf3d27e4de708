"""A wrong name, or a file that is not a model, ends with one line that says what was meant or what to do."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from conformance.adapters.machines import UnknownMachine, machine_named
from conformance.adapters.registry import UnknownAdapter, resolve
from conformance.calls import CallError, parse_call
from conformance.cases.columns import COLUMN_NAMES
from conformance.cli import main
from conformance.cli.case_argument import read_case
from conformance.reports.record.query import WhereError, matching
from tests.support.command import ROOT, toy

FILE = str(ROOT / "examples" / "numpy_backend.py")


@pytest.mark.parametrize(("arguments", "meant"), [
    (["repr", "2d-i5-k3"], "'repr' (did you mean 'repro'"),
    (["cases", "--tier", "gates"], "(did you mean 'gate'?)"),
    (["run", "--tier", "smok", "--adapter", "torch"], "(did you mean 'smoke'?)"),
    (["check", "foo"], "an example is 2d-"),
    (["check", " "], "CASE is empty; give a case id such as 2d-"),
    (["check", "2d-i5-k3-sam"], "'sam' is not a field of a case id (did you mean 'same',"),
    (["explain", "2d-i5-k3-gard"], "(did you mean 'grad'"),
    (["sizes", "--input", "3", "--output", "8", "--kernel", "3", "--for", "onxx"], "did you mean 'onnx'"),
    (["check", " "], "CASE is empty; give a case id such as 2d-i5x7-k3-s2-same"),
    (["check", "2d-i5-k3", "--adapter", FILE], f"write {FILE}:NumpyBackend"),
])  # fmt: skip
def test_a_wrong_name_on_the_command_line(
    arguments: list[str], meant: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = ["--out", str(tmp_path)] if arguments[0] == "run" else []
    with pytest.raises(SystemExit) as ended:
        main([*arguments, *out])
    error = capsys.readouterr().err
    assert ended.value.code == 2
    assert meant in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(("name", "meant"), [
    ("trch", "did you mean 'torch'"),
    ("keras", "it can mean keras-compute-output-shape, keras-jax"),
    ("tensorflow", "tf-nn"),
    ("pytorch", "it can mean torch,"),
    ("flax", "it can mean flax-linen, flax-nnx"),
])  # fmt: skip
def test_a_wrong_adapter(name: str, meant: str) -> None:
    with pytest.raises(UnknownAdapter) as caught:
        resolve(name)
    assert meant in str(caught.value)


def test_help_is_a_command_too_and_examples_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["help", "bisect"])
    assert ended.value.code == 0
    example = capsys.readouterr().out.splitlines()[-1]
    assert example.strip().startswith("Example: conformance bisect ")
    assert example.endswith("--good 3.10.0 --bad 3.15.1")


def test_a_wrong_machine() -> None:
    with pytest.raises(UnknownMachine, match=r"did you mean 'avx2'"):
        machine_named("avx22")


@pytest.mark.parametrize(("condition", "meant"), [
    ("padding = same", "did you mean the string 'same'?"),
    ("padding in (same, 'valid')", "did you mean the string 'same'?"),
    ("stride_maxx > 1", "did you mean 'stride_max'"),
])  # fmt: skip
def test_a_wrong_column(condition: str, meant: str) -> None:
    with pytest.raises(WhereError) as caught:
        matching([dict.fromkeys(COLUMN_NAMES, 1)], condition, COLUMN_NAMES)
    assert meant in str(caught.value)


@pytest.mark.parametrize(("text", "meant"), [
    ("nn.ConvTrnspose2d(1, 2, 3)", "did you mean 'nn.ConvTranspose2d'"),
    ("nn.ConvTranspose2d(1, 2, 3, strides=2)", "did you mean 'stride'"),
])  # fmt: skip
def test_a_wrong_call_or_argument(text: str, meant: str) -> None:
    with pytest.raises(CallError) as caught:
        parse_call(text)
    assert meant in str(caught.value)


@pytest.mark.parametrize(("name", "what"), [
    ("up.tflite", "a TensorFlow Lite model"),
    ("net.prototxt", "a net of Caffe"),
    ("model.pbtxt", "protobuf text"),
    ("model.keras", "a Keras model"),
    ("notes", "a file of a kind that is not known"),
])  # fmt: skip
def test_a_file_that_is_not_a_case(name: str, what: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("", encoding="utf-8")
    with pytest.raises(click.UsageError) as caught:
        read_case(str(path))
    assert what in caught.value.message
    assert "\n" not in caught.value.message


def test_a_dtype_in_place_of_the_own_one() -> None:
    call = "nn.ConvTranspose2d(1, 2, 3)"
    assert read_case(call, dtype="float16").case.dtype == "f16"
    assert read_case("2d-i5-k3", dtype="torch.bfloat16").case.dtype == "bf16"
    with pytest.raises(click.UsageError, match=r"did you mean 'float16'"):
        read_case(call, dtype="float17")


def test_one_of_several_calls() -> None:
    text = "a = nn.ConvTranspose2d(1, 2, 3)\nb = nn.ConvTranspose2d(2, 1, 4)"
    assert read_case(text, number=2).case.kernel_size == (4, 4)
    with pytest.raises(click.UsageError, match=r"--call N"):
        read_case(text)
    with pytest.raises(click.UsageError, match=r"--call needs"):
        read_case("2d-i5-k3", number=2)


@pytest.mark.parametrize("command", ["explain", "repro"])
def test_what_a_case_leaves_out_is_printed(command: str, capfd: pytest.CaptureFixture[str]) -> None:
    adapter = toy("Right")
    with pytest.raises(SystemExit):
        main([command, "F.conv_transpose1d(torch.ones(1, 1, 4), torch.rand(1, 1, 2))", "--adapter", adapter])
    assert "note: not part of the case: the input's values (all 1)" in "".join(capfd.readouterr())
