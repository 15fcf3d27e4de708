"""How one reply compares with the oracle: each kind of reply has its own judge in ``_JUDGES``."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from conformance.adapters.base import Tensor
from conformance.adapters.host.client import Reply, ReplyKind
from conformance.cases.case import Case
from conformance.cases.data import DATA_KINDS
from conformance.cases.dtypes import DType, round_to, spacing
from conformance.cases.errors import DomainError
from conformance.cases.large import is_large
from conformance.cases.policy import policies
from conformance.oracle.counted import is_count, kept_in, smallest
from conformance.oracle.error_bound import PROFILES, is_normwise, profiles_for, says_nothing, tolerance
from conformance.oracle.expected_output import Tensors, judged_bit_by_bit, reference
from conformance.oracle.overflow import within
from conformance.oracle.reference import Reference
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.statuses import FailKind, StatusName

__all__ = ["Verdict", "counted_wrong", "judge"]

EXACT = "exact"
_FAR = float("inf")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How one reply compares with the oracle; the attributes are those of an `Outcome`."""

    status: StatusName
    kind: FailKind | None = None
    profile: str | None = None
    budget: float | None = None
    max_abs_error: float | None = None
    max_ulp_error: float | None = None
    detail: str = ""
    source: str = ""
    digest: str = ""

    def outcome(self, case: Case, adapter: str) -> Outcome:
        """The outcome of a case on an adapter, without a diagnosis."""
        return Outcome(str(case), adapter, **vars(self))


Judge = Callable[[Case, Tensors, Reply, dict[str, Reference] | None], Verdict]


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
    Verdict
        The status, and the other attributes where they apply.
    """
    return _JUDGES[reply.kind](case, tensors, reply, expected)


def _status_of_reply(status: StatusName) -> Judge:
    return lambda case, tensors, reply, expected: Verdict(status=status, detail=reply.detail, source=reply.source)


def _raised(case: Case, tensors: Tensors, reply: Reply, expected: dict[str, Reference] | None) -> Verdict:
    try:
        choices = policies(case)
    except DomainError as error:
        return Verdict(status="pass", detail=f"correctly rejected ({error}): {reply.detail}")
    if choices:
        return Verdict(status="unsupported", detail=f"R12 allows a refusal ({', '.join(choices)}): {reply.detail}")
    if case.weight_dtype is not None:
        mixed = f"the input is {case.dtype}, the weights are {case.weight_dtype}"
        return Verdict(status="pass", detail=f"correctly rejected (R18: {mixed}): {reply.detail}")
    return _fail("rejected", reply.detail)


def _invalidity(case: Case) -> str:
    """Why a case is invalid (R11); empty for a valid case."""
    try:
        case.geometry()
    except DomainError as error:
        return str(error)
    return ""


def _not_compared(kind: FailKind) -> Judge:
    """Judge an output whose values cannot be compared; for an invalid case any output is wrong."""

    def judged(case: Case, tensors: Tensors, reply: Reply, expected: dict[str, Reference] | None) -> Verdict:
        reason = _invalidity(case)
        if reason:
            return _fail("accepted", f"returned an output for an invalid case ({reason}): {reply.detail}")
        return _fail(kind, reply.detail)

    return judged


def _compared(case: Case, tensors: Tensors, reply: Reply, expected: dict[str, Reference] | None) -> Verdict:
    compare = _compared_calls if reply.others else _compared_tensors
    verdict = compare(case, tensors, reply, expected)
    if verdict.status == "pass" and reply.overwritten:
        verdict = _fail("inputs", f"the call changed {', '.join(reply.overwritten)} in memory")
    if verdict.status == "pass" and reply.aliased:
        verdict = _fail("aliased", "; ".join(reply.aliased))
    return replace(verdict, digest=_digest(reply.tensors))


def _compared_calls(case: Case, tensors: Tensors, reply: Reply, expected: dict[str, Reference] | None) -> Verdict:
    """Judge calls whose outputs differ: each must be right, and the same where the adapter promises it."""
    same = reply.calls - sum(count for _, count in reply.others)
    judged = [
        (_compared_tensors(case, tensors, replace(reply, tensors=outputs, changing=()), expected), count)
        for outputs, count in ((reply.tensors, same), *reply.others)
    ]
    differ = f"{reply.calls} calls gave {len(judged)} different outputs"
    wrong = [(verdict, count) for verdict, count in judged if verdict.status == "fail"]
    if wrong:
        calls = sum(count for _, count in wrong)
        detail = f"{differ}, wrong in {calls} of them: {wrong[0][0].detail}"
        return replace(wrong[0][0], kind="nondeterministic", detail=detail)
    within = replace(judged[0][0], detail=f"{differ}, each within the error bound")
    return within if reply.deterministic else replace(within, status="fail", kind="nondeterministic")


def _compared_tensors(
    case: Case, tensors: Tensors, reply: Reply, expected: dict[str, Reference] | None
) -> Verdict:
    reason = _invalidity(case)
    if reason:
        shapes = ", ".join(map(str, _shapes(reply)))
        return _fail("accepted", f"returned shape {shapes} for an invalid case ({reason})")
    if _is_inference(reply):
        (inferred,) = _shapes(reply)
        if inferred != case.output_shape:
            return _fail("shape", f"infers the shape {inferred}; by the rules it is {case.output_shape}")
        return Verdict(status="pass", detail=f"infers the shape {inferred}")
    # Shapes first: the expected values may not fit in any memory.
    for name, shape in _compared_shapes(case, tensors).items():
        tensor = reply.tensors.get(name)
        if tensor is None:
            return _fail("shape", f"{name} is missing from the output")
        if tensor.values.shape != shape:
            return _fail("shape", f"{name} has shape {tensor.values.shape}; by the rules it is {shape}")
    expected = expected or reference(case, tensors)
    verdict = _passed(EXACT)
    for name, ref in expected.items():
        verdict = _worse(verdict, _compare(case, name, ref, reply.tensors[name], reply.promise))
    if not reply.deterministic:
        first = f"; the first is wrong: {verdict.detail}" if verdict.status == "fail" else ""
        detail = f"two runs on the same data gave different results{first}"
        return replace(verdict, status="fail", kind="nondeterministic", detail=detail)
    if verdict.status == "pass" and not DATA_KINDS[case.data].exact:
        most = max(_ulps(case, ref, reply.tensors[name]) for name, ref in expected.items())
        return replace(verdict, max_ulp_error=most)
    return verdict


def _compared_shapes(case: Case, tensors: Tensors) -> dict[str, tuple[int, ...]]:
    """The shapes of the outputs, or of their sampled elements; the adapter's process compares the whole shapes."""
    if is_large(case):
        return {name: positions.shape[:1] for name, positions in tensors.items()}
    return case.output_shapes()


