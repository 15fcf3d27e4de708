"""The words of summaries and pages, for whoever meets them there first."""

from __future__ import annotations

from conformance.reports.gate.standings import STANDINGS
from conformance.reports.record.statuses import FAIL_KINDS, STATUSES

__all__ = ["GLOSSARY"]

GLOSSARY: dict[str, dict[str, str]] = {
    "What is asked": {
        "case": "one question that is the same for every framework: parameters and input data, all of"
        " it in its id",
        "case id": "rank, batch (n), channels in x out (c), input size (i), kernel size (k), stride (s),"
        " dilation (d), groups (g), padding, output_padding (op; opauto: not given), layout "
        "(cf: channels first, cl: channels last), dtype, bias (b), kind and seed of the input"
        " data, direction",
        "direction": "fwd asks for the output, grad for the gradients, grad2 for the gradients of the gradients",
        "tier": "a fixed, named set of cases",
        "case set": "a hash of the ids of all cases that were asked; equal hashes, equal questions",
        "boundary class": "a kind of border where implementations tend to break, such as a stride longer than "
        "the kernel",
        "t-way coverage": "of all combinations of the classes of any t parameters, the share that some case has",
        "planted fault": "an implementation made wrong on purpose; a good set of cases fails it (kill matrix)",
    },
    "Who is asked, and what is right": {
        "adapter": "one implementation, asked through one of its interfaces",
        "oracle": "the right answer, computed in float64 by the rules on this page, sharing no code "
        "with any adapter",
        "full result": "what all taps write before anything is cut off",
        "crop": "positions cut off the full result at the beginning and at the end of an axis; below "
        "zero, zeros are added",
        "tap": "one element of the kernel",
        "effective kernel": "the length of a kernel with its dilation",
        "phase": "an output position modulo the stride: positions of one phase are reached by the same taps",
        "judged": "compared with the oracle: neither declined nor lost by a failure of the suite itself",
    },
    "How far an answer may be off": {
        "exact": "integer data are chosen so that no sum rounds: the answer must be right bit for bit",
        "bound": "the error that rounding can cause at an element, derived from the number and size of"
        " its products",
        "bound used, budget": "the largest share of its bound that any element uses: 100 % is all that rounding "
        "can cause",
        "accuracy profile": "how an implementation accumulates: exact, fp64 (in float64), fp32-acc (in float32), "
        "storage-acc (in the dtype of the question), tf32 (inputs cut to TF32, accumulated in"
        " float32), normwise-fp64 and normwise-fp32 (FFT, Strassen or Winograd in that format, judged only where"
        " promised); the tightest one that an answer meets is named",
        "ULP": "unit in the last place: the spacing of numbers at the right answer",
        "bits": "a letter for each different answer to a case: equal letters, equal bits",
    },
    "What was found": {
        "outcome": "how one answer compares with the oracle, and what was run where",
        "discrepancy": "an outcome that fails a gate unless it is expected (in conditions: gates)",
        "diagnosis": "the change to the right answer that gives the wrong one exactly, such as a shift by one",
        "finding": "all discrepancies of one adapter with one diagnosis, in whatever dtype, direction or data",
        "when": "the condition of a finding: further cases on both sides of its border were run and confirm it",
        "seen in": "what all cases of a finding have in common and no passing case of the run has; further cases "
        "did not confirm it, so it may be an accident",
        "gate": "the verdict on a run: red if anything is new, missing, stale or less precise",
        "expectation": "a known discrepancy, written down with its condition, reason and versions",
        "stale": "an expectation whose cases do not fail any more; it is to be removed",
        "unsigned": "an expectation that does not say what the output is, and takes every failure of its kind",
        "unused": "an expectation of which no case was asked",
        "overlap": "an outcome that two expectations explain; one of them is too wide",
        "drift": "lost precision: right answers that use far more of their bound than in the earlier run",
    },
    "Outcomes": {
        **{status.label: status.about for status in STATUSES.values()},
        **{f"fail: {kind}": about for kind, about in FAIL_KINDS.items()},
    },
    "Known or new": {item.name: item.about for item in STANDINGS.values()},
}
"""Words and what they mean, by what they are about."""
