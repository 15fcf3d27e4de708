"""How one reply compares with the oracle.

Each kind of reply has its own judge in ``_JUDGES``; each returns the fields of an `Outcome` that it decides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.adapters.base import Tensor
from conformance.adapters.host.client import Reply
from conformance.cases.case import Case
from conformance.cases.data import DATA_KINDS
from conformance.cases.dtypes import DType, round_to, spacing
from conformance.cases.errors import DomainError
from conformance.cases.policy import policies
from conformance.oracle.counted import is_count, kept_in, smallest
from conformance.oracle.error_bound import PROFILES, is_normwise, profiles_for, says_nothing, tolerance
from conformance.oracle.expected_output import Tensors, judged_bit_by_bit, reference
from conformance.oracle.reference import Reference

__all__ = ["judge"]

Verdict = dict[str, Any]
EXACT = "exact"
_FAR = float("inf")


def judge(case: Case, tensors: Tensors, reply: Reply, *, expected: dict[str, Reference] | None = None) -> Verdict:
    """Judge one reply.

    Parameters
    ----------
    case : Case
        The case.
    tensors : dict of numpy.ndarray
        Its input data.
    reply : Reply
        The adapter's reply.
    expected : dict of Reference, optional
        The expected output, where the caller has it already.

    Returns
    -------
    dict
        Fields of an `Outcome`: ``status`` always; ``kind``, ``detail``, ``profile``, ``budget``,
        ``max_abs_error``, ``max_ulp_error``, ``digest`` where they apply.
    """
    return _JUDGES[reply.kind](case, tensors, reply, expected)


def _status_of_reply(status: str) -> Callable[..., Verdict]:
    return lambda case, tensors, reply, expected: {
        "status": status,
        "detail": reply.detail,
        "source": reply.source,
    }


def _raised(case: Case, tensors: Tensors, reply: Reply, expected: dict[str, Reference] | None) -> Verdict:
    try:
        choices = policies(case)
    except DomainError as error:
        return {"status": "pass", "detail": f"correctly rejected ({error}): {reply.detail}"}
    if choices:
        return {
            "status": "unsupported",
            "detail": f"R12 allows a refusal ({', '.join(choices)}): {reply.detail}",
        }
    return {"status": "fail", "kind": "rejected", "detail": reply.detail}


def _invalidity(case: Case) -> str:
    """Why a case is invalid (R11); empty for a valid case."""
    try:
        case.geometry()
    except DomainError as error:
        return str(error)
    return ""


def _not_compared(kind: str) -> Callable[..., Verdict]:
    """Judge an output whose values cannot be compared; for an invalid case any output is wrong."""

    def judged(case: Case, tensors: Tensors, reply: Reply, expected: dict[str, Reference] | None) -> Verdict:
        reason = _invalidity(case)
        if reason:
            return _fail("accepted", f"returned an output for an invalid case ({reason}): {reply.detail}")
        return _fail(kind, reply.detail)

    return judged


def _compared(case: Case, tensors: Tensors, reply: Reply, expected: dict[str, Reference] | None) -> Verdict:
    digest = _digest(reply.tensors)
    try:
        case.geometry()
    except DomainError as error:
        shapes = ", ".join(map(str, _shapes(reply)))
        return _fail("accepted", f"returned shape {shapes} for an invalid case ({error})") | {"digest": digest}
    if _is_inference(reply):
        (inferred,) = _shapes(reply)
        verdict: Verdict = {"status": "pass", "detail": f"infers the shape {inferred}"}
        if inferred != case.output_shape:
            verdict = _fail("shape", f"infers the shape {inferred}; by the rules it is {case.output_shape}")
        return verdict | {"digest": digest}
    # Shapes first: the expected values may not fit in any memory.
    for name, shape in case.output_shapes().items():
        tensor = reply.tensors.get(name)
        if tensor is None:
            return _fail("shape", f"{name} is missing from the output") | {"digest": digest}
        if tensor.values.shape != shape:
            return _fail("shape", f"{name} has shape {tensor.values.shape}; by the rules it is {shape}") | {
                "digest": digest
            }
    expected = expected or reference(case, tensors)
    verdict = {"status": "pass", "profile": EXACT, "budget": 0.0, "max_abs_error": 0.0}
    for name, ref in expected.items():
        verdict = _worse(verdict, _compare(case, name, ref, reply.tensors[name], reply.promise))
    if not reply.steady:
        first = f"; the first is wrong: {verdict['detail']}" if verdict["status"] == "fail" else ""
        verdict |= _fail("nondeterministic", f"two runs on the same data gave different results{first}")
    if verdict["status"] == "pass" and not DATA_KINDS[case.data].exact:
        verdict["max_ulp_error"] = max(_ulps(case, ref, reply.tensors[name]) for name, ref in expected.items())
    return verdict | {"digest": digest}


def _is_inference(reply: Reply) -> bool:
    """Whether the output is a shape without values."""
    return reply.tensors.keys() == {"shape"}


def _shapes(reply: Reply) -> list[tuple[int, ...]]:
    if _is_inference(reply):
        return [tuple(reply.tensors["shape"].values.tolist())]
    return [tensor.values.shape for tensor in reply.tensors.values()]


_JUDGES: dict[str, Callable[..., Verdict]] = {
    "answer": _compared,
    "not_numbers": _not_compared("dtype"),
    "misshapen": _not_compared("shape"),
    "raised": _raised,
    "unsupported": _status_of_reply("unsupported"),
    "inexpressible": _status_of_reply("inexpressible"),
    "crash": _status_of_reply("crash"),
    "timeout": _status_of_reply("timeout"),
    "broken": _status_of_reply("infra"),
}


def _fail(kind: str, detail: str) -> Verdict:
    return {"status": "fail", "kind": kind, "detail": detail}


def _worse(first: Verdict, second: Verdict) -> Verdict:
    """Combine two tensors' verdicts: the first failure, else the first unchecked, else the loosest profile."""
    for status in ("fail", "unchecked"):
        failing = next((verdict for verdict in (first, second) if verdict["status"] == status), None)
        if failing is not None:
            return failing
    order = [EXACT, *PROFILES]
    worst = max(first, second, key=lambda v: (order.index(v["profile"]), v["budget"]))
    return worst | {"max_abs_error": max(first["max_abs_error"], second["max_abs_error"])}