def _is_inference(reply: Reply) -> bool:
    """Whether the output is a shape without values."""
    return reply.tensors.keys() == {"shape"}


def _shapes(reply: Reply) -> list[tuple[int, ...]]:
    if _is_inference(reply):
        return [tuple(reply.tensors["shape"].values.tolist())]
    return [tensor.values.shape for tensor in reply.tensors.values()]


_JUDGES: dict[ReplyKind, Judge] = {
    "answer": _compared,
    "not_numbers": _not_compared("dtype"),
    "misshapen": _not_compared("shape"),
    "raised": _raised,
    "unsupported": _status_of_reply("unsupported"),
    "inexpressible": _status_of_reply("inexpressible"),
    "crash": _status_of_reply("crash"),
    "timeout": _status_of_reply("timeout"),
    "no_memory": _status_of_reply("unchecked"),
    "broken": _status_of_reply("infra"),
}


def _fail(kind: FailKind, detail: str, max_abs_error: float | None = None) -> Verdict:
    return Verdict(status="fail", kind=kind, detail=detail, max_abs_error=max_abs_error)


def _passed(profile: str, budget: float = 0.0, max_abs_error: float = 0.0) -> Verdict:
    return Verdict(status="pass", profile=profile, budget=budget, max_abs_error=max_abs_error)


def _worse(first: Verdict, second: Verdict) -> Verdict:
    """Combine two tensors' verdicts: the first failure, else the first unchecked, else the loosest profile."""
    for status in ("fail", "unchecked"):
        failing = next((verdict for verdict in (first, second) if verdict.status == status), None)
        if failing is not None:
            return failing
    order = [EXACT, *PROFILES]
    worst = max(first, second, key=lambda v: (order.index(v.profile or EXACT), v.budget or 0.0))
    return replace(worst, max_abs_error=max(first.max_abs_error or 0.0, second.max_abs_error or 0.0))


def _compare(case: Case, name: str, expected: Reference, got: Tensor, promised: str) -> Verdict:
    """Judge one output tensor."""
    wrong_values: FailKind = "values" if case.direction == "fwd" else "gradient"
    if got.dtype != case.format.name:
        return _fail("dtype", f"{name} has dtype {got.dtype}; expected {case.format.name}")
    values = np.asarray(got.values, dtype=expected.exact.dtype)
    dtype = case.format
    nearest = round_to(dtype, expected.exact)
    wrong = ~_right(values, nearest, expected, dtype)
    if not wrong.any():
        return _passed(EXACT, max_abs_error=_distance(values, expected))
    odd = wrong & (np.isfinite(values) != np.isfinite(nearest))
    if promised in PROFILES and not judged_bit_by_bit(case, promised):
        odd &= ~within(values, expected, dtype, PROFILES[promised])
    if is_normwise(promised):
        # Where the norms overflow or are NaN, a finite element may become nonfinite, but not the reverse.
        odd &= np.isfinite(values) | np.isfinite(tolerance(expected, dtype, PROFILES[promised]))
    if odd.any():
        return _fail("nonfinite", f"{name} {_where(odd, values, nearest, expected)}", _FAR)
    error = _distance(values, expected)
    if judged_bit_by_bit(case, promised):
        return _fail(wrong_values, f"{name} {_where(wrong, values, nearest, expected)}", error)
    verdict = _against_profiles(case, name, expected, values, wrong, promised, wrong_values)
    return replace(verdict, max_abs_error=error)


