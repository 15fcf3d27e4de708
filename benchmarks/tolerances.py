"""Which rule distinguishes right outputs from wrong ones: the derived bound, and other projects' tolerances.

    python -m benchmarks.tolerances [--tier smoke]

Right outputs come from four ways to sum in float32 (float64 for f64 cases), rounded once to the dtype. Wrong ones
come from planted faults (tests/faults), and differ from the right one in at least one bit. The cases are the
forward cases of a tier with normal data, with input and bias scaled by 1e-6, 1 and 1e6. A rule should flag no
right output and miss no wrong one. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.false_alarms import ALGORITHMS, SCALES, computed, one_by_one, scaled
from benchmarks.figures import table
from conformance.cases import Case
from conformance.cases.data import Tensors, make_tensors
from conformance.cases.dtypes import round_to
from conformance.cases.tiers import TIERS, load_tier
from conformance.oracle.error_bound import PROFILES, tolerance
from conformance.oracle.expected_output import reference
from conformance.oracle.reference import Reference
from tests.faults.catalogue import FAULTS, RIGHT, Fault

__all__ = ["ASSERT_CLOSE", "JAX", "KERAS", "NUMERIC", "RULES", "compare"]

Rule = Callable[[Case, Reference, np.ndarray], bool]

NUMERIC = (
    "float32 inputs rounded to TF32",
    "float32 inputs rounded to bfloat16",
    "float32 result rounded to bfloat16",
    "float32 result rounded to float16",
    "bfloat16 computed by way of float16",
    "float64 computed in float32",
    "result truncated instead of rounded",
    "accumulated in the storage format",
    "one product lost at one element",
    "one element off by one unit in the last place",
)
"""The faults of arithmetic; the others put values in wrong places."""


def _derived(case: Case, expected: Reference, values: np.ndarray) -> bool:
    profile = PROFILES["fp64" if case.dtype == "f64" else "fp32-acc"]
    return _beyond(values, expected, tolerance(expected, case.format, profile))


def _close(tolerances: dict[str, tuple[float, float]]) -> Rule:
    """A rule by relative and absolute tolerance, per dtype."""

    def flags(case: Case, expected: Reference, values: np.ndarray) -> bool:
        relative, absolute = tolerances[case.dtype]
        return _beyond(values, expected, absolute + relative * np.abs(expected.exact))

    return flags


def _kernel(case: Case) -> int:
    """Products of one whole window, as the ULP rule and TOSA count them."""
    return math.prod(case.kernel_size) * case.in_channels // case.groups


def _ulp(case: Case, expected: Reference, values: np.ndarray) -> bool:
    dtype = case.format
    power = np.floor(np.log2(np.maximum(np.abs(expected.exact), dtype.smallest_normal)))
    return _beyond(values, expected, 2 * _kernel(case) * np.exp2(power) * 2 * dtype.unit_roundoff)


def _tosa(case: Case, expected: Reference, values: np.ndarray) -> bool:
    dtype = case.format
    accumulator_bits = 53 if case.dtype == "f64" else 24
    kernel = math.ceil(_kernel(case) / 2 ** ((accumulator_bits - dtype.precision) / 2))
    unit = np.maximum(expected.magnitude * dtype.unit_roundoff, dtype.smallest_normal)
    with np.errstate(over="ignore"):
        error = np.where(
            expected.magnitude == 0, np.where(values == 0, 0, np.inf), (values - expected.exact) / unit
        )
    return bool(np.any(~(np.abs(error) <= 2 * kernel)) or np.sum(error**2) > 4 * 0.4 * kernel * error.size)


def _beyond(values: np.ndarray, expected: Reference, allowed: np.ndarray) -> bool:
    with np.errstate(invalid="ignore"):
        return not bool(np.all(np.abs(values - expected.exact) <= allowed))


# torch.testing.assert_close, relative and absolute: the defaults that its documentation lists per dtype.
ASSERT_CLOSE = {"f16": (1e-3, 1e-5), "bf16": (1.6e-2, 1e-5), "f32": (1.3e-6, 1e-5), "f64": (1e-7, 1e-7)}
# jax._src.public_test_util: one number per dtype, relative and absolute.
JAX = {"f16": 1e-3, "bf16": 1e-2, "f32": 1e-6, "f64": 1e-15}
# keras.src.testing.TestCase.assertAllClose: one number, relative and absolute.
KERAS = 1e-6

RULES: dict[str, Rule] = {
    "derived bound": _derived,
    "assert_close": _close(ASSERT_CLOSE),
    "Keras": _close(dict.fromkeys(JAX, (KERAS, KERAS))),
    "JAX": _close({dtype: (both, both) for dtype, both in JAX.items()}),
    # The tests of WebNN: 2 units in the last place for each product of a window (web-platform-tests, webnn).
    "ULP": _ulp,
    # TOSA's dot-product rule, each element and the variance (reference_model, verify_dot_product.cpp), with the
    # number of products divided by 2**((bits of the accumulator - bits of the dtype) / 2).
    "TOSA": _tosa,
}
"""Whether an output is flagged: from a case, the oracle's reference and the values."""