def _compare(case: Case, name: str, expected: Reference, got: Tensor, promised: str) -> Verdict:
    """Judge one output tensor."""
    wrong_values = "values" if case.direction == "fwd" else "gradient"
    if got.dtype != case.dtype:
        return _fail("dtype", f"{name} has dtype {got.dtype}; expected {case.dtype}")
    values = np.asarray(got.values, dtype=expected.exact.dtype)
    dtype = case.format
    nearest = round_to(dtype, expected.exact)
    wrong = ~_right(values, nearest, expected, dtype)
    if not wrong.any():
        return {"status": "pass", "profile": EXACT, "budget": 0.0, "max_abs_error": _distance(values, expected)}
    odd = wrong & (np.isfinite(values) != np.isfinite(nearest))
    if is_normwise(promised):
        # Where the norms overflow or are NaN, a finite element may become nonfinite, but not the other way round.
        odd &= np.isfinite(values) | np.isfinite(tolerance(expected, dtype, PROFILES[promised]))
    if odd.any():
        return _fail("nonfinite", f"{name} {_where(odd, values, nearest)}") | {"max_abs_error": _FAR}
    error = _distance(values, expected)
    if judged_bit_by_bit(case, promised):
        return _fail(wrong_values, f"{name} {_where(wrong, values, nearest)}") | {"max_abs_error": error}
    verdict = _against_profiles(case, name, expected, values, wrong, promised, wrong_values)
    return verdict | {"max_abs_error": error}


def _right(values: np.ndarray, nearest: np.ndarray, expected: Reference, dtype: DType) -> np.ndarray:
    """Which elements are bit-exact, up to the signs of zeros and the values that the data kind allows."""
    right = _equal(values, nearest)
    for other in expected.also:
        right |= _equal(values, round_to(dtype, other))
    return right & ~expected.minus_zeros(values)


