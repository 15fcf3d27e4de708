"""Records of runs for tests: of given outcomes, of every status, and of any size."""

from __future__ import annotations

import math
import random
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from conformance.cases import Case
from conformance.cases.program import Program
from conformance.reports.record.diagnosis import Diagnosis
from conformance.reports.record.evidence import Evidence
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.store import Results

__all__ = [
    "FIRST",
    "HOSTILE",
    "SECOND",
    "evidence",
    "hostile_run",
    "make_run",
    "outcomes_so_far",
    "recorded",
    "recorded_file",
    "statuses",
]

HOSTILE = "</script><script>window.broken = 1</script><img src=x onerror='window.broken=1'>&amp;{{7*7}}<!--"
SHIFT = Diagnosis(transform="shift", axes=("H",), text="shifted by 1 along H")
FIRST = "2d-c1x2-i2x3-k2-s2-ints.0"
SECOND = "2d-c1x2-i2x3-k3-s3-same-cl"


def recorded(path: Path, *outcomes: Outcome, missing: Iterable[str] = (), version: str = "2.0") -> Results:
    """Record outcomes; the cases in ``missing`` are planned for adapter ``a`` and have none."""
    results = Results.create(path)
    pairs = [(outcome.adapter, outcome.case_id) for outcome in outcomes] + [("a", case_id) for case_id in missing]
    results.plan([(adapter, Case.parse(case_id)) for adapter, case_id in pairs])
    results.record_all(outcomes)
    results.set_meta("environments", {adapter: {"versions": {"numpy": version}} for adapter, _ in pairs})
    results.set_meta("started", 1_800_000_000.0)
    return results


def recorded_file(path: Path, *outcomes: Outcome, missing: Iterable[str] = (), version: str = "2.0") -> Path:
    """Record outcomes as `recorded` does, and close the file."""
    with recorded(path, *outcomes, missing=missing, version=version):
        return path


def statuses(folder: Path) -> dict[str, str]:
    """The status of each case in the record of a run of one adapter."""
    with Results.open(folder / "results.sqlite") as results:
        return {outcome.case_id: outcome.status for outcome in results.outcomes()}


def outcomes_so_far(folder: Path) -> int:
    """Number of outcomes in the record of a run that has not ended; -1 where it cannot be read yet."""
    try:
        with closing(sqlite3.connect(f"file:{folder / 'results.sqlite'}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM outcomes").fetchone()[0])
    except sqlite3.Error:
        return -1


def evidence(shape: list[int], shift: float = 1.0) -> dict[str, Evidence]:
    """An output and the expected one, which differ by ``shift`` in the last element; the first is NaN."""
    size = 1
    for length in shape:
        size *= length
    expected: list[float | str] = [float(index) for index in range(size)]
    got = ["nan", *expected[1:-1], float(expected[-1]) + shift]
    return {"y": Evidence(got=got, expected=expected, shape=shape, expected_shape=shape)}


def hostile_run(path: Path) -> Results:
    """Record three adapters on four cases: one right, one wrong with markup in its texts, one that runs few."""
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


def _cases(count: int, rng: random.Random) -> list[Case]:
    found: dict[str, Case] = {}
    while len(found) < count:
        rank = rng.choice((1, 2, 2, 3))

        def spread(low: int, high: int, rank: int = rank) -> tuple[int, ...]:
            return tuple(rng.randint(low, high) for _ in range(rank))

        groups = rng.choice((1, 1, 2))
        case = Case(
            rank=rank,
            input_size=spread(1, 5),
            kernel_size=spread(1, 4),
            batch=rng.choice((1, 2)),
            in_channels=2 * groups,
            out_channels=groups * rng.randint(1, 3),
            stride=spread(1, 3),
            dilation=spread(1, 2),
            groups=groups,
            padding=rng.choice(("valid", "same", ((0, 0),) * rank)),
            layout=rng.choice(("channels_first", "channels_last")),
            dtype=rng.choice(("f64", "f32", "f16", "bf16")),
            bias=rng.random() < 0.3,
            data=rng.choice(("ints", "normal")),
            seed=rng.randint(0, 20),
        )
        found[str(case)] = case
    return list(found.values())


def _outcome(case: Case, adapter: str, rng: random.Random) -> Outcome:
    roll = rng.random()
    seconds = rng.random() / 50
    if roll < 0.20:
        detail = f"groups of {case.groups} are not supported in {case.rank} dimensions"
        return Outcome(str(case), adapter, "unsupported", detail=detail, source="https://example.org/docs")
    digest = f"{rng.choice((1, 1, 1, 1, 2, 3)):016x}"
    if roll < 0.95:
        profile, budget = ("exact", 0.0) if case.data == "ints" else ("fp32-acc", rng.random() / 3)
        error = budget * 1e-5
        return Outcome(str(case), adapter, "pass", profile=profile, budget=budget, max_abs_error=error,
                       digest=digest, seconds=seconds)  # fmt: skip
    shape = list(case.output_shape)
    size = math.prod(shape)
    expected: list[float | str] = [float(rng.randint(-60, 60)) for _ in range(size)]
    got = [*expected[1:], 0.0]
    evidence = {"y": Evidence(got=got, expected=expected, shape=shape, expected_shape=shape)}
    diagnosis = Diagnosis(transform="shift", axes=("W",), text=f"shifted by {rng.randint(1, 3)} along W")
    detail = f"y differs in {size - 1} of {size} elements, first at {[0] * len(shape)}: expected 1, got 2"
    call = ("y = framework.conv_transpose(", "    x,", "    w,", f"    stride={case.stride},", ")")
    program = Program(("import framework",), call)
    return Outcome(str(case), adapter, "fail", "values", max_abs_error=60.0, detail=detail, digest=digest,
                   diagnosis=diagnosis, program=program, seconds=seconds, evidence=evidence)  # fmt: skip


def make_run(path: Path, outcomes: int, adapters: int) -> Results:
    """Record outcomes in the proportions of a real run with faults; the same for the same numbers."""
    rng = random.Random(0)
    cases = _cases(outcomes // adapters, rng)
    names = [f"adapter-{number:02}" for number in range(adapters)]
    results = Results.create(path)
    results.plan([(name, case) for name in names for case in cases])
    results.record_all(_outcome(case, name, rng) for name in names for case in cases)
    return results
