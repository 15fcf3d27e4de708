"""`diagnose`: one reply that was judged wrong, explained."""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from conformance.adapters.host.client import AdapterProcess, Reply
from conformance.cases.case import Case
from conformance.cases.data import DATA_KINDS, make_tensors
from conformance.cases.dtypes import DTYPES
from conformance.cases.errors import DomainError
from conformance.diagnosis.crashes_and_shapes import diagnose_crash, diagnose_shape
from conformance.diagnosis.distinguish import distinguish, withstanding
from conformance.diagnosis.index_map import explanation as traced
from conformance.diagnosis.index_map import trace
from conformance.diagnosis.match import Match, mapped
from conformance.diagnosis.mutations.periodic import diagnose_periodic
from conformance.diagnosis.mutations.problem import Problem, Solver, Tensors, laid_out
from conformance.diagnosis.mutations.registry import Variation, listed
from conformance.diagnosis.output_rounding import explain_output_rounding
from conformance.diagnosis.precision import ROUNDED, explain_precision
from conformance.diagnosis.refusals import diagnose_refusal
from conformance.diagnosis.regions import describe
from conformance.diagnosis.search import Explanation, Search, once

__all__ = ["STRICT", "Diagnosis", "diagnose"]

Diagnosis = dict[str, Any]

STRICT = "CONFORMANCE_STRICT"
"""Environment variable under which an error of the diagnosis itself is raised; the tests set it."""

# On data that are not exact, elements that differ less than this share of the largest differ by rounding.
_VISIBLE = 1e-3
_NUMBERS = {1: "one", 2: "two", 3: "three"}

# What counts that a format cannot hold look like, since such sums stand still.
_SATURATED = {"clipped", "constant"}


def diagnose(
    case: Case, tensors: Tensors, reply: Reply, verdict: dict[str, Any], host: AdapterProcess | None = None
) -> Diagnosis | None:
    """Explain a reply that was judged wrong.

    Parameters
    ----------
    case : Case
        The question.
    tensors : dict of numpy.ndarray
        The data it was asked with.
    reply : Reply
        What came back.
    verdict : dict
        ``status`` and ``kind``, as `conformance.oracle.verdict.judge` gives them.
    host : AdapterProcess, optional
        The adapter, to be asked questions that tell explanations apart. Without it the answer alone is searched.

    Returns
    -------
    dict or None
        ``transform``, ``axes`` and ``text``; with ``also``, other explanations that fit as well. None for a reply
        that is not wrong. What nothing explains has the transform ``unexplained``; ``failure`` beside it says that
        the suite itself failed.
    """
    try:
        with np.errstate(all="ignore"):
            return _diagnose(case, tensors, reply, verdict, host)
    except Exception as error:
        if os.environ.get(STRICT):
            raise
        # A verdict must never be lost to a fault of what explains it, nor is that the framework's fault.
        return _own_failure(error, verdict)


