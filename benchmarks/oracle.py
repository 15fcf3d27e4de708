"""How fast the oracle is, compared with other ways to compute the same numbers.

    python -m benchmarks.oracle [--tier gate] [--repeats 3]

The peers compute the forward cases of a tier from the same float64 arrays: PyTorch on one thread, the reference
evaluator of ONNX, and a loop over every product, as frameworks' tests write it. One-time costs (a model, a
session) are not timed. A case for which a peer's output is different, or an error, is left out of its comparison.
Then the oracle alone runs ever larger cases, forward and gradients, to 1e9 products: the time per product must not
grow. Prints JSON.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from benchmarks.figures import best_of, spread, table, with_spread
from conformance import oracle
from conformance.cases import Case
from conformance.cases.errors import DomainError
from conformance.cases.policy import beyond_memory
from conformance.oracle.expected_output import input_tensors
from conformance.runner.selection import select

Call = Callable[[], Any]

# Sizes of one growing case: the input's edge, channels in and out.
GROWTH = ((8, 4, 4), (16, 8, 8), (32, 16, 16), (64, 32, 32), (128, 64, 64), (129, 81, 81))


def _plain_cases(tier: str) -> Iterator[tuple[Case, dict[str, np.ndarray]]]:
    """Forward cases in channels_first with one window that all peers can express, in float64."""
    for case in select(tier, (), None):
        try:
            plain = case.direction == "fwd" and case.layout == "channels_first" and not case.format.is_complex
            if not plain or beyond_memory(case) or len(case.geometry().windows) > 1:
                continue
        except DomainError:
            continue
        lows = [low for low, _ in case.geometry().crop]
        if min(lows) >= 0 and 0 not in (*case.output_shape, *case.input_shape):
            yield case, {name: array.astype(np.float64) for name, array in input_tensors(case).items()}


def _oracle(case: Case, t: dict[str, np.ndarray]) -> Call:
    arguments: dict[str, Any] = {"stride": case.stride, "dilation": case.dilation, "groups": case.groups}
    crop = case.geometry().crop
    return lambda: oracle.conv_transpose(t["x"], t["w"], t.get("bias"), crop=crop, **arguments)


def _torch(case: Case, t: dict[str, np.ndarray]) -> Call:
    import torch

    torch.set_num_threads(1)
    function = getattr(torch.nn.functional, f"conv_transpose{case.rank}d")
    x, w = torch.from_numpy(t["x"]), torch.from_numpy(t["w"])
    bias = torch.from_numpy(t["bias"]) if "bias" in t else None
    crop = case.geometry().crop
    arguments: dict[str, Any] = {"stride": case.stride, "dilation": case.dilation, "groups": case.groups}
    if all(low == high for low, high in crop):
        padding = tuple(low for low, _ in crop)
        return lambda: function(x, w, bias, padding=padding, **arguments).numpy()
    index = (..., *(slice(low, low + n) for (low, _), n in zip(crop, case.geometry().output_size, strict=True)))
    ends = [-min(high, 0) for _, high in crop]
    pads = [pad for end in reversed(ends) for pad in (0, end)]

    def call() -> Any:
        full = function(x, w, None, **arguments)
        y = torch.nn.functional.pad(full, pads)[index] if any(pads) else full[index]
        return (y if bias is None else y + bias.reshape(-1, *(1,) * case.rank)).numpy()

    return call


def _onnx(case: Case, t: dict[str, np.ndarray]) -> Call | None:
    """The reference evaluator, where the operator can express the crop."""
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    crop = case.geometry().crop
    if any(min(pair) < 0 for pair in crop):
        return None
    inputs = {"X": t["x"], "W": t["w"]} | ({"B": t["bias"]} if "bias" in t else {})
    node = helper.make_node(
        "ConvTranspose", list(inputs), ["Y"], strides=case.stride, dilations=case.dilation, group=case.groups,
        kernel_shape=case.kernel_size, pads=[low for low, _ in crop] + [high for _, high in crop],
    )  # fmt: skip
    infos = [helper.make_tensor_value_info(n, TensorProto.DOUBLE, list(a.shape)) for n, a in inputs.items()]
    result = helper.make_tensor_value_info("Y", TensorProto.DOUBLE, None)
    graph = helper.make_graph([node], "case", infos, [result])
    session = ReferenceEvaluator(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)]))
    return lambda: session.run(None, inputs)[0]


def _loops(case: Case, t: dict[str, np.ndarray]) -> Call:
    """Every product of the definition, one after the other."""
    x, w = t["x"], t["w"]
    crop, size = case.geometry().crop, case.geometry().output_size
    share_in, share_out = w.shape[0] // case.groups, w.shape[1]

    def call() -> np.ndarray:
        y = np.zeros((x.shape[0], case.out_channels, *size))
        for n, c in np.ndindex(*x.shape[:2]):
            for f, j, k in itertools.product(range(share_out), np.ndindex(*x.shape[2:]), np.ndindex(*w.shape[2:])):
                axes = zip(j, case.stride, k, case.dilation, crop, strict=True)
                output = tuple([a * s + b * d - low for a, s, b, d, (low, _) in axes])
                if all(0 <= p < limit for p, limit in zip(output, size, strict=True)):
                    y[(n, c // share_in * share_out + f, *output)] += x[(n, c, *j)] * w[(c, f, *k)]
        return y if "bias" not in t else y + t["bias"].reshape(-1, *(1,) * case.rank)

    return call


PEERS: dict[str, Callable[[Case, dict[str, np.ndarray]], Call | None]] = {
    "float64 PyTorch, one thread": _torch,
    "ONNX reference evaluator": _onnx,
    "loop over the products": _loops,
}


def peers(tier: str, repeats: int) -> dict[str, Any]:
    """The time of each peer over that of the oracle, on the cases that both compute; all outputs agree."""
    cases = list(_plain_cases(tier))
    figures: dict[str, Any] = {}
    for name, make in PEERS.items():
        calls = [(_oracle(case, t), make(case, t)) for case, t in cases]
        both = [(ours, theirs) for ours, theirs in calls if theirs is not None]
        fit = []
        for ours, theirs in both:
            try:
                expected, output = ours(), theirs()
            except (ValueError, IndexError):
                continue
            if expected.shape == output.shape and np.allclose(
                expected, output, rtol=1e-9, atol=1e-9, equal_nan=True
            ):
                fit.append((ours, theirs))
        once = name == "loop over the products"
        ratios, each = [], []
        for _ in range(repeats):
            times = [
                (best_of(ours, within=0, repeats=5), best_of(theirs, within=0, repeats=1 if once else 5))
                for ours, theirs in fit
            ]
            ratios.append(sum(theirs for _, theirs in times) / sum(ours for ours, _ in times))
            each.append(float(np.median([theirs / ours for ours, theirs in times])))
        figures[name] = {
            "cases": len(fit), "left_out": len(cases) - len(fit),
            "time_over_ours": spread(ratios), "median_case": spread(each),
        }  # fmt: skip
    return figures


def growth() -> list[dict[str, Any]]:
    """Nanoseconds per product as the number of products grows, and PyTorch's time over the oracle's."""
    rows = []
    rng = np.random.default_rng(0)
    for edge, inputs, outputs in GROWTH:
        case = Case(2, (edge, edge), (3, 3), 1, inputs, outputs, stride=(2, 2), dtype="f64")
        t = {name: rng.standard_normal(shape) for name, shape in
             {"x": case.input_shape, "w": case.weight_shape, "dy": case.output_shape}.items()}  # fmt: skip
        products = math.prod(case.input_shape) * math.prod(case.weight_shape[1:])
        forward = best_of(_oracle(case, t))
        crop = case.geometry().crop
        gradients = best_of(partial(oracle.conv_transpose_gradients, t["x"], t["w"], t["dy"], stride=2, crop=crop))
        rows.append(
            {
                "products": products,
                "forward_s": forward,
                "forward_ns_a_product": forward / products * 1e9,
                "gradients_ns_a_product": gradients / products * 1e9,
                "torch_over_ours": best_of(_torch(case, t)) / forward,
            }
        )
    return rows


def measure(tier: str = "gate", repeats: int = 3) -> dict[str, Any]:
    """All figures, from a process in which every matrix product takes one thread."""
    command = [sys.executable, "-m", "benchmarks.oracle", "--tier", tier, "--repeats", str(repeats)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def _here(tier: str, repeats: int) -> dict[str, Any]:
    return {"tier": tier, "repeats": repeats, "peers": peers(tier, repeats), "growth": growth()}


def markdown(figures: dict[str, Any]) -> str:
    """The tables of the README."""
    rows = [
        (name, measured["cases"], with_spread(measured["time_over_ours"], 1),
         with_spread(measured["median_case"], 1))
        for name, measured in figures["peers"].items()
    ]  # fmt: skip
    grown = [
        (f"{row['products']:.1e}", f"{row['forward_ns_a_product']:.3f}", f"{row['gradients_ns_a_product']:.3f}",
         f"{row['torch_over_ours']:.2f}")
        for row in figures["growth"]
    ]  # fmt: skip
    return "\n\n".join(
        [
            table(("peer", "cases", "its time over the oracle's, all", "median case"), rows),
            table(("products", "forward, ns each", "gradients, ns each", "PyTorch over the oracle"), grown),
        ]
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tier", default="gate")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    print(json.dumps(_here(arguments.tier, arguments.repeats), indent=2))


if __name__ == "__main__":
    main()
