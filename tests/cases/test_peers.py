"""The case lists of other projects: what is transcribed is what their installed release runs."""

from __future__ import annotations

import ast
import importlib.metadata
from typing import Any

import pytest

from conformance.cases import Case
from conformance.cases.errors import DomainError
from conformance.cases.peers import load_peers
from conformance.cases.tiers import load_tier
from tests.support.frameworks import installed_source

PEERS = load_peers()


def released(key: str) -> str:
    """The distribution a list is from, where that very release is installed."""
    name, version = PEERS[key].version.split()
    try:
        installed = importlib.metadata.version(name).partition("+")[0]
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"{name} is not installed")
    if installed != version:
        pytest.skip(f"the list is from {name} {version}, installed is {installed}")
    return name


@pytest.mark.parametrize("key", PEERS)
def test_every_case_is_there_once_and_has_an_output(key: str) -> None:
    cases = PEERS[key].cases
    assert len(set(cases)) == len(cases) > 0
    for case in cases:
        try:
            case.geometry()
        except DomainError as error:
            pytest.fail(f"{case}: {error}")
    assert all(link.startswith("https://") for link in PEERS[key].source)


def test_no_list_has_two_dimensions_with_several_channels_a_group_in_and_out() -> None:
    def several(case: Case) -> bool:
        return case.rank > 1 and case.groups > 1 and min(case.in_channels, case.out_channels) > case.groups

    assert not any(several(case) for peer in PEERS.values() for case in peer.cases)
    assert any(map(several, load_tier("smoke")))


def test_opinfo_is_what_torch_samples() -> None:
    released("pytorch-opinfo")
    tree = ast.parse(installed_source("torch", "testing", "_internal", "common_methods_invocations.py"))
    cases = [case for case in PEERS["pytorch-opinfo"].cases if (case.dtype, case.direction) == ("f64", "fwd")]
    samples = [
        (int(node.name[-2]), *sample)
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("sample_inputs_conv_transpose")
        for sample in ast.literal_eval(next(n.value for n in node.body if isinstance(n, ast.AnnAssign)))  # type: ignore[arg-type]
    ]
    assert [_sampled(case) for case in cases] == [_in_full(*sample) for sample in samples]


def _in_full(
    rank: int, x: tuple[int, ...], w: tuple[int, ...], bias: Any, given: dict[str, Any]
) -> tuple[Any, ...]:
    """A sample of torch with every parameter spelled out, an axis at a time."""
    defaults = {"stride": 1, "padding": 0, "output_padding": 0, "groups": 1, "dilation": 1}
    spelled = {
        name: value if name == "groups" else tuple(value if isinstance(value, tuple) else (value,) * rank)
        for name, value in {**defaults, **given}.items()
    }
    return x, w, bias is not None, spelled


def _sampled(case: Case) -> tuple[Any, ...]:
    assert not isinstance(case.padding, str)
    return case.input_shape, case.weight_shape, case.bias, {
        "stride": case.stride,
        "padding": tuple(low for low, high in case.padding if low == high),
        "output_padding": case.output_padding or (0,) * case.rank,
        "groups": case.groups,
        "dilation": case.dilation,
    }  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of the tests of other operators, which come along
def test_node_tests_are_what_onnx_exports() -> None:
    released("onnx-node-tests")
    node = pytest.importorskip("onnx.backend.test.case.node")
    found = [test for test in node.collect_testcases("ConvTranspose") if "kernel_shape" not in test.name]
    cases = PEERS["onnx-node-tests"].cases
    assert len(found) == len(cases)
    for test, case in zip(found, cases, strict=True):
        ((x, w), (y,)), attributes = test.data_sets[0], test.model.graph.node[0].attribute
        given = {attribute.name: tuple(attribute.ints) or attribute.i for attribute in attributes}
        assert (x.shape, w.shape, y.shape) == (case.input_shape, case.weight_shape, case.output_shape), test.name
        assert case.stride == given.get("strides", case.stride)
        assert case.dilation == given.get("dilations", case.dilation)
        assert case.groups == given.get("group", 1)


def test_keras_tests_are_as_many_as_keras_has() -> None:
    released("keras-tests")
    cases = PEERS["keras-tests"].cases
    tree = ast.parse(installed_source("keras", "src", "layers", "convolutional", "conv_transpose_test.py"))
    correctness = next(n for n in tree.body if isinstance(n, ast.ClassDef) and "Correctness" in n.name)
    listed = [
        ast.literal_eval(argument)
        for test in correctness.body
        if isinstance(test, ast.FunctionDef)
        for decorator in test.decorator_list
        if isinstance(decorator, ast.Call)
        for argument in decorator.args
    ]
    assert [
        (case.out_channels, case.stride, case.kernel_size, case.padding, case.output_padding)
        for case in cases[:10]
    ] == [_keras(case.rank, entry) for case, entry in zip(cases, listed, strict=False)]
    assert len(listed) == 10
    consistency = {case for case in cases if case.input_size == (3,) and case.in_channels == 1}
    assert {
        (case.kernel_size[0], case.stride[0], case.padding, case.output_padding and case.output_padding[0])
        for case in consistency
    } == {
        (k, s, padding, extra)
        for k in range(1, 5)
        for s in range(1, 5)
        for padding in ("same", "valid")
        for extra in (None, *range(1, s))
    }  # fmt: skip
    assert len(cases) == len(listed) + len(consistency) + 4


def _keras(rank: int, entry: dict[str, Any]) -> tuple[Any, ...]:
    def axes(value: Any) -> Any:
        return (value,) * rank if isinstance(value, int) else value

    names = ("strides", "kernel_size", "padding", "output_padding")
    return (entry["filters"], *(axes(entry[name]) for name in names))