def counted_wrong(case: Case, values: np.ndarray, expected: Reference, promised: str) -> np.ndarray:
    """Which elements of an output the verdict counts as wrong, by the promised profile.

    Parameters
    ----------
    case : Case
        The case.
    values : numpy.ndarray
        The output, in the shape of the reference.
    expected : Reference
        The expected values.
    promised : str
        The profile that the adapter promises.
    """
    values = np.asarray(values, dtype=expected.exact.dtype)
    wrong = ~_right(values, round_to(case.format, expected.exact), expected, case.format)
    if promised in PROFILES and not judged_bit_by_bit(case, promised):
        wrong &= ~within(values, expected, case.format, PROFILES[promised])
    return wrong


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
    wrong_values: FailKind,
) -> Verdict:
    """Judge an output by the error bounds; the tightest bound that it meets counts.

    ``wrong`` are the elements that are not right bit for bit.
    """
    order = [EXACT, *PROFILES]
    unchecked = wrong  # elements that no bound has checked
    for profile in profiles_for(case.format, promised):
        allowed = tolerance(expected, case.format, profile)
        possible = within(values, expected, case.format, profile)
        unchecked = unchecked & ~(possible & ~says_nothing(expected, case.format, profile))
        if not possible[wrong].all():
            continue
        used = _budget(values, expected, wrong, allowed)
        if not profile.normwise and (is_count(expected) & unchecked).any():
            return _wrong_counts(case, name, expected, values, unchecked, wrong_values)
        if order.index(profile.name) > order.index(promised):
            share = _budget(values, expected, wrong, tolerance(expected, case.format, PROFILES[promised]))
            text = f"{name} meets profile {profile.name}, not the promised {promised} ({share:.3g} x its bound)"
            return replace(_fail("precision", text), profile=profile.name, budget=used)
        if unchecked.any():
            text = (
                f"{name} is beyond tighter profiles in {int(unchecked.sum())} of {unchecked.size} elements, and "
            )
            text += (
                f"the error bound of the promised {profile.name} says nothing there: it allows an output of zeros"
            )
            return Verdict(status="unchecked", detail=text)
        return _passed(profile.name, used)
    loosest = profiles_for(case.format, promised)[-1]
    beyond = wrong & ~within(values, expected, case.format, loosest)
    return _fail(wrong_values, f"{name} {_where(beyond, values, expected.exact, expected)}")


def _wrong_counts(
    case: Case, name: str, expected: Reference, values: np.ndarray, unchecked: np.ndarray, wrong_values: FailKind
) -> Verdict:
    """Judge counts that no tighter profile holds, where the bound of this one says nothing.

    No bound is needed for a count: a wrong count is lost precision where a sum kept in the format can give it, and
    a wrong value otherwise.
    """
    counts = unchecked & is_count(expected)
    impossible = counts & ~kept_in(case.format, values, expected)
    if impossible.any():
        return _fail(wrong_values, f"{name} {_where(impossible, values, expected.exact, expected)}")
    shown = smallest(case.format, values, expected, counts)
    return _fail("precision", f"{name} has sums that {case.format.label} cannot count; {shown}")


def _shares(values: np.ndarray, expected: Reference, allowed: np.ndarray) -> np.ndarray:
    """The errors as shares of the allowed error; infinite where no error is allowed, 0 where there is none."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):  # a bound may be as small as 1e-308
        share = np.where(np.isfinite(values), np.abs(values - expected.exact) / allowed, 0.0)
    return np.nan_to_num(share, nan=0.0, posinf=np.inf)


def _budget(values: np.ndarray, expected: Reference, wrong: np.ndarray, allowed: np.ndarray) -> float:
    return float(np.max(_shares(values, expected, allowed), initial=0.0, where=wrong))


def _distance(values: np.ndarray, expected: Reference) -> float:
    with np.errstate(invalid="ignore"):
        errors = np.where(np.isfinite(values), np.abs(values - expected.exact), 0.0)
        return float(np.max(np.nan_to_num(errors, nan=0.0), initial=0.0))


def _ulps(case: Case, expected: Reference, got: Tensor) -> float:
    """The largest difference in units in the last place of the expected value."""
    with np.errstate(invalid="ignore", over="ignore"):
        steps = np.abs(got.values - expected.exact) / spacing(case.format, expected.exact)
    # The verdict compares infinities and NaN; where both are the same there is no distance.
    return float(np.max(steps, initial=0.0, where=np.isfinite(steps)))


def _where(wrong: np.ndarray, values: np.ndarray, right: np.ndarray, expected: Reference) -> str:
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    if expected.places is None:
        sampled, place = "", list(first)
    else:
        sampled, place = "sampled ", expected.places[first].tolist()
    return (
        f"differs in {int(wrong.sum())} of {wrong.size} {sampled}elements, first at {place}: "
        f"expected {right[first]:.9g}, got {values[first]:.9g}"
    )


def _digest(tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tensor.values.shape} ".encode())
        digest.update(np.ascontiguousarray(tensor.values).tobytes())
    return digest.hexdigest()[:16]
