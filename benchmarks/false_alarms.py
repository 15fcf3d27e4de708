"""How often the derived bound calls a right output wrong: element-wise verdicts and alarms, per dtype.

    python -m benchmarks.false_alarms [--seeds 3] [--dtype f32 ...] [--adapter torch ...]

The implementations are the oracle's three algorithms with their arithmetic in the dtype (for bfloat16, in which
NumPy cannot compute, with sums in float32), sums of one product at a time in random order with every sum rounded
to the dtype, and frameworks. The frameworks are known to be right in these cases. The input and the bias are
scaled by 1e-6, 1 and 1e6. Prints JSON, and exits with 1 if there is any alarm.
"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from typing import Any

import numpy as np

from benchmarks.figures import grouped, table
from conformance import oracle
from conformance.adapters.base import Tensor
from conformance.adapters.host.client import AdapterProcess, Reply
from conformance.adapters.registry import resolve
from conformance.cases import Case
from conformance.cases.data import Tensors, make_tensors
from conformance.cases.dtypes import DTYPES, round_to
from conformance.oracle.error_bound import PROFILES, tolerance
from conformance.oracle.expected_output import reference
from conformance.oracle.verdict import judge

__all__ = [
    "ADAPTERS",
    "ALGORITHMS",
    "SCALES",
    "TEMPLATES",
    "Count",
    "computed",
    "count",
    "one_by_one",
    "scaled",
    "scaled_cases",
]

Run = Callable[[Case, Tensors], Reply]

ADAPTERS = ("torch", "tf-nn", "jax-lax")

# Many items of few positions: the matrix of a whole convolution stays small.
TEMPLATES = (
    "1d-n600-c5x4-i9-k4-s2-valid-cl-{dtype}-b1-normal.{seed}",
    "2d-n128-c4x6-i6x5-k3x4-s2x1-same-cl-{dtype}-b1-normal.{seed}",
    "2d-n128-c6x3-i5x6-k2x3-d2x1-valid-cl-{dtype}-normal.{seed}",
    "3d-n128-c3x2-i3x4x2-k2x3x2-s1x2x2-same-{dtype}-normal.{seed}",
)
SCALES = (1e-6, 1.0, 1e6)
_FLOAT16_LARGEST = 64.0  # instead of 1e6: with more, sums of dw overflow the format

ALGORITHMS = {
    "scatter by tap": ("conv_transpose", "conv_transpose_gradients"),
    "zero insertion": ("by_zero_insertion", "gradients_by_correlation"),
    "forward matrix": ("by_forward_matrix", "gradients_by_forward_matrix"),
}


@dataclass
class Count:
    """Verdicts on one implementation in one dtype.

    ``share`` is the largest error as a share of what the bound allows; ``declined`` counts cases.
    """

    verdicts: int = 0
    alarms: int = 0
    share: float = 0.0
    declined: int = 0

    def __iadd__(self, other: Count) -> Count:
        self.verdicts += other.verdicts
        self.alarms += other.alarms
        self.share = max(self.share, other.share)
        self.declined += other.declined
        return self


def scaled_cases(dtype: str, seed: int = 0, batch: int | None = None) -> Iterator[tuple[Case, Tensors]]:
    """Every case, forward and gradients, at every scale; a ``batch`` makes them smaller."""
    for text in TEMPLATES:
        forward = Case.parse(text.format(dtype=dtype, seed=seed))
        forward = replace(forward, batch=batch or forward.batch)
        for case in (forward, replace(forward, direction="grad")):
            drawn = make_tensors(case)
            for scale in SCALES:
                yield case, scaled(case, drawn, scale)


def scaled(case: Case, drawn: Tensors, scale: float) -> Tensors:
    """The tensors of a case with its input and bias scaled, by less where the dtype cannot hold it."""
    factor = min(scale, _FLOAT16_LARGEST) if case.dtype == "f16" else scale
    return drawn | {name: round_to(case.format, drawn[name] * factor) for name in ("x", "bias") if name in drawn}


def count(case: Case, tensors: Tensors, reply: Reply) -> Count:
    """Judge every element of an output that is known to be right."""
    if reply.kind in ("unsupported", "inexpressible"):
        return Count(declined=1)
    if reply.kind != "answer":
        raise RuntimeError(f"{case}: {reply.kind}: {reply.detail}")
    expected, total = reference(case, tensors), Count()
    for name, right in expected.items():
        values = reply.tensors[name].values
        with np.errstate(invalid="ignore"):
            share = np.abs(values - right.exact) / tolerance(right, case.format, PROFILES[reply.promise])
        total += Count(share.size, int(np.sum(~(share <= 1))), float(np.max(share, initial=0.0)))
    if total.alarms == 0 and judge(case, tensors, reply, expected=expected).status == "fail":
        total.alarms = 1
    return total


@cache
def _oracle_in(real: str, complex_: str) -> types.ModuleType:
    """The oracle's own source with other formats instead of float64 and complex128."""
    text = inspect.getsource(oracle).replace("np.float64", f"np.{real}").replace("np.complex128", f"np.{complex_}")
    module = types.ModuleType(f"oracle_in_{real}")
    exec(compile(text, module.__name__, "exec"), module.__dict__)
    return module