def _right(case: Case, tensors: Tensors) -> Iterator[np.ndarray]:
    wide, given = case, tensors
    if case.dtype in ("f16", "bf16"):
        wide = replace(case, dtype="f32")
        given = {name: array.astype(np.float32) for name, array in tensors.items()}
    replies = [computed(algorithm, wide, given) for algorithm in ALGORITHMS] + [one_by_one(wide, given)]
    for reply in replies:
        yield round_to(case.format, reply.tensors["y"].values)


def _wrong(case: Case, tensors: Tensors, fault: Fault, right: np.ndarray) -> np.ndarray | None:
    """The output of a planted fault, if it has the right shape and dtype and different bits."""
    with np.errstate(all="ignore"):
        reply = fault.reply(case, tensors)
    y = reply.tensors.get("y")
    if reply.kind != "answer" or y is None or (y.dtype, y.values.shape) != (case.dtype, right.shape):
        return None
    return None if np.array_equal(y.values, right) else y.values


def compare(cases: list[Case]) -> dict[str, tuple[int, Counter[str]]]:
    """For each kind of output, how many there are, and how many of them each rule judges wrongly."""
    numbers: Counter[str] = Counter()
    mistakes: dict[str, Counter[str]] = defaultdict(Counter)

    def note(kind: str, is_right: bool, case: Case, expected: Reference, values: np.ndarray) -> None:
        numbers[kind] += 1
        # Every rule gets the numbers in double precision; the outputs themselves are values of the dtype.
        mistakes[kind].update(
            name for name, flags in RULES.items() if flags(case, expected, values.astype(np.float64)) == is_right
        )

    for case in cases:
        for scale in SCALES:
            tensors = scaled(case, make_tensors(case), scale)
            expected = reference(case, tensors)["y"]
            for values in _right(case, tensors):
                note(f"right, scaled by {scale:g}", True, case, expected, values)
            right = RIGHT.reply(case, tensors).tensors["y"].values
            for name, fault in FAULTS.items():
                wrong = _wrong(case, tensors, fault, right) if case.rank in fault.ranks else None
                if wrong is not None:
                    kind = name if name in NUMERIC else f"values in wrong places, scaled by {scale:g}"
                    note(kind, False, case, expected, wrong)
    order = [kind for kind in numbers if kind.startswith("right")] + list(NUMERIC)
    order += [kind for kind in numbers if kind not in order]
    return {kind: (numbers[kind], mistakes[kind]) for kind in order if numbers[kind]}


def measure(tier: str = "smoke") -> dict[str, Any]:
    """Count the mistakes of every rule on a tier."""
    cases = [c for c in load_tier(tier) if c.data == "normal" and c.direction == "fwd" and not c.format.is_complex]
    return {
        kind: {"number": number, "mistakes": {rule: mistakes[rule] for rule in RULES}}
        for kind, (number, mistakes) in compare(cases).items()
    }


def markdown(figures: dict[str, Any]) -> str:
    """The table of the README."""
    rows = [
        (
            kind,
            measured["number"],
            *(f"{n / measured['number']:.1%}" if n else "0" for n in measured["mistakes"].values()),
        )
        for kind, measured in figures.items()
    ]
    return table(("outputs", "number", *RULES), rows)


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tier", choices=list(TIERS), default="smoke")
    print(json.dumps(measure(parser.parse_args().tier), indent=2))


if __name__ == "__main__":
    main()
