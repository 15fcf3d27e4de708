"""Faults that show on certain numbers only: NaN upstream, zeros under infinities, overflow, ties, tiny numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from conformance.cases import Case
from conformance.cases.dtypes import round_to
from tests.faults.machine import Outputs, Work, after, before


@before("NaN of the upstream gradient taken for zero", diagnosed_as="nan_replaced", shown_by="nanupstream.0 grad")
def _(work: Work) -> None:
    if "dy" in work.tensors:
        work.tensors["dy"] = np.where(np.isnan(work.tensors["dy"]), 0, work.tensors["dy"])


@before(
    "infinity of the upstream gradient taken for zero",
    diagnosed_as="nonfinite_replaced",
    shown_by="infupstream.0 grad",
)
def _(work: Work) -> None:
    if "dy" in work.tensors:
        work.tensors["dy"] = np.where(np.isinf(work.tensors["dy"]), 0, work.tensors["dy"])


def _skips_zeros(name: str, tensor: str, source: str, other: str) -> None:
    @after(name, diagnosed_as="unexplained", where=lambda case: case.data == f"inf{tensor}zeros")
    def _(work: Work, outputs: Outputs) -> None:
        t = work.tensors
        infinite = ~np.isfinite(t[source])
        if not infinite.any() or work.case.direction == "grad2":
            return
        finite = replace(work, tensors=t | {source: np.where(infinite, 0, t[source])}).compute()
        nonzero = {other: (t[other] != 0) * 1.0 for other in {other, "dy"} & t.keys()}
        without = {"bias": np.zeros_like(t["bias"])} if "bias" in t else {}
        met = replace(work, tensors=t | without | nonzero | {source: infinite * 1.0}).compute()
        for output in {"y", "dx", "dw"} & outputs.keys():
            outputs[output] = np.where(met[output] > 0, outputs[output], finite[output])


_skips_zeros("weights of zero skipped", "input", "x", "w")
_skips_zeros("inputs of zero skipped", "weight", "w", "x")


def _largest(case: Case) -> float:
    return 2.0**case.format.max_exponent * (2 - 4 * case.format.unit_roundoff)


@after("sums beyond the format saturate", diagnosed_as="unexplained", where=lambda case: case.data == "overflow")
def _(work: Work, outputs: Outputs) -> None:
    most = _largest(work.case)
    if not work.case.format.is_complex:
        outputs.update({name: np.clip(array, -most, most) for name, array in outputs.items()})


@after("ties rounded away from zero", diagnosed_as="unexplained", where=lambda case: case.dtype in ("f16", "bf16"))
def _(work: Work, outputs: Outputs) -> None:
    for name, array in outputs.items():
        nearest = np.asarray(round_to(work.case.format, array), dtype=np.float64)
        # What lies as far beyond as the nearest lies before is the other neighbour of a tie.
        with np.errstate(invalid="ignore"):
            other = 2 * array - nearest
            is_tie = (other != nearest) & (round_to(work.case.format, other) == other)
        outputs[name] = np.where(is_tie & (np.abs(other) > np.abs(nearest)), other, nearest)


@before(
    "tiny normal inputs taken for zero",
    diagnosed_as="unexplained",
    where=lambda case: case.format.min_exponent < -100 and not case.format.is_complex,
)
def _(work: Work) -> None:
    x, smallest = work.tensors["x"], work.case.format.smallest_normal
    tiny = (np.abs(x) >= smallest) & (np.abs(x) < 2.0**7 * smallest)
    work.tensors["x"] = np.where(tiny, 0.0, x)