def _own_failure(error: Exception, verdict: dict[str, Any]) -> Diagnosis:
    """What is said where the suite itself fails: the verdict's own words, and the error beside them."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    detail = str(verdict.get("detail", "")).partition("\n")[0]
    return {
        "transform": "unexplained",
        "axes": [],
        "text": f"{detail} (the suite could not explain it: please report this)".strip(),
        "failure": f"{type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})",
    }


def _diagnose(
    case: Case, tensors: Tensors, reply: Reply, verdict: dict[str, Any], host: AdapterProcess | None
) -> Diagnosis | None:
    status, kind = verdict["status"], verdict.get("kind")
    if status in ("crash", "timeout"):
        return diagnose_crash(reply.detail, status)
    if status != "fail":
        return None
    if kind == "rejected":
        return diagnose_refusal(case, reply.detail, host)
    if kind == "accepted":
        return _accepted(case)
    if kind in ("values", "gradient", "precision") and len(case.geometry().windows) > 1:
        found = diagnose_periodic(case, tensors, reply)
        if found is not None:
            return found
    return _numbers(case, tensors, reply, host)


def _accepted(case: Case) -> Diagnosis | None:
    try:
        case.geometry()
    except DomainError as error:
        return {"transform": "accepted", "axes": [], "text": f"numbers in spite of {error}", "rule": error.rule}
    return None


def _numbers(case: Case, tensors: Tensors, reply: Reply, host: AdapterProcess | None) -> Diagnosis:
    problem = Problem.of(case, tensors)
    if reply.tensors.keys() == {"shape"}:
        return diagnose_shape(case, tuple(reply.tensors["shape"].values.tolist()))
    expected = Solver()(problem)
    given = {name: tensor.values for name, tensor in reply.tensors.items()}
    missing = [name for name in expected if name not in given]
    if missing:
        return {"transform": "gradient_missing", "axes": [], "text": f"no {listed(missing)} in the answer"}
    if "y" in given and given["y"].ndim != case.rank + 2:
        return diagnose_shape(case, given["y"].shape, (given["y"], _laid_out(case, expected["y"])))
    observed = laid_out(case, reply.tensors)
    problem = problem.but(observed=observed)
    if not reply.deterministic:
        found = _unsteady(problem, expected, observed, host)
        return found if case.direction == "fwd" else {**found, "tensors": list(reply.changing)}
    narrowed = _other_dtype(case, reply, expected, observed)
    if narrowed is not None:
        return narrowed
    whole = Match.of(problem, observed, expected, reply.promise)
    solver = Solver()
    wrong = [n for n in expected if not Match.of(problem, observed, [n], reply.promise).fits(lambda p: p, solver)]
    if not wrong:
        return _right_values(expected, observed)
    explained = _explain(whole, host)
    if explained:
        return _written(explained)
    if case.direction != "fwd":
        return _each_gradient(problem, observed, wrong, reply.promise, host)
    return _unexplained(whole, problem, expected, observed, given)


def _laid_out(case: Case, y: np.ndarray) -> np.ndarray:
    return np.moveaxis(y, 1, -1) if case.layout == "channels_last" else y


def _other_dtype(case: Case, reply: Reply, expected: Tensors, observed: Tensors) -> Diagnosis | None:
    """An answer given in another format, right as far as that one and the question's can say."""
    got = {name: reply.tensors[name].dtype for name in expected if reply.tensors[name].dtype != case.dtype}
    if not got or any(expected[name].shape != observed[name].shape for name in expected):
        return None
    for name, dtype in got.items():
        coarser = (
            min(DTYPES[dtype], case.format, key=lambda form: form.precision) if dtype in DTYPES else case.format
        )
        near = 4 * coarser.unit_roundoff * np.max(np.abs(expected[name]), initial=0.0)
        if not np.allclose(observed[name], expected[name], rtol=0.0, atol=near, equal_nan=True):
            return None
    text = f"equals the oracle, given as {listed(sorted(set(got.values())))}, not {case.dtype}"
    return {"transform": "dtype", "axes": [], "text": text}


def _right_values(expected: Tensors, observed: Tensors) -> Diagnosis:
    """What is wrong with an answer whose values compare equal: the sign of its zeros."""
    signs = (np.signbit(expected[name].real) != np.signbit(observed[name].real) for name in expected)
    if any(differ.any() for differ in signs):
        return {"transform": "zero_sign", "axes": [], "text": "equals the oracle but for the sign of zeros"}
    return {"transform": "unexplained", "axes": [], "text": "the values are within the bound that is promised"}


def _explain(match: Match, host: AdapterProcess | None) -> list[Explanation]:
    """The simplest explanations of the tensors a match looks at; told apart by asking where that can be done.

    One mistake comes before lost precision, whose bounds are wide, then two mistakes, then what the index map of
    the implementation says, which knows numbers but no names.
    """
    search = Search(match)
    found = search.single()
    if not found or (match.whole and {way.transform for way in found} <= _SATURATED):
        rule = explain_output_rounding(match)
        if rule is not None:
            text = f"every element of the output {rule.text}"
            return [Explanation((Variation("output_rounding", (), text, lambda p: p),))]
        ways = explain_precision(match)
        if ways:
            rounded = [Explanation((Variation(way.transform, (), way.text, way.apply),)) for way in ways]
            return once(distinguish(match, rounded, host) if len(ways) > 1 and host is not None else rounded)
    found = _told_apart(match, found, host)
    forward = match.case.direction == "fwd"
    if not found and (forward or len(match.names) == 1):
        found = _told_apart(match, search.double(), host)
    if not found and host is not None and forward:
        found = _read_out(match, host)
    return once(found)


