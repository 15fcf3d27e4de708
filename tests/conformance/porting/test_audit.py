"""The audit of a model: what a target makes of a layer, beside the model's own framework."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.adapters.host.client import ProcessLimits
from conformance.adapters.registry import resolve
from conformance.calls.model_files import ModelFile, ModelLayer
from conformance.cases import Case
from conformance.porting.audit import AuditedLayer, audit, difference, document
from conformance.reports.record.outcome import Outcome
from tests.support.command import toy

CASE = Case.parse("1d-c2x3-i5-k3-s2-p1")


def audited(
    *layers: ModelLayer, own: str = "Right", targets: tuple[str, ...] = ("Right",), **more: Any
) -> list[AuditedLayer]:
    model = ModelFile(Path("model.onnx"), "an ONNX model", (), layers)
    specs = [resolve(toy(name)) for name in targets]
    return audit(model, resolve(toy(own)), specs, ProcessLimits(), **more)


def outcome(status: str, kind: str | None = None, digest: str = "", adapter: str = "own") -> Outcome:
    return Outcome(str(CASE), adapter, status, kind, digest=digest)  # type: ignore[arg-type]


def test_planted_faults_and_refusals() -> None:
    odd = ModelLayer("odd", "com.microsoft.Other", None, ("not a case: why",))
    first, second = audited(
        odd, ModelLayer("up", "ConvTranspose", CASE), targets=("Right", "Flipped", "NamedPaddingOnly")
    )
    assert (first.layer, first.outcomes) == (odd, ())
    right, flipped, declined = second.outcomes
    assert (right.difference, right.refused, right.port) == ("", False, "")
    assert flipped.difference == "values outside every accuracy profile"
    assert flipped.checked.outcome.diagnosis is not None
    assert flipped.port.startswith("# No call of ")
    assert (declined.difference, declined.refused) == ("", True)
    assert "Verified" in declined.port
    assert "The closest equivalent" in declined.port
    plain = document(ModelFile(Path("m"), "a model", (), (odd, second.layer)), [first, second])
    assert plain["layers"][0] == {
        "name": "odd",
        "operator": "com.microsoft.Other",
        "case": None,
        "notes": ["not a case: why"],
        "outcomes": [],
    }
    assert [one["status"] for one in plain["layers"][1]["outcomes"]] == ["pass", "fail", "inexpressible"]


def test_the_weights_of_the_file_are_used() -> None:
    """A fault that shows for the weights of the file alone."""
    symmetric = np.ones((2, 3, 3))
    lopsided = symmetric * np.arange(3)
    layers = [
        ModelLayer(name, "ConvTranspose", CASE, values={"w": values})
        for name, values in (("symmetric", symmetric), ("lopsided", lopsided))
    ]
    layers.append(ModelLayer("infinite", "ConvTranspose", CASE, values={"w": symmetric * np.inf}))
    layers.append(ModelLayer("absent", "ConvTranspose", CASE))
    found = audited(*layers, targets=("Flipped",), weights_of_file=True)
    assert [bool(one.outcomes[-1].difference) for one in found] == [False, True, True, True]
    notes = [one.layer.notes[-1] for one in found]
    assert notes[0] == notes[1] == "the weights are those of the file, the input is that of the case"
    assert "not all finite" in notes[2]
    assert "no weights" in notes[3]


@pytest.mark.parametrize(
    ("own", "target", "expected"),
    [
        (outcome("pass"), outcome("pass"), ""),
        (outcome("pass"), outcome("unsupported"), ""),
        (outcome("pass"), outcome("infra"), ""),
        (outcome("pass"), outcome("fail", "shape"), "a different shape from the one that the rules give"),
        (outcome("pass"), outcome("crash"), "the framework ended its process"),
        (
            outcome("fail", "values"),
            outcome("pass", adapter="target"),
            "by the rules, where own is not: values outside every accuracy profile",
        ),
        (
            outcome("fail", "values", "abc"),
            outcome("fail", "values", "abc", "target"),
            "values outside every accuracy profile and the same output as own",
        ),
        (
            outcome("fail", "values", "abc"),
            outcome("fail", "values", "xyz"),
            "values outside every accuracy profile",
        ),
    ],
)
def test_difference(own: Outcome, target: Outcome, expected: str) -> None:
    assert difference(own, target) == expected
