"""`diagnose`: one reply that was judged wrong, explained."""

from __future__ import annotations

import os
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from conformance.adapters.host.client import AdapterProcess, Reply
from conformance.cases.case import Case
from conformance.cases.data import DATA_KINDS, make_tensors
from conformance.cases.dtypes import DTYPES
from conformance.cases.errors import DomainError
from conformance.diagnosis.added_axis import with_added_axis, without_added_axis
from conformance.diagnosis.crashes_and_shapes import diagnose_crash, diagnose_shape
from conformance.diagnosis.distinguish import distinguish, unrefuted
from conformance.diagnosis.index_map import explanation as explain_index_map
from conformance.diagnosis.index_map import trace
from conformance.diagnosis.match import Match
from conformance.diagnosis.mutations.periodic import diagnose_periodic
from conformance.diagnosis.mutations.problem import Problem, Solver, Tensors, to_channels_first
from conformance.diagnosis.mutations.registry import Variation, equals_expected, join_words
from conformance.diagnosis.mutations.special_values import clamped
from conformance.diagnosis.output_rounding import explain_output_rounding
from conformance.diagnosis.precision import ROUNDED, explain_precision
from conformance.diagnosis.refusals import diagnose_refusal
from conformance.diagnosis.regions import describe
from conformance.diagnosis.remembered import remembered
from conformance.diagnosis.search import Explanation, Search, deduplicate
from conformance.oracle.verdict import Verdict, judge
from conformance.reports.record.diagnosis import Diagnosis

__all__ = ["STRICT", "diagnose"]

STRICT = "CONFORMANCE_STRICT"
"""Environment variable under which an error of the diagnosis itself is raised; the tests set it."""

# On data that are not exact, elements that differ less than this share of the largest differ by rounding.
_VISIBLE = 1e-3
_NUMBERS = {1: "one", 2: "two", 3: "three"}

# How counts look that are too large for their format: the sums stop growing.
_SATURATED = {"clipped", "constant"}


def diagnose(
    case: Case, tensors: Tensors, reply: Reply, verdict: Verdict, host: AdapterProcess | None = None
) -> Diagnosis | None:
    """Explain a reply that was judged wrong.

    Parameters
    ----------
    case : Case
        The case.
    tensors : dict of numpy.ndarray
        Its input data.
    reply : Reply
        The adapter's reply.
    verdict : Verdict
        What `conformance.oracle.verdict.judge` says of the reply.
    host : AdapterProcess, optional
        The adapter, to run cases that distinguish explanations. Without it, only this output is searched.

    Returns
    -------
    Diagnosis or None
        None for a reply that is not wrong.
    """
    try:
        with np.errstate(all="ignore"):
            return _diagnose(case, tensors, reply, verdict, host)
    except Exception as error:
        if os.environ.get(STRICT):
            raise
        # An error in the diagnosis must not lose the verdict, nor count against the framework.
        return _own_failure(error, verdict)