def _equal(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return (first == second) | (np.isnan(first) & np.isnan(second))


def _against_profiles(
    case: Case,
    name: str,
    expected: Reference,
    values: np.ndarray,
    wrong: np.ndarray,
    promised: str,
    wrong_values: str,
) -> Verdict:
    """Judge an output by the error bounds; the tightest bound that it meets counts.

    ``wrong`` are the elements that are not right bit for bit.
    """
    order = [EXACT, *PROFILES]
    unchecked = wrong  # elements that no bound has checked
    for profile in profiles_for(case.format, promised):
        allowed = tolerance(expected, case.format, profile)
        within = _shares(values, expected, allowed) <= 1
        unchecked = unchecked & ~(within & ~says_nothing(expected, case.format, profile))
        if not within[wrong].all():
            continue
        used = _budget(values, expected, wrong, allowed)
        if not profile.normwise and (is_count(expected) & unchecked).any():
            return _wrong_counts(case, name, expected, values, unchecked, wrong_values)
        if order.index(profile.name) > order.index(promised):
            share = _budget(values, expected, wrong, tolerance(expected, case.format, PROFILES[promised]))
            text = f"{name} meets profile {profile.name}, not the promised {promised} ({share:.3g} x its bound)"
            return {"profile": profile.name, "budget": used} | _fail("precision", text)
        if unchecked.any():
            text = (
                f"{name} is beyond tighter profiles in {int(unchecked.sum())} of {unchecked.size} elements, and "
            )
            text += (
                f"the error bound of the promised {profile.name} says nothing there: it allows an output of zeros"
            )
            return {"status": "unchecked", "detail": text}
        return {"status": "pass", "profile": profile.name, "budget": used}
    loosest = profiles_for(case.format, promised)[-1]
    beyond = wrong & ~(_shares(values, expected, tolerance(expected, case.format, loosest)) <= 1)
    return _fail(wrong_values, f"{name} {_where(beyond, values, expected.exact)}")


def _wrong_counts(
    case: Case, name: str, expected: Reference, values: np.ndarray, unchecked: np.ndarray, wrong_values: str
) -> Verdict:
    """Judge counts that no tighter profile holds, where the bound of this one says nothing.

    No bound is needed for a count: a wrong count is lost precision where a sum kept in the format can give it, and
    a wrong value otherwise.
    """
    counts = unchecked & is_count(expected)
    impossible = counts & ~kept_in(case.format, values, expected)
    if impossible.any():
        return _fail(wrong_values, f"{name} {_where(impossible, values, expected.exact)}")
    shown = smallest(case.format, values, expected, counts)
    return _fail("precision", f"{name} has sums that {case.format.label} cannot count; {shown}")


def _shares(values: np.ndarray, expected: Reference, allowed: np.ndarray) -> np.ndarray:
    """The errors as shares of the allowed error; infinite where no error is allowed, 0 where there is none."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):  # a bound may be as small as 1e-308
        share = np.abs(values - expected.exact) / allowed
    return np.nan_to_num(share, nan=0.0, posinf=np.inf)


def _budget(values: np.ndarray, expected: Reference, wrong: np.ndarray, allowed: np.ndarray) -> float:
    return float(np.max(_shares(values, expected, allowed), initial=0.0, where=wrong))


def _distance(values: np.ndarray, expected: Reference) -> float:
    with np.errstate(invalid="ignore"):
        return float(np.max(np.nan_to_num(np.abs(values - expected.exact), nan=0.0), initial=0.0))


def _ulps(case: Case, expected: Reference, got: Tensor) -> float:
    """The largest difference in units in the last place of the expected value."""
    with np.errstate(invalid="ignore", over="ignore"):
        steps = np.abs(got.values - expected.exact) / spacing(case.format, expected.exact)
    # The verdict compares infinities and NaN; where both are the same there is no distance.
    return float(np.max(steps, initial=0.0, where=np.isfinite(steps)))


def _where(wrong: np.ndarray, values: np.ndarray, expected: np.ndarray) -> str:
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    return (
        f"differs in {int(wrong.sum())} of {wrong.size} elements, first at {list(first)}: "
        f"expected {expected[first]:.9g}, got {values[first]:.9g}"
    )


def _digest(tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tensor.values.shape} ".encode())
        digest.update(np.ascontiguousarray(tensor.values).tobytes())
    return digest.hexdigest()[:16]
