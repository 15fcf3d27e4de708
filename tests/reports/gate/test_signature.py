"""Signatures: which outcomes an expectation takes for its own, and which it does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.cases import Case
from conformance.reports.gate.accept import append, propose
from conformance.reports.gate.assess import Gate, assess
from conformance.reports.gate.expectations import BUILT_IN, Expectation, ExpectationError, load_all, read
from conformance.reports.gate.signature import Signature, parse
from conformance.reports.gate.signing import signature_of
from conformance.reports.gate.text import headline, lines
from conformance.reports.record.crash_text import last_line
from conformance.reports.record.diagnosis import Diagnosis
from conformance.reports.record.outcome import Outcome
from tests.support.records import recorded

SAME = str(Case.parse("1d-i5-k3-s2-same"))
ENTRY = """[[expectation]]
finding = "same-is-off"
where = "padding = 'same'"
kind = ["values", "gradient", "crash", "rejected"]
signature = {SIGNATURE}
reason = "documented"
"""
XLA = """SIGABRT
W1130 06:01:20.000000   14278 cpu.cc:1] slow
F1130 06:01:23.541702   14278 algebraic_simplifier.cc:586] Check failed: Window dimensions do not match RHS shape:
\tRHS shape: f32[1,2,3,1]
*** Check failure stack trace: ***
    @     0x7fab51440634  absl::log_internal::LogMessage::Flush()
Fatal Python error: Aborted

Thread 0x00007f226fe8e6c0 (most recent call first):
  File "host.py", line 232 in read

