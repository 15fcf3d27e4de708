"""An error of the diagnosis itself is the suite's: it is said beside the verdict and names no finding."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

from conformance.cases import Case
from conformance.reports.gate.assess import assess
from conformance.reports.gate.exit_codes import INFRA, exit_code, gate_exit_code
from conformance.reports.gate.text import lines
from conformance.reports.record.findings import findings
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.store import Results
from tests.support.diagnosing import diagnosis_of
from tests.support.planted import Planted, gradients

# The package shows the function of the same name.
module = importlib.import_module("conformance.diagnosis.diagnose")

CASE = "1d-c2x3-i4-k2-s2-p0-normal.0-grad"
SHORT = Planted(lambda c, t: (found := gradients(c, t)) | {"dx": found["dx"][..., :-1]})


def broken(*_: object) -> None:
    raise ValueError("operands could not be broadcast together")


def test_it_fails_where_the_tests_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_diagnose", broken)
    with pytest.raises(ValueError, match="broadcast"):
        diagnosis_of(CASE, SHORT)


def test_it_is_said_beside_the_verdict_and_titles_no_finding(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(module.STRICT)
    monkeypatch.setattr(module, "_diagnose", broken)
    found = diagnosis_of(CASE, SHORT)
    assert found is not None
    assert found.text == (
        "dx has shape (1, 2, 3); by the rules it is (1, 2, 4) (the suite could not explain it: please report this)"
    )
    assert found.failure is not None
    assert found.failure.startswith("ValueError: operands could not be broadcast together (test_own_failure.py:")
    case = Case.parse(CASE)
    outcome = Outcome(str(case), "a", "fail", "shape", detail="dx has shape (1, 2, 3)", diagnosis=found)
    assert exit_code([outcome]) == INFRA
    with Results.create(tmp_path / "r.sqlite") as results:
        results.plan([("a", case)])
        results.record(outcome)
        gate = assess(results, {})
        said = {line.standing: line.text for line in lines(gate, results.cases())}
        titles = [finding.title for finding in findings(results.outcomes(), results.cases())]
    assert gate_exit_code(gate) == INFRA
    assert gate.standings == {"new": 1, "infra": 1}
    assert "the diagnosis failed: ValueError" in said["infra"]
    assert "ValueError" not in said["new"]
    assert "ValueError" not in titles[0]


@pytest.mark.parametrize("dtype", ["f32", "f16", "bf16", "f64"])
@pytest.mark.parametrize("data", ["ints.0", "normal.2"])
def test_a_gradient_without_output_padding_is_shorter_by_it(dtype: str, data: str) -> None:
    def without(case: Case, tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        found = gradients(case, tensors)
        return found | {"dx": found["dx"][..., :-1]}

    found = diagnosis_of(f"1d-c3x2-i4-k1-s2-valid-{dtype}-b1-{data}-grad", Planted(without))
    assert found is not None
    assert (found.transform, found.axes) == ("gradient_size", ("W",))
    assert found.text == "dx is one shorter along W: output_padding is not part of it"


def test_a_gradient_that_is_shorter_for_another_reason_says_no_more() -> None:
    found = diagnosis_of(CASE, SHORT)
    assert found is not None
    assert (found.transform, found.text) == ("gradient_size", "dx is one shorter along W")