def computed(algorithm: str, case: Case, tensors: Tensors) -> Reply:
    """The output of one of the oracle's algorithms in the arithmetic of the case's dtype."""
    real, complex_ = tensors["x"].real.dtype.name, np.result_type(tensors["x"], np.complex64).name
    run = getattr(_oracle_in(real, complex_), ALGORITHMS[algorithm][case.direction == "grad"])
    with np.errstate(under="ignore"):
        if case.direction == "grad":
            outputs = run(tensors["x"], tensors["w"], tensors["dy"], **_parameters(case))._asdict()
        else:
            outputs = {"y": run(tensors["x"], tensors["w"], tensors.get("bias"), **_parameters(case))}
    return _reply(case, outputs, "f16")


def _parameters(case: Case) -> dict[str, Any]:
    return {
        "stride": case.stride,
        "dilation": case.dilation,
        "groups": case.groups,
        "layout": case.layout,
        "crop": case.geometry().crop,
    }


def one_by_one(case: Case, tensors: Tensors) -> Reply:
    """The output by one product at a time, in random order, each sum rounded to the dtype."""
    if case.direction == "grad":
        return Reply("inexpressible")
    x, w = tensors["x"], tensors["w"]
    terms = [(channel, tap) for channel in range(case.in_channels) for tap in np.ndindex(*case.kernel_size)]
    total = np.zeros(case.output_shape, case.format.carrier)
    for n in np.random.default_rng(case.seed).permutation(len(terms)):
        channel, tap = terms[n]
        alone = np.zeros_like(w)
        alone[(channel, slice(None), *tap)] = w[(channel, slice(None), *tap)]
        product = round_to(case.format, oracle.conv_transpose(x, alone, **_parameters(case)))
        total = round_to(case.format, total + product)
    if case.bias:
        bias = (
            tensors["bias"] if case.layout == "channels_last" else tensors["bias"].reshape(-1, *(1,) * case.rank)
        )
        total = round_to(case.format, total + bias)
    return _reply(case, {"y": total}, "f16", "bf16")


def _reply(case: Case, outputs: Tensors, *summed_in_storage: str) -> Reply:
    promises = {"f64": "fp64", "c128": "fp64"} | dict.fromkeys(summed_in_storage, "storage-acc")
    tensors = {
        name: Tensor(round_to(case.format, array), case.dtype)
        for name, array in outputs.items()
        if name != "db" or case.bias
    }
    return Reply("answer", tensors, promise=promises.get(case.dtype, "fp32-acc"))


def _implementations(adapters: Iterable[str]) -> Iterator[tuple[str, Run]]:
    for algorithm in ALGORITHMS:
        yield f"oracle, {algorithm}", partial(computed, algorithm)
    yield "one product at a time", one_by_one
    for name in adapters:
        with AdapterProcess(resolve(name)) as host:
            yield name, host.run


def measure(
    adapters: Iterable[str] = ADAPTERS, dtypes: Iterable[str] = tuple(DTYPES), seeds: int = 3
) -> dict[str, Any]:
    """Count for every implementation and dtype."""
    figures: dict[str, dict[str, dict[str, Any]]] = {}
    for name, run in _implementations(adapters):
        figures[name] = {}
        for dtype in dtypes:
            total = Count()
            for seed in range(seeds):
                for case, tensors in scaled_cases(dtype, seed):
                    total += count(case, tensors, run(case, tensors))
            figures[name][dtype] = asdict(total)
    return figures


def markdown(figures: dict[str, Any]) -> str:
    """The table of the README: alarms of all verdicts, and the largest share of the bound."""

    def cell(measured: dict[str, Any]) -> str:
        if not measured["verdicts"]:
            return ""
        return f"{measured['alarms']} of {grouped(measured['verdicts'])}, {measured['share']:.2f}"

    dtypes = list(dict.fromkeys(dtype for row in figures.values() for dtype in row))
    rows = [(name, *(cell(row[dtype]) for dtype in dtypes)) for name, row in figures.items()]
    return table(("implementation", *dtypes), rows)


def main() -> int:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--dtype", action="append", choices=list(DTYPES))
    parser.add_argument("--adapter", action="append")
    arguments = parser.parse_args()
    figures = measure(arguments.adapter or ADAPTERS, arguments.dtype or tuple(DTYPES), arguments.seeds)
    print(json.dumps(figures, indent=2))
    return int(any(measured["alarms"] for row in figures.values() for measured in row.values()))


if __name__ == "__main__":
    sys.exit(main())
