"""No shipped expectation hides a planted fault; `python -m tests.faults.matrix --masking` has the whole table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from conformance.cases import Case
from conformance.reports.gate.expectations import Expectation, load, read
from tests.faults import masking
from tests.faults.catalogue import FAULTS, RIGHT, Fault
from tests.faults.masking import UNNAMED, Masked, markdown
from tests.faults.matrix import judged_cases
from tests.faults.recorded import RECORDED

FLIPPED = FAULTS["kernel flipped on W"]
ENTRY = """[[expectation]]
finding = "f"
where = "rank = 1"
kind = ["values", "gradient", "precision", "nonfinite"]
reason = "r"
"""


def entry_of(adapter: str, finding: str) -> Expectation:
    return next(entry for entry in load(adapter) if entry.finding == finding)


@pytest.mark.parametrize(("adapter", "finding"), RECORDED)
def test_a_recorded_fault_alone_is_known_and_with_another_one_it_is_not(adapter: str, finding: str) -> None:
    entry = entry_of(adapter, finding)
    ((case, expected),) = judged_cases([Case.parse(entry.evidence[0])])
    replies = masking._Replies(case, expected)
    recorded = RECORDED[adapter, finding]
    shape_only = adapter == "onnx-infer-shapes"
    assert replies.verdict(RIGHT).status == "pass"
    fields = replies.verdict(RIGHT, recorded, shape_only=shape_only)
    assert fields.kind in entry.kinds
    assert replies.passes_for(entry, RIGHT, recorded, shape_only=shape_only)
    planted = [FLIPPED, FAULTS["output channels reversed"], FAULTS["dw is zero"]]
    others = [] if shape_only else [fault for fault in planted if replies.verdict(fault).status == "fail"]
    assert not all(replies.passes_for(entry, fault, recorded) for fault in others) or shape_only
    assert others or shape_only


@pytest.mark.parametrize("steady", [False, True])
def test_an_unsteady_output_is_not_taken_for_one_of_another_dtype(steady: bool) -> None:
    """Nor are gradients that all change taken for the one that an entry is about."""
    narrow = RECORDED["keras-ops-numpy", "float64-taken-for-float32"]
    both = replace(entry_of("keras-ops-numpy", "float64-taken-for-float32"), kinds=("dtype", "nondeterministic"))
    dw_changes = entry_of("torch-channels-last", "bf16-3d-weight-gradient-reads-memory-not-written")
    ((forward, forward_expected), (gradient, gradient_expected)) = judged_cases(
        [Case.parse(both.evidence[0]), Case.parse(dw_changes.evidence[0])]
    )
    planted = RIGHT if steady else FAULTS["a different output the second time"]
    assert masking._Replies(forward, forward_expected).passes_for(both, planted, narrow) is steady
    only_dw = Fault("dw changes", (3,), after=lambda work, outputs: work.reply.update(changing=("dw",)))
    replies = masking._Replies(gradient, gradient_expected)
    assert replies.passes_for(dw_changes, RIGHT if steady else only_dw) is not steady
    assert not replies.passes_for(dw_changes, planted)


def test_an_entry_without_a_signature_hides_faults_and_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch.toml").write_text(ENTRY)
    (broad,) = read(tmp_path / "torch.toml")
    monkeypatch.setattr(masking, "_entries", lambda name: (broad,))
    monkeypatch.setattr(
        masking, "load_tier", lambda tier: [Case.parse("1d-i5-k3-s2"), Case.parse("1d-i6-k2-grad")]
    )
    found = masking.masking("two", names=["torch"], faults=[FLIPPED.name])["torch"]
    assert (found.notices, found.swallowed, found.hidden) == (2, 2, (FLIPPED.name,))
    (tmp_path / "torch.toml").write_text(ENTRY + 'signature = { diagnosis = "shift" }\n')
    (narrow,) = read(tmp_path / "torch.toml")
    monkeypatch.setattr(masking, "_entries", lambda name: (narrow,))
    found = masking.masking("two", names=["torch"], faults=[FLIPPED.name])["torch"]
    assert (found.notices, found.swallowed, found.hidden) == (2, 0, ())


def test_shipped_expectations_hide_next_to_nothing() -> None:
    """Some faults on the cases of `smoke`; the command takes all of both."""
    found = masking.masking("smoke", faults=list(FAULTS)[3::40])
    assert found.keys() == set(masking.adapters())
    named = {name: masked for name, masked in found.items() if name not in UNNAMED}
    assert {name: masked.hidden for name, masked in named.items() if masked.hidden} == {}
    assert {name: masked.share for name, masked in named.items() if masked.share > 0.01} == {}
    assert sum(masked.notices for masked in found.values()) > 1000


def test_the_table_names_what_is_hidden() -> None:
    (name, reason), *_ = UNNAMED.items()
    table = list(markdown({"a": Masked(100, 20, 4, ("f",), ""), name: Masked(10, 0, 1, (), "g (50%)", ("h",))}))
    assert table[2:] == [
        "| a | 100 | 20 | 4 | 5.00% | 1 | f |  |  |",
        f"| {name} | 10 | 0 | 1 | 10.00% | 0 | g (50%) | h | {reason} |",
    ]


def test_a_fault_that_changes_nothing_of_a_recorded_output_is_not_visible() -> None:
    """The position that the fault leaves out is one that the recorded gradient does not have."""
    entry = entry_of("mlx", "input-gradient-with-output-padding")
    ((case, expected),) = judged_cases([Case.parse(entry.evidence[0])])
    replies, last = masking._Replies(case, expected), FAULTS["dx misses the last position on W"]
    assert replies.verdict(last).status == "fail"
    assert masking._becomes(entry, case, last, replies, shape_only=False) == "not visible"
    assert masking._becomes(entry, case, FAULTS["dw is zero"], replies, shape_only=False) == "seen"