def _told_apart(match: Match, found: list[Explanation], host: AdapterProcess | None) -> list[Explanation]:
    if not found or host is None:
        return found
    return withstanding(match, distinguish(match, found, host) if len(found) > 1 else found, host)


def _read_out(match: Match, host: AdapterProcess) -> list[Explanation]:
    index_map = trace(match.case, host)
    variation = traced(index_map, match.problem) if index_map is not None else None
    if variation is not None and match.fits(variation.apply, Solver()):
        return [Explanation((variation,))]
    return []


def _written(found: list[Explanation], name: str = "") -> Diagnosis:
    """The first explanation, with the others beside it; of one tensor of the answer where it is named."""
    first, *others = (
        {"transform": each.transform, "axes": list(each.axes), "text": _sentence(each, name)} for each in found[:6]
    )
    if others and {each["transform"] for each in (first, *others)} <= ROUNDED:
        alike = "".join(f" or {each.text}, the same numbers here" for each in found[1:])
        first = {**first, "text": f"{first['text']}{alike}"}
    return {**first, "also": others} if others else first


def _sentence(found: Explanation, name: str) -> str:
    if found.sentence:
        return f"{name} is wrong: {found.sentence}" if name else found.sentence
    return f"{name} equals the oracle's with {found.text}" if name else f"equals the oracle with {found.text}"


def _each_gradient(
    problem: Problem, observed: Tensors, wrong: list[str], promise: str, host: AdapterProcess | None
) -> Diagnosis:
    """Gradients that are wrong in their own ways, one explanation each."""
    parts: dict[str, Diagnosis] = {}
    for name in wrong:
        found = _explain(Match.of(problem, observed, [name], promise), host)
        parts[name] = (
            _written(found, name)
            if found
            else _other_size(problem, observed, name, promise) or _not_explained(name)
        )
    first = parts[wrong[0]]
    if all((p["transform"], p["axes"]) == (first["transform"], first["axes"]) for p in parts.values()):
        text = first["text"]
        if len(wrong) > 1:
            text = text.replace(f"{wrong[0]} equals", f"{listed(wrong)} equal")
            text = text.replace(f"{wrong[0]} is wrong", f"{listed(wrong)} are wrong")
        return {**first, "text": text, "tensors": wrong}
    known = {part["transform"] for part in parts.values()}
    return {
        "transform": "+".join(sorted(known)) if "unexplained" not in known else "unexplained",
        "axes": sorted({axis for part in parts.values() for axis in part["axes"]}, key="DHW".index),
        "text": "; ".join(part["text"] for part in parts.values()),
        "tensors": wrong,
    }


def _not_explained(name: str) -> Diagnosis:
    return {"transform": "unexplained", "axes": [], "text": f"{name} is not explained"}


def _other_size(problem: Problem, observed: Tensors, name: str, promise: str) -> Diagnosis | None:
    """A gradient of another shape than its tensor: along which axes, and what it leaves out."""
    right = Solver()(problem)[name]
    wanted, got = right.shape, observed[name].shape
    if wanted == got:
        return None
    text = f"{name} has the shape {list(got)}, not {list(wanted)}"
    if name not in ("dx", "ddx") or wanted[:2] != got[:2] or len(wanted) != len(got):
        return {"transform": "unexplained", "axes": [], "text": text}
    more = [g - n for g, n in zip(got[2:], wanted[2:], strict=True)]
    axes = [axis for axis, n in enumerate(more) if n]
    sizes = listed([f"{_NUMBERS.get(abs(more[a]), abs(more[a]))} {'longer' if more[a] > 0 else 'shorter'} along "
                    f"{problem.names[a]}" for a in axes])  # fmt: skip
    # What an output has beyond the full result is output_padding to whoever computes the gradient.
    extra = [min(high, 0) for high in problem.high]
    ignored = ": output_padding is not part of it" if more == extra else ""
    count = _wrong_in_both(problem, observed, name, promise)
    return {
        "transform": "gradient_size+values" if count else "gradient_size",
        "axes": [problem.names[a] for a in axes],
        "text": f"{name} is {sizes}{ignored}" + (f"; {count} of the elements it has are wrong" if count else ""),
    }