def _own_failure(error: Exception, verdict: Verdict) -> Diagnosis:
    """The diagnosis where the suite itself fails: the text of the verdict, and the error beside it."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    detail = verdict.detail.partition("\n")[0]
    return Diagnosis(
        transform="unexplained",
        text=f"{detail} (the suite could not explain it: please report this)".strip(),
        failure=f"{type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})",
    )


def _diagnose(
    case: Case, tensors: Tensors, reply: Reply, verdict: Verdict, host: AdapterProcess | None
) -> Diagnosis | None:
    if verdict.status == "crash" or verdict.status == "timeout":
        return diagnose_crash(reply.detail, verdict.status)
    if verdict.status != "fail":
        return None
    if verdict.kind == "rejected":
        return diagnose_refusal(case, reply.detail, host)
    if verdict.kind == "accepted":
        return _accepted(case)
    if verdict.kind == "inputs":
        text = f"equals the expected output, but the call changes {join_words(reply.overwritten)} in memory"
        return Diagnosis(transform="inputs_changed", text=text, tensors=reply.overwritten)
    if verdict.kind == "aliased":
        text = f"equals the expected output, but {'; '.join(reply.aliased)}"
        return Diagnosis(transform="aliased", text=text)
    without_axis = without_added_axis(case, reply)
    if without_axis is not None:
        # Further runs would have the axis as well, so that they would refute every explanation.
        return with_added_axis(_diagnose(case, tensors, without_axis, judge(case, tensors, without_axis), None))
    if verdict.kind in ("values", "gradient", "precision") and len(case.geometry().windows) > 1:
        diagnosis = diagnose_periodic(case, tensors, reply)
        if diagnosis is not None:
            return diagnosis
    return _numbers(case, tensors, reply, host)


def _accepted(case: Case) -> Diagnosis | None:
    try:
        case.geometry()
    except DomainError as error:
        return Diagnosis(
            transform="accepted",
            text=f"returned numbers although the case is invalid: {error}",
            rule=error.rule,
        )
    return None


def _numbers(case: Case, tensors: Tensors, reply: Reply, host: AdapterProcess | None) -> Diagnosis:
    problem = Problem.of(case, tensors)
    if reply.tensors.keys() == {"shape"}:
        return diagnose_shape(case, tuple(reply.tensors["shape"].values.tolist()))
    expected = Solver()(problem)
    given = {name: tensor.values for name, tensor in reply.tensors.items()}
    missing = [name for name in expected if name not in given]
    if missing:
        return Diagnosis(transform="gradient_missing", text=f"no {join_words(missing)} in the output")
    if "y" in given and given["y"].ndim != case.rank + 2:
        return diagnose_shape(case, given["y"].shape, (given["y"], _to_layout(case, expected["y"])))
    observed = to_channels_first(case, reply.tensors)
    problem = problem.but(observed=observed)
    if not reply.deterministic:
        diagnosis = _nondeterministic(problem, expected, observed, host)
        return diagnosis if case.direction == "fwd" else replace(diagnosis, tensors=reply.changing)
    narrowed = _other_dtype(case, reply, expected, observed)
    if narrowed is not None:
        return narrowed
    match = Match.of(problem, observed, expected, reply.promise)
    solver = Solver()
    wrong = [n for n in expected if not Match.of(problem, observed, [n], reply.promise).fits(lambda p: p, solver)]
    if not wrong:
        return _right_values(expected, observed)
    explained = _explain(match, host)
    if explained:
        return _report(explained)
    if case.direction != "fwd":
        return _each_gradient(problem, observed, wrong, reply.promise, host)
    return _unexplained(match, problem, expected, observed, given)


def _to_layout(case: Case, y: np.ndarray) -> np.ndarray:
    return np.moveaxis(y, 1, -1) if case.layout == "channels_last" else y


def _other_dtype(case: Case, reply: Reply, expected: Tensors, observed: Tensors) -> Diagnosis | None:
    """An output in another format, right to the precision of the coarser of the two formats."""
    got = {name: reply.tensors[name].dtype for name in expected if reply.tensors[name].dtype != case.format.name}
    if not got or any(expected[name].shape != observed[name].shape for name in expected):
        return None
    for name, dtype in got.items():
        coarser = (
            min(DTYPES[dtype], case.format, key=lambda form: form.precision) if dtype in DTYPES else case.format
        )
        near = 4 * coarser.unit_roundoff * np.max(np.abs(expected[name]), initial=0.0)
        if not np.allclose(observed[name], expected[name], rtol=0.0, atol=near, equal_nan=True):
            return None
    text = f"equals the expected output, given as {join_words(sorted(set(got.values())))}, not {case.format.name}"
    return Diagnosis(transform="dtype", text=text)


def _right_values(expected: Tensors, observed: Tensors) -> Diagnosis:
    """The difference where all values compare equal: the sign of zeros."""
    signs = (np.signbit(expected[name].real) != np.signbit(observed[name].real) for name in expected)
    if any(differ.any() for differ in signs):
        return Diagnosis(transform="zero_sign", text="equals the expected output except for the sign of zeros")
    return Diagnosis(transform="unexplained", text="the values are within the promised bound")


def _explain(match: Match, host: AdapterProcess | None) -> list[Explanation]:
    """The simplest explanations of the tensors of a match, distinguished by further runs if there is an adapter.

    One mistake comes before lost precision, whose bounds are wide; then come two mistakes, and last the index map
    of the implementation, which has numbers but no names.
    """
    if host is not None and (again := remembered(host).again(match)) and again[0].transform not in _SATURATED:
        return again
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
            return deduplicate(
                distinguish(match, rounded, host) if len(ways) > 1 and host is not None else rounded
            )
    found = _distinguished(match, found, host)
    forward = match.case.direction == "fwd"
    if not found and (forward or len(match.names) == 1):
        found = _distinguished(match, search.double(), host)
    clamp = None if found else clamped(match.problem)
    if clamp is not None:
        inner = Search(replace(match, problem=clamp.apply(match.problem)))
        found = [Explanation((clamp, *each.parts)) for each in inner.single() or inner.double()]
    if not found and host is not None and forward:
        found = _from_index_map(match, host)
    return deduplicate(found)


def _distinguished(match: Match, found: list[Explanation], host: AdapterProcess | None) -> list[Explanation]:
    if not found or host is None or remembered(host).is_proven(found):
        return found
    proven = unrefuted(match, distinguish(match, found, host) if len(found) > 1 else found, host)
    remembered(host).add(match, proven)
    return proven


def _from_index_map(match: Match, host: AdapterProcess) -> list[Explanation]:
    index_map = trace(match.case, host)
    variation = explain_index_map(index_map, match.problem) if index_map is not None else None
    if variation is not None and match.fits(variation.apply, Solver()):
        return [Explanation((variation,))]
    return []


def _report(found: list[Explanation], names: Sequence[str] = ()) -> Diagnosis:
    """The first explanation, with the others beside it; about some gradients where ``names`` are given."""
    shown = found[:6]
    text = _sentence(shown[0], names)
    if len(shown) > 1 and {each.transform for each in shown} <= ROUNDED:
        text += "".join(f" or {each.text}, the same numbers here" for each in found[1:])
    # Only the first text is about all of the gradients; the others stay about one.
    first, *others = (
        Diagnosis(transform=each.transform, axes=each.axes, text=_sentence(each, names[:1])) for each in shown
    )
    return replace(first, text=text, also=tuple(others))


def _sentence(found: Explanation, names: Sequence[str]) -> str:
    if not names:
        return found.sentence or equals_expected(found.text, several=len(found.parts) > 1)
    subject, one = join_words(names), len(names) == 1
    if found.sentence:
        return f"{subject} {'is' if one else 'are'} wrong: {found.sentence}"
    return f"{subject} {'equals the expected one' if one else 'equal the expected ones'} with {found.text}"


def _each_gradient(
    problem: Problem, observed: Tensors, wrong: list[str], promise: str, host: AdapterProcess | None
) -> Diagnosis:
    """Explain each wrong gradient by itself."""
    explanations = [_explain(Match.of(problem, observed, [name], promise), host) for name in wrong]
    parts = [
        _report(found, [name]) if found else _other_size(problem, observed, name, promise) or _not_explained(name)
        for name, found in zip(wrong, explanations, strict=True)
    ]
    if len({(part.transform, part.axes) for part in parts}) == 1:
        same = _report(explanations[0], wrong) if explanations[0] else parts[0]
        return replace(same, tensors=tuple(wrong))
    transforms = {part.transform for part in parts}
    return Diagnosis(
        transform="+".join(sorted(transforms)) if "unexplained" not in transforms else "unexplained",
        axes=tuple(sorted({axis for part in parts for axis in part.axes}, key="DHW".index)),
        text="; ".join(part.text for part in parts),
        tensors=tuple(wrong),
    )


def _not_explained(name: str) -> Diagnosis:
    return Diagnosis(transform="unexplained", text=f"{name} is not explained")


def _other_size(problem: Problem, observed: Tensors, name: str, promise: str) -> Diagnosis | None:
    """A gradient whose shape differs from its tensor's: along which axes, and what it leaves out."""
    right = Solver()(problem)[name]
    wanted, got = right.shape, observed[name].shape
    if wanted == got:
        return None
    text = f"{name} has the shape {list(got)}, not {list(wanted)}"
    if name not in ("dx", "ddx") or wanted[:2] != got[:2] or len(wanted) != len(got):
        return Diagnosis(transform="unexplained", text=text)
    more = [g - n for g, n in zip(got[2:], wanted[2:], strict=True)]
    axes = [axis for axis, n in enumerate(more) if n]
    sizes = join_words(
        [
            f"{_NUMBERS.get(abs(more[a]), abs(more[a]))} {'longer' if more[a] > 0 else 'shorter'} along "
            f"{problem.names[a]}"
            for a in axes
        ]
    )
    # The part of the output beyond the full result is output_padding, which the gradient may have ignored.
    extra = [min(high, 0) for high in problem.high]
    ignored = ": output_padding is not part of it" if more == extra else ""
    count = _wrong_in_both(problem, observed, name, promise)
    return Diagnosis(
        transform="gradient_size+values" if count else "gradient_size",
        axes=tuple(problem.names[a] for a in axes),
        text=f"{name} is {sizes}{ignored}" + (f"; {count} of the elements it has are wrong" if count else ""),
    )


