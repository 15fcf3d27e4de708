"""The terms of summaries and pages, for new readers."""

from __future__ import annotations

from conformance.reports.gate.standings import STANDINGS
from conformance.reports.record.statuses import FAIL_KINDS, STATUSES

__all__ = ["GLOSSARY"]

GLOSSARY: dict[str, dict[str, str]] = {
    "What is run": {
        "case": "parameters and input data of one transposed convolution, the same for every framework;"
        " its id holds all of them",
        "case id": "rank, batch (n), channels in x out (c), input size (i), kernel size (k), stride (s),"
        " dilation (d), groups (g), padding, output_padding (op; opauto: not given), layout "
        "(cf: channels first, cl: channels last), dtype, bias (b), kind and seed of the input"
        " data, direction",
        "direction": "what is computed: fwd the output, grad its gradients, grad2 the gradients of the gradients",
        "tier": "a fixed, named set of cases",
        "case set": "a hash of the ids of all cases of a run; equal hashes mean equal cases",
        "boundary class": "a kind of edge case where implementations tend to break, such as a stride longer than "
        "the kernel",
        "t-way coverage": "the share of all combinations of the classes of any t parameters that some case has",
        "planted fault": "a deliberate error in an implementation; a good set of cases notices it (kill matrix)",
    },
    "What runs it, and what is right": {
        "adapter": "the connection to one interface of one implementation",
        "oracle": "the NumPy reference that computes the expected output, in float64, by the rules on this page; "
        "it shares no code with any adapter",
        "full result": "what all taps write, before anything is cropped",
        "crop": "positions removed from the full result at the start and at the end of an axis; a negative "
        "crop adds zeros",
        "tap": "one element of the kernel",
        "effective kernel": "the length of a kernel including its dilation",
        "phase": "an output position modulo the stride: positions of one phase are reached by the same taps",
        "judged": "compared with the oracle: neither declined nor lost to a failure of the suite itself",
    },
    "How far an output may be off": {
        "exact": "integer data are chosen so that no sum rounds: the output must be right bit for bit",
        "bound": "the largest error that rounding can cause in an element, derived from the number and"
        " size of its products",
        "bound used (budget)": "the largest share of its bound that any element uses; 100 % is the most that "
        "rounding can cause",
        "accuracy profile": "how an implementation accumulates: exact, fp64 (in float64), fp32-acc (in float32), "
        "storage-acc (in the dtype of the case), tf32 (inputs cut to TF32, accumulated in"
        " float32), normwise-fp64 and normwise-fp32 (FFT, Strassen or Winograd in that format, judged only where"
        " promised); an outcome names the tightest one that its output meets",
        "ULP": "unit in the last place: the spacing of numbers at the expected value",
        "bits": "a letter for each different output of a case; equal letters mean equal bits",
    },
    "What was found": {
        "outcome": "how one output compares with the oracle, and what was run where",
        "discrepancy": "an outcome that fails a gate unless it is expected (in conditions: gates)",
        "diagnosis": "the change that turns the expected output into exactly the wrong one, such as a shift",
        "finding": "all discrepancies of one adapter with one diagnosis, over all dtypes, directions and data",
        "when": "the condition of a finding, confirmed by further cases on both sides of its boundary",
        "seen in": "what all cases of a finding have in common and no passing case of the run has; further cases "
        "did not confirm it, so it may be a coincidence",
        "gate": "the verdict on a run: red if anything is new, missing, stale or less precise",
        "expectation": "a known discrepancy, written down with its condition, reason and versions",
        "stale": "an expectation whose cases no longer fail; remove it",
        "unsigned": "an expectation that does not say what the output is, so every failure of its kind matches",
        "unused": "an expectation of which no case was run",
        "overlap": "an outcome that two expectations explain; one of them is too wide",
        "drift": "lost precision: right outputs that use far more of their bound than in the earlier run",
    },
    "Outcomes": {
        **{status.label: status.about for status in STATUSES.values()},
        **{f"fail: {kind}": about for kind, about in FAIL_KINDS.items()},
    },
    "Known or new": {item.name: item.about for item in STANDINGS.values()},
}
"""Terms and their meaning, by subject."""
