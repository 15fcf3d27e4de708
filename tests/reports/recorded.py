"""A recorded run for tests: real cases, outcomes of every status, and texts that try to inject markup."""

from __future__ import annotations

from pathlib import Path

from conformance.cases import Case
from conformance.cases.program import Program
from conformance.reports.record.diagnosis import Diagnosis
from conformance.reports.record.evidence import Evidence
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.store import Results

HOSTILE = "</script><script>window.broken = 1</script><img src=x onerror='window.broken=1'>&amp;{{7*7}}<!--"
SHIFT = Diagnosis(transform="shift", axes=("H",), text="shifted by 1 along H")
FIRST = "2d-c1x2-i2x3-k2-s2-ints.0"
SECOND = "2d-c1x2-i2x3-k3-s3-same-cl"


def evidence(shape: list[int], shift: float = 1.0) -> dict[str, Evidence]:
    """An output and the expected one, which differ by ``shift`` in the last element; the first is NaN."""
    size = 1
    for length in shape:
        size *= length
    expected = [float(index) for index in range(size)]
    got = ["nan", *expected[1:-1], expected[-1] + shift]
    return {"y": Evidence(got=got, expected=expected, shape=shape, expected_shape=shape)}


def record(path: Path) -> Results:
    """Three adapters, four cases: one right, one wrong and hostile, one that supports few cases."""
    texts = (FIRST, SECOND, "1d-i3-k2-f16-normal.0", "3d-i2x2x3-k2-grad")
    cases = [Case.parse(text) for text in texts]
    results = Results.create(path)
    adapters = ("right", "wrong", "file.py:Odd name")
    results.plan([(adapter, case) for adapter in adapters for case in cases])
    first, second, third, fourth = map(str, cases)
    for case_id in (first, second, third, fourth):
        results.record(Outcome(case_id, "right", "pass", profile="exact", budget=0.0, digest="a" * 16))
    results.record(
        Outcome(first, "wrong", "fail", "values", detail=HOSTILE, diagnosis=SHIFT, digest="b" * 16,
                program=Program((), ("y = wrong(x)",)), max_abs_error=1.0, evidence=evidence([1, 2, 4, 6]))
    )  # fmt: skip
    results.record(
        Outcome(second, "wrong", "fail", "values", detail="differs", diagnosis=SHIFT, digest="c" * 16,
                program=Program((), ("y = wrong(x)",)), evidence=evidence([1, 6, 9, 2]))
    )  # fmt: skip
    results.record(Outcome(third, "wrong", "crash", detail="SIGSEGV", program=Program((), ("y = wrong(x)",))))
    results.record(Outcome(fourth, "wrong", "unsupported", detail="no gradients", source="https://example.org"))
    for case_id in (first, second, third):
        results.record(Outcome(case_id, "file.py:Odd name", "inexpressible", detail="cannot be expressed"))
    environment = {
        "versions": {"framework": HOSTILE},
        "cpu": "a processor",
        "python": "3.11",
        "cpu_flags": ["avx2"],
    }
    results.set_meta("environments", {"wrong": environment})
    return results
