"""The stage of a failure: planted faults in a converter and in a runtime, on real models and a real runtime."""

from __future__ import annotations

import pytest

from conformance.adapters.host.client import AdapterProcess
from conformance.adapters.registry import resolve
from conformance.cases import Case
from conformance.execution.check import run_case
from tests.support.command import toy
from tests.support.frameworks import requires

CASE = Case.parse("1d-c2x3-i5-k3-s2-p0-op1-b1")

pytestmark = requires("onnxruntime")


@pytest.mark.parametrize(
    ("name", "stage", "text"),
    [
        ("ForgetsOutputPadding", "planted", "planted wrote output_padding 0 where 1 was converted"),
        ("FlipsWeights", "planted", "planted wrote weights that differ in 12 of 18 numbers"),
        ("CropsAfterwards", None, "it has other operators too: Relu"),
        ("WritesNegativePads", "planted", "planted wrote a model that is not valid"),
        ("ConverterRefuses", "planted", "no such operator"),
        ("WrongRuntime", "shifting", ""),
    ],
)
def test_the_stage_that_failed_is_named(name: str, stage: str | None, text: str) -> None:
    with AdapterProcess(resolve(toy(name))) as host:
        outcome = run_case(CASE, host)
    assert (outcome.status, outcome.stage) == ("fail", stage)
    assert text in outcome.detail
    assert ("wrote" in outcome.detail) == ("wrote" in text or stage is None)


def test_a_right_path_has_no_stage() -> None:
    with AdapterProcess(resolve(toy("Faithful"))) as host:
        outcome = run_case(CASE, host)
        assert (outcome.status, outcome.stage) == ("pass", None)
        assert host.stages == ("onnx", "planted", "onnxruntime")
