"""Made-up runs of any size, in the proportions of a real one with faults in it."""

from __future__ import annotations

import math
import random
from pathlib import Path

from conformance.cases import Case
from conformance.cases.program import Program
from conformance.reports.record.diagnosis import Diagnosis
from conformance.reports.record.evidence import Evidence
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.store import Results


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
    expected = [float(rng.randint(-60, 60)) for _ in range(size)]
    got = [*expected[1:], 0.0]
    evidence = {"y": Evidence(got=got, expected=expected, shape=shape, expected_shape=shape)}
    diagnosis = Diagnosis(transform="shift", axes=("W",), text=f"shifted by {rng.randint(1, 3)} along W")
    detail = f"y differs in {size - 1} of {size} elements, first at {[0] * len(shape)}: expected 1, got 2"
    call = ("y = framework.conv_transpose(", "    x,", "    w,", f"    stride={case.stride},", ")")
    program = Program(("import framework",), call)
    return Outcome(str(case), adapter, "fail", "values", max_abs_error=60.0, detail=detail, digest=digest,
                   diagnosis=diagnosis, program=program, seconds=seconds, evidence=evidence)  # fmt: skip


def make_run(path: Path, outcomes: int, adapters: int) -> Results:
    """Record made-up outcomes, the same for the same numbers."""
    rng = random.Random(0)
    cases = _cases(outcomes // adapters, rng)
    names = [f"adapter-{number:02}" for number in range(adapters)]
    results = Results.create(path)
    results.plan([(name, case) for name in names for case in cases])
    results.record_all(_outcome(case, name, rng) for name in names for case in cases)
    return results