def _wrong_in_both(problem: Problem, observed: Tensors, name: str, promise: str) -> int:
    """How many of the elements that the right tensor and one of another size both have are wrong."""
    match, solver = Match.of(problem, observed, [name], promise), Solver()
    right, sums, counts = (
        solver(p)[name] for p in (problem, mapped(problem, np.abs), mapped(problem, np.ones_like))
    )
    shared = tuple(map(slice, np.minimum(right.shape, observed[name].shape)))
    reference = match.reference(name, right[shared], sums[shared], counts[shared])
    return int(np.count_nonzero(match.beyond(reference, observed[name][shared], match.profile)))


def _differing(expected: Tensors, observed: Tensors, name: str, share: float = 0.0) -> np.ndarray | None:
    """Which elements differ, by more than a share of the largest; None where the shapes do."""
    wanted, got = expected[name], observed[name]
    if wanted.shape != got.shape:
        return None
    with np.errstate(invalid="ignore"):
        near = np.abs(wanted - got) <= share * np.max(np.abs(wanted), initial=0.0)
    differs: np.ndarray = ~((wanted == got) | near | (np.isnan(wanted) & np.isnan(got)))
    return differs


def _unsteady(problem: Problem, expected: Tensors, observed: Tensors, host: AdapterProcess | None) -> Diagnosis:
    """Answers that change from one asking to the next: which elements do, and whether the others are right."""
    # On data that are not exact, right answers differ from the oracle by rounding.
    share = 0.0 if DATA_KINDS[problem.case.data].exact else _VISIBLE
    differing = {name: _differing(expected, observed, name, share) for name in expected}
    known = {name: places for name, places in differing.items() if places is not None}
    if not known:
        return {"transform": "nondeterministic", "axes": [], "text": "asked twice, two different answers"}
    name, changing = next(((n, places) for n, places in known.items() if places.any()), next(iter(known.items())))
    wrong = changing.copy()
    if host is not None:
        for _ in range(2):
            again = host.run(problem.case, make_tensors(problem.case))
            other = laid_out(problem.case, again.tensors).get(name)
            if other is not None and other.shape == observed[name].shape:
                changing |= ~((other == observed[name]) | (np.isnan(other) & np.isnan(observed[name])))
    if not changing.any():
        text = "asked twice with the same data, two different answers; asked again, none differs from the oracle"
        return {"transform": "nondeterministic", "axes": [], "text": text}
    if name in ("y", "dx"):
        where, axes = describe(problem, changing)
    else:  # weights and biases have no positions of an output
        where, axes = f"{np.count_nonzero(changing)} of {changing.size} elements", ()
    if problem.case.direction == "fwd" and not (wrong & ~changing).any() and not changing.all():
        return {
            "transform": "stale_memory",
            "axes": list(axes),
            "text": f"equals the oracle but for {where}, which change when asked again (not written, or left from "
            "an earlier call)",
        }
    return {
        "transform": "nondeterministic",
        "axes": list(axes),
        "text": f"asked again with the same data, {where}{'' if name == 'y' else f' of {name}'} change",
    }


def _unexplained(
    match: Match, problem: Problem, expected: Tensors, observed: Tensors, given: Tensors
) -> Diagnosis:
    wrong = _differing(expected, observed, "y", 0.0 if match.exact else _VISIBLE)
    if wrong is None:
        values = given["y"], _laid_out(problem.case, expected["y"])
        return diagnose_shape(problem.case, given["y"].shape, values)
    if not wrong.any():
        text = "no transformation of the oracle that was tried gives this answer; it differs by rounding"
        return {"transform": "unexplained", "axes": [], "text": text}
    where, axes = describe(problem, wrong)
    held = np.unique(observed["y"][wrong])
    if len(held) == 1 and wrong.sum() > 1:
        text = f"equals the oracle but for {where}, which hold {held[0]:g}"
        return {"transform": "not_computed", "axes": list(axes), "text": text}
    text = f"no transformation of the oracle that was tried gives this answer; it differs in {where}"
    return {"transform": "unexplained", "axes": list(axes), "text": text}