def _wrong_in_both(problem: Problem, observed: Tensors, name: str, promise: str) -> int:
    """How many elements are wrong, of those that exist in both the expected and the observed tensor."""
    match = Match.of(problem, observed, [name], promise)
    reference = match.references()[name]
    shared = tuple(map(slice, np.minimum(reference.exact.shape, observed[name].shape)))
    return int(np.count_nonzero(match.beyond(reference[shared], observed[name][shared], match.profile)))


def _differing(expected: Tensors, observed: Tensors, name: str, share: float = 0.0) -> np.ndarray | None:
    """Which elements differ by more than a share of the largest; None where the shapes differ."""
    wanted, got = expected[name], observed[name]
    if wanted.shape != got.shape:
        return None
    with np.errstate(invalid="ignore"):
        largest = np.max(np.abs(wanted), initial=0.0, where=np.isfinite(got))  # not where sums overflow
        near = np.abs(wanted - got) <= share * largest
    differs: np.ndarray = ~((wanted == got) | near | (np.isnan(wanted) & np.isnan(got)))
    return differs


def _nondeterministic(
    problem: Problem, expected: Tensors, observed: Tensors, host: AdapterProcess | None
) -> Diagnosis:
    """Outputs that change from run to run: which elements change, and whether the others are right."""
    # On data that are not exact, right outputs differ from the oracle by rounding.
    share = 0.0 if DATA_KINDS[problem.case.data].exact else _VISIBLE
    differing = {name: _differing(expected, observed, name, share) for name in expected}
    comparable = {name: places for name, places in differing.items() if places is not None}
    if not comparable:
        return Diagnosis(transform="nondeterministic", text="two runs gave different results")
    name, changing = next(
        ((n, places) for n, places in comparable.items() if places.any()), next(iter(comparable.items()))
    )
    wrong = changing.copy()
    if host is not None:
        for _ in range(2):
            again = host.run(problem.case, make_tensors(problem.case))
            other = to_channels_first(problem.case, again.tensors).get(name)
            if other is not None and other.shape == observed[name].shape:
                changing |= ~((other == observed[name]) | (np.isnan(other) & np.isnan(observed[name])))
    if not changing.any():
        text = "two runs on the same data gave different results; those of further runs are all as expected"
        return Diagnosis(transform="nondeterministic", text=text)
    if name in ("y", "dx"):
        where, axes = describe(problem, changing)
    else:  # weights and biases have no output positions
        where, axes = f"{np.count_nonzero(changing)} of {changing.size} elements", ()
    if problem.case.direction == "fwd" and not (wrong & ~changing).any() and not changing.all():
        return Diagnosis(
            transform="stale_memory",
            axes=axes,
            text=f"equals the expected output except for {where}, which change from run to run (not written, "
            "or left over from an earlier call)",
        )
    return Diagnosis(
        transform="nondeterministic",
        axes=axes,
        text=f"{where}{'' if name == 'y' else f' of {name}'} change from run to run on the same data",
    )


def _unexplained(
    match: Match, problem: Problem, expected: Tensors, observed: Tensors, given: Tensors
) -> Diagnosis:
    wrong = _differing(expected, observed, "y", 0.0 if match.exact else _VISIBLE)
    if wrong is not None:  # an infinity or NaN that overflow gives is right
        wrong &= np.isfinite(observed["y"]) | match.beyond(match.references()["y"], observed["y"], match.profile)
    if wrong is None:
        values = given["y"], _to_layout(problem.case, expected["y"])
        return diagnose_shape(problem.case, given["y"].shape, values)
    if not wrong.any():
        text = "no known mistake gives this output; it differs by rounding"
        return Diagnosis(transform="unexplained", text=text)
    where, axes = describe(problem, wrong)
    distinct = np.unique(observed["y"][wrong])
    if len(distinct) == 1 and wrong.sum() > 1:
        text = f"equals the expected output except for {where}, which hold {distinct[0]:g}"
        return Diagnosis(transform="not_computed", axes=axes, text=text)
    text = f"no known mistake gives this output; it differs in {where}"
    return Diagnosis(transform="unexplained", axes=axes, text=text)
