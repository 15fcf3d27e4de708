"""Every benchmark measures on a small scale, and its tables find their place in the README."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import detection, figures, oracle, overhead
from benchmarks.__main__ import BENCHMARKS, README, describe_machine, replace_block
from conformance.adapters.base import Adapter
from conformance.adapters.registry import load
from conformance.cases import Case
from conformance.cases.tiers import load_tier
from conformance.oracle.expected_output import input_tensors
from tests.support.command import toy


def test_every_benchmark_has_one_place_in_the_readme() -> None:
    text = README.read_text(encoding="utf-8")
    for name in BENCHMARKS:
        assert "| nothing |" in replace_block(text, name, "| nothing |")
    with pytest.raises(ValueError, match="0 places"):
        replace_block(text, "nothing", "")


def test_the_description_has_the_machine_and_the_versions() -> None:
    assert f"numpy {np.__version__}" in describe_machine(figures.machine())


def test_the_bare_loop_calls_what_is_not_declined() -> None:
    cases = list(load_tier("smoke"))[:20]
    kind = load(toy("Right"))
    assert issubclass(kind, Adapter)
    found = overhead.bare(toy("Right"), [str(case) for case in cases])
    assert found["calls"] == sum(kind.declines(case) is None for case in cases)
    assert min(found["wall"], found["cpu"]) > 0


def test_a_loop_goes_on_after_a_case_that_ends_it() -> None:
    adapter = toy("Segfaults")
    cases = [str(Case.parse(f"1d-i{size}-k{kernel}")) for size in (4, 5) for kernel in (3, 2, 4)]
    assert sum("-k2-" in case for case in cases) == 2
    assert overhead.bare(adapter, cases)["calls"] == len(cases)


def test_the_run_and_the_loop_are_timed_on_the_same_cases() -> None:
    part = overhead.Part((toy("Right"), toy("Flipped")), "smoke", 1, "rank = 1 and dtype = 'f64'")
    found = overhead.measure([part])
    (figure,) = found["parts"]
    assert figure["wall_ratio"]["median"] > 0
    cases = [str(case) for case in load_tier("smoke") if case.rank == 1 and case.dtype == "f64"]
    assert len(cases) > 1
    assert figure["calls"] == 2 * overhead.bare(toy("Right"), cases)["calls"]
    assert "| 2 adapters | `smoke`, rank = 1 and dtype = 'f64' |" in overhead.markdown(found)


@pytest.mark.parametrize("text", ["2d-n2-c4x6-i3x4-k3x2-s2-g2-f64-b1", "2d-c1x2-i3x4-k3x2-p0.1x1.0-f64"])
def test_peers_of_the_oracle_run_the_same_case(text: str) -> None:
    case = Case.parse(text)
    tensors = input_tensors(case)
    wanted = oracle._oracle(case, tensors)()
    assert np.allclose(oracle._loops(case, tensors)(), wanted)
    pytest.importorskip("torch")
    assert np.allclose(oracle._torch(case, tensors)(), wanted)


def test_detection_counts_every_fault_once_and_names_what_is_left() -> None:
    few = detection.detect(list(load_tier("smoke"))[:3])
    assert few["noticed"] + len(few["unnoticed"]) == few["planted"]
    assert 0 < few["last_noticed_after"]["cases"] <= 3
    assert detection.detect([])["noticed"] == 0


def test_random_sampling_is_the_same_twice() -> None:
    assert detection.sample(5) == detection.sample(5)


def test_a_spread_is_printed_with_its_ends() -> None:
    assert figures.with_spread(figures.spread([3, 1, 2])) == "2.00 (1.00 to 3.00)"
    assert figures.table(("a", "b"), [("x", 1)]).splitlines() == ["| a | b |", "| --- | ---: |", "| x | 1 |"]


def test_figures_are_not_in_the_readme_twice() -> None:
    assert Path(README).read_text(encoding="utf-8").count("<!-- start ") == len(BENCHMARKS)