Extension modules: numpy.linalg._umath_linalg (total: 12)"""


def diagnosed(transform: str, *axes: str, **more: Any) -> Diagnosis:
    return Diagnosis(transform=transform, axes=axes, text="", **more)


SHIFTED = Outcome(SAME, "a", "fail", "values", digest="1", diagnosis=diagnosed("shift", "W"))
DW = Outcome(SAME, "a", "fail", "gradient", digest="1", diagnosis=diagnosed("unexplained", tensors=("dw",)))
CRASH = Outcome(SAME, "a", "crash", detail=XLA, diagnosis=diagnosed("crash", signal="SIGABRT"))
REFUSED = Outcome(SAME, "a", "fail", "rejected", detail="ValueError: only NHWC", diagnosis=diagnosed("rejected"))


@pytest.mark.parametrize(
    ("signature", "outcome", "matches"),
    [
        ({"diagnosis": "shift"}, SHIFTED, True),
        ({"diagnosis": ["kernel_flipped", "shift"]}, SHIFTED, True),
        ({"diagnosis": "kernel_flipped"}, SHIFTED, False),
        ({"diagnosis": "shifted"}, SHIFTED, False),
        ({"diagnosis": "shift", "axes": ["W"]}, SHIFTED, True),
        ({"diagnosis": "shift", "axes": ["H"]}, SHIFTED, False),
        ({"diagnosis": "shift", "axes": ["H", "W"]}, SHIFTED, False),
        ({"axes": ["W"]}, SHIFTED, True),
        ({"diagnosis": "unexplained"}, replace(SHIFTED, diagnosis=None), True),
        ({"diagnosis": "shift"}, replace(SHIFTED, diagnosis=None), False),
        ({"diagnosis": "unexplained", "tensors": ["dw"]}, DW, True),
        ({"diagnosis": "unexplained", "tensors": ["dx"]}, DW, False),
        ({"diagnosis": "unexplained", "tensors": ["dw"]}, SHIFTED, False),
        ({"signal": "SIGABRT"}, CRASH, True),
        ({"signal": ["SIGSEGV", "SIGABRT"]}, CRASH, True),
        ({"signal": "SIGSEGV"}, CRASH, False),
        ({"signal": "SIGABRT", "last_line": "do not match RHS"}, CRASH, True),
        ({"signal": "SIGABRT", "last_line": "Extension modules"}, CRASH, False),
        ({"message": r"only N\w+"}, REFUSED, True),
        ({"message": "only NCHW"}, REFUSED, False),
        ({"diagnosis": "rejected"}, REFUSED, True),
        ({"diagnosis": "timeout"}, Outcome(SAME, "a", "timeout"), True),
        ({"diagnosis": "accepted"}, Outcome(SAME, "a", "fail", "accepted"), True),
        # An outcome to which no key applies does not match: a crash is not a refusal, nor is a wrong output.
        ({"signal": "SIGABRT"}, REFUSED, False),
        ({"signal": "SIGABRT"}, SHIFTED, False),
        ({"message": "only NHWC"}, SHIFTED, False),
        ({"diagnosis": "shift"}, CRASH, False),
        ({"diagnosis": "shift"}, Outcome(SAME, "a", "timeout"), False),
        ({"diagnosis": "shift", "stage": "torch.onnx"}, replace(SHIFTED, stage="torch.onnx"), True),
        ({"diagnosis": "shift", "stage": ["a", "torch.onnx"]}, replace(SHIFTED, stage="onnxruntime"), False),
        ({"diagnosis": "shift", "stage": "torch.onnx"}, SHIFTED, False),
        # Sometimes a crash, sometimes a wrong gradient, but never a refusal.
        ({"signal": "SIGABRT", "diagnosis": "unexplained"}, CRASH, True),
        ({"signal": "SIGABRT", "diagnosis": "unexplained"}, DW, True),
        ({"signal": "SIGABRT", "diagnosis": "unexplained"}, REFUSED, False),
    ],
)
def test_what_an_outcome_looks_like(signature: dict[str, Any], outcome: Outcome, matches: bool) -> None:
    found = parse(signature)
    assert found is not None
    assert found.matches(outcome) is matches
    assert parse(found.to_json()) == found


def test_an_output_with_two_explanations_matches_either() -> None:
    """Both reproduce it exactly, so it matches the known fault; their axes are not mixed."""
    other = Diagnosis(transform="stride_off_by_one", axes=("W",), text="")
    outcome = replace(SHIFTED, diagnosis=diagnosed("output_size", "H", also=(other,)))
    assert Signature(diagnosis=("stride_off_by_one",), axes=("W",)).matches(outcome)
    assert not Signature(diagnosis=("stride_off_by_one",), axes=("H",)).matches(outcome)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "at least one of diagnosis"),
        ("shift", "at least one of diagnosis"),
        ({"stage": "torch.onnx"}, "at least one of diagnosis, axes, tensors, message, signal, last_line,"),
        ({"transform": "shift"}, "unknown key 'transform'"),
        ({"diagnosis": []}, "diagnosis must be a string"),
        ({"axes": 1}, "axes must be a string"),
        ({"message": "("}, "message is not a regular expression"),
        ({"last_line": ".*"}, "matches every text"),
        ({"message": " "}, "1 to 1000 characters"),
        ({"signal": ""}, "signal must be a string"),
    ],
)
def test_a_malformed_signature_is_named(tmp_path: Path, table: Any, message: str) -> None:
    with pytest.raises(ValueError, match="signature") as caught:
        parse(table)
    assert message in str(caught.value)


def test_the_last_line_of_the_framework_is_not_from_a_stack() -> None:
    assert last_line(XLA).endswith("Check failed: Window dimensions do not match RHS shape:")
    assert last_line("SIGABRT\nfree(): invalid pointer\nFatal Python error: Aborted\n\nThread 0x1:\n  File") == (
        "free(): invalid pointer"
    )
    assert last_line("SIGSEGV") == ""


def entries(tmp_path: Path, signature: str) -> list[Expectation]:
    (tmp_path / "a.toml").write_text(ENTRY.replace("{SIGNATURE}", signature))
    return read(tmp_path / "a.toml")


def gate(tmp_path: Path, signature: str, outcome: Outcome, before: Outcome | None = None) -> Gate:
    expected = {"a": entries(tmp_path, signature)}
    with recorded(tmp_path / "new.sqlite", outcome) as results:
        if before is None:
            return assess(results, expected)
        with recorded(tmp_path / "old.sqlite", before) as baseline:
            return assess(results, expected, baseline, ("exact",))


def test_a_different_failure_of_the_same_kind_counts_as_changed_and_fails(tmp_path: Path) -> None:
    flipped = replace(SHIFTED, diagnosis=diagnosed("kernel_flipped", "W"))
    found = gate(tmp_path, '{ diagnosis = "shift" }', flipped)
    assert (found.fails, dict(found.standings), found.stale, found.unused) == (True, {"changed": 1}, [], [])
    assert headline(found).startswith("Gate red: 1 changed in a")
    (line,) = [line for line in lines(found, {SAME: COLUMNS}) if line.standing == "changed"]
    assert line.text.endswith("expectation same-is-off says diagnosis shift")
    assert gate(tmp_path, '{ diagnosis = "shift" }', SHIFTED).standings == {"known": 1}


COLUMNS = {"batch": 1, "in_channels": 1, "out_channels": 1, "input_size": "5", "kernel_size": "3", "case_id": SAME}
PASS = Outcome(SAME, "a", "pass", digest="2")


@pytest.mark.parametrize(
    ("before", "transform", "standing"),
    [
        (PASS, "shift", "known"),
        (PASS, "kernel_flipped", "changed"),
        (SHIFTED, "kernel_flipped", "changed"),
        # What the earlier run has bit for bit is not new, whatever the expectation says.
        (replace(SHIFTED, diagnosis=diagnosed("kernel_flipped")), "kernel_flipped", "known"),
    ],
)
def test_an_earlier_run_does_not_hide_a_different_failure(
    tmp_path: Path, before: Outcome, transform: str, standing: str
) -> None:
    now = replace(SHIFTED, diagnosis=diagnosed(transform))
    assert gate(tmp_path, '{ diagnosis = "shift" }', now, before).standings == {standing: 1}


def test_an_entry_without_a_signature_matches_all_and_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(ENTRY.replace("signature = {SIGNATURE}\n", ""))
    with recorded(tmp_path / "r.sqlite", SHIFTED) as results:
        found = assess(results, load_all(["a"], [tmp_path]))
    assert (found.fails, dict(found.standings)) == (False, {"known": 1})
    (line,) = [line for line in lines(found, {SAME: COLUMNS}) if line.standing == "unsigned"]
    assert "a.toml:1-5" in line.text
    assert not line.fails
    assert gate(tmp_path, '{ diagnosis = "shift" }', SHIFTED).unsigned == []


def test_the_suite_s_own_entries_must_have_a_signature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.reports.gate.expectations.BUILT_IN", tmp_path)
    (tmp_path / "a.toml").write_text(ENTRY.replace("signature = {SIGNATURE}\n", ""))
    with pytest.raises(ExpectationError, match="signature is missing"):
        read(tmp_path / "a.toml")
    assert all(entry.signature for path in BUILT_IN.glob("*.toml") for entry in read(path))


def test_an_entry_crosses_a_pipe_with_its_signature(tmp_path: Path) -> None:
    (entry,) = entries(tmp_path, '{ diagnosis = ["shift"], last_line = "x+" }')
    assert Expectation.from_json(entry.to_json()) == entry


REFUSALS = [
    replace(REFUSED, detail=f"ValueError: cannot reshape array of size {size} into shape (1,{size})\nmore {size}")
    for size in (27, 9)
]


@pytest.mark.parametrize(
    ("outcomes", "signature"),
    [
        ([SHIFTED, SHIFTED], Signature(diagnosis=("shift",), axes=("W",))),
        ([SHIFTED, replace(SHIFTED, diagnosis=diagnosed("shift", "H"))], Signature(diagnosis=("shift",))),
        ([DW], Signature(diagnosis=("unexplained",), tensors=("dw",))),
        ([Outcome(SAME, "a", "timeout")], Signature(diagnosis=("timeout",))),
        ([Outcome(SAME, "a", "fail", "accepted")], Signature(diagnosis=("accepted",))),
        ([Outcome(SAME, "a", "crash", detail="SIGSEGV")], Signature(signal=("SIGSEGV",))),
    ],
)
def test_the_signature_of_a_finding(outcomes: list[Outcome], signature: Signature) -> None:
    assert signature_of(outcomes) == signature
    assert all(signature.matches(outcome) for outcome in outcomes)


@pytest.mark.parametrize("outcomes", [REFUSALS, [CRASH], [REFUSED]])
def test_a_written_pattern_matches_other_numbers_but_no_other_message(outcomes: list[Outcome]) -> None:
    signature = parse(signature_of(outcomes).to_json())
    assert signature is not None
    assert all(signature.matches(outcome) for outcome in outcomes)
    first = outcomes[0]
    assert signature.matches(replace(first, detail=first.detail.replace("27", "108").replace("586", "99")))
    other = "SIGABRT\nfree(): invalid pointer" if first.status == "crash" else "ValueError: bad groups, 27"
    assert not signature.matches(replace(first, detail=other))


def test_what_has_changed_is_accepted_with_a_signature_of_its_own(tmp_path: Path) -> None:
    flipped = replace(SHIFTED, diagnosis=diagnosed("kernel_flipped", "W"))
    expected = {"a": entries(tmp_path, '{ diagnosis = "shift" }')}
    with recorded(tmp_path / "r.sqlite", flipped) as results:
        before = assess(results, expected)
        proposals = propose(before, [flipped], results.cases(), {}, lambda *_: "padding = 'same'", reason="so")
        assert 'signature = { diagnosis = "kernel_flipped", axes = "W" }' in proposals[0].to_toml()
        append(proposals, tmp_path)
        after = assess(results, load_all(["a"], [tmp_path]))
    assert (before.standings, after.standings) == ({"changed": 1}, {"known": 1})
