"""Data kinds with a written freedom: what must arrive arrives, what may differ may, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from conformance.adapters.base import Tensor
from conformance.adapters.host.client import Reply
from conformance.cases import Case
from conformance.cases.data import DATA_KINDS, make_tensors
from conformance.cases.design.strategies import valid_cases
from conformance.cases.dtypes import round_to
from conformance.oracle.expected_output import expected_output, reference
from conformance.oracle.verdict import judge


def reply_of(case: Case, arrays: dict[str, np.ndarray]) -> Reply:
    tensors = {name: Tensor(round_to(case.format, array), case.dtype) for name, array in arrays.items()}
    return Reply("answer", tensors, promise="fp64")


def judged(case: Case, change=None):
    tensors = make_tensors(case)
    arrays = {name: np.array(wanted.exact) for name, wanted in reference(case, tensors).items()}
    if change is not None:
        change(arrays)
    return judge(case, tensors, reply_of(case, arrays))


@given(valid_cases())
@settings(max_examples=200, deadline=None)
def test_the_rounded_reference_passes_for_every_kind(case: Case) -> None:
    assert judged(case).status == "pass"


@pytest.mark.parametrize("kind", [name for name, kind in DATA_KINDS.items() if kind.judged == "nonfinite"])
@pytest.mark.parametrize("tail", ["fwd", "grad", "grad2"])
def test_swallowing_is_noticed_where_it_must_arrive(kind: str, tail: str) -> None:
    case = Case.parse(f"2d-n2-c4x6-i3x4-k3x2-s2x1-d1x2-g2-p1x0-b1-{kind}.3-{tail}")
    tensors = make_tensors(case)
    finite = {name: np.where(np.isfinite(array), array, 0) for name, array in tensors.items()}
    swallowed = judge(case, tensors, reply_of(case, expected_output(case, finite)))
    arrives = any(not np.isfinite(wanted.exact).all() for wanted in reference(case, tensors).values())
    # The bias touches no gradient, the upstream gradient no output; everything else touches the output here.
    assert arrives == (tail in DATA_KINDS[kind].directions and not (kind.endswith("bias") and tail != "fwd"))
    assert (swallowed.status == "fail") == arrives
    if arrives:
        assert swallowed.kind == "nonfinite"


@pytest.mark.parametrize("kind", [name for name, kind in DATA_KINDS.items() if kind.judged == "nonfinite"])
def test_spreading_to_another_batch_item_or_group_is_noticed(kind: str) -> None:
    tail = DATA_KINDS[kind].directions[0]
    case = Case.parse(f"1d-n3-c4x6-i5-k3-s2-g2-b1-{kind}.1-{tail}")
    name = case.outputs[0]
    wanted = reference(case, make_tensors(case))[name]
    free = np.isnan(wanted.also[0])
    assert free.any() or np.isinf(wanted.exact).any()
    calm = np.argwhere(~free & np.isfinite(wanted.exact))[0]

    def spread(arrays):
        arrays[name][tuple(calm)] = np.nan

    assert judged(case, spread).kind == "nonfinite"


def test_zero_insertion_may_multiply_zero_by_infinity() -> None:
    case = Case.parse("1d-c1x1-i3-k2-s3-infweight.0")
    wanted = reference(case, make_tensors(case))["y"]
    free = np.isnan(wanted.also[0]) & np.isfinite(wanted.exact)
    assert free.any()

    def spread(arrays):
        arrays["y"][free] = np.nan

    assert judged(case, spread).status == "pass"


def test_dilation_gaps_may_be_nan_but_not_beyond_the_kernel() -> None:
    case = Case.parse("1d-c1x1-i6-k2-d3-naninput.0")
    tensors = make_tensors(case)
    j = int(np.argwhere(np.isnan(tensors["x"]))[0][2])
    wanted = reference(case, tensors)["y"]
    free = np.flatnonzero(np.isnan(wanted.also[0][0, 0]))
    assert free.tolist() == list(range(j, j + 4))
    assert np.flatnonzero(np.isnan(wanted.exact[0, 0])).tolist() == [j, j + 3]


@pytest.mark.parametrize("kind", ["infinputzeros", "infweightzeros"])
@pytest.mark.parametrize("tail", ["fwd", "grad"])
def test_skipping_zeros_is_noticed(kind: str, tail: str) -> None:
    case = Case.parse(f"2d-n2-c4x6-i3x4-k3x2-s2x1-b1-{kind}.3-{tail}")
    wanted = reference(case, make_tensors(case))
    due = {name: np.isnan(reference.exact) for name, reference in wanted.items()}

    def skip(arrays):
        for name, array in arrays.items():
            array[due[name]] = 0

    assert any(where.any() for where in due.values())
    assert judged(case).status == "pass"
    assert judged(case, skip).kind == "nonfinite"


def test_a_nan_upstream_reaches_what_takes_it_and_may_reach_gaps() -> None:
    case = Case.parse("1d-c1x1-i6-k2-d3-b1-nanupstream.0-grad")
    tensors = make_tensors(case)
    q = int(np.argwhere(np.isnan(tensors["dy"]))[0][2])
    wanted = reference(case, tensors)
    reached = [j for j in (q - 3, q) if 0 <= j < 6]
    assert np.flatnonzero(np.isnan(wanted["dx"].exact[0, 0])).tolist() == reached
    free = np.flatnonzero(np.isnan(wanted["dx"].also[0][0, 0])).tolist()
    assert free == [j for j in range(q - 3, q + 1) if 0 <= j < 6]
    assert np.isnan(wanted["db"].exact).all()
    assert np.isnan(wanted["dw"].also[0]).all()


@pytest.mark.parametrize("dtype", ["f64", "f32", "f16", "bf16"])
def test_a_sum_beyond_the_format_is_infinite_or_nan_and_never_finite(dtype: str) -> None:
    case = Case.parse(f"1d-n2-c2x3-i6-k3-{dtype}-overflow.2")
    with np.errstate(over="ignore"):
        beyond = np.isinf(round_to(case.format, reference(case, make_tensors(case))["y"].exact))

    def put(where, value):
        return lambda arrays: arrays["y"].__setitem__(where, value)

    with np.errstate(over="ignore"):
        assert judged(case).status == "pass"
        assert judged(case, put(beyond, np.nan)).status == "pass"
        assert judged(case, put(~beyond, np.nan)).kind == "nonfinite"
        assert judged(case, put(beyond, 2.0**case.format.max_exponent)).kind == "nonfinite"


def test_infinity_times_zero_is_nan() -> None:
    case = Case.parse("1d-c1x1-i1-k2-infinput.0")
    tensors = make_tensors(case)
    tensors["w"][0, 0, 0] = 0
    y = reference(case, tensors)["y"].exact[0, 0]
    assert np.isnan(y[0])
    assert np.isinf(y[1])
    assert np.sign(y[1]) == np.sign(tensors["x"][0, 0, 0] * tensors["w"][0, 0, 1])


def test_a_sum_with_plus_zero_is_plus_zero() -> None:
    case = Case.parse("2d-n2-c3x2-i3x4-k2x3-s1-signedzero.0")
    positive = reference(case, make_tensors(case))["y"].positive
    assert positive is not None
    assert positive.any()
    assert not positive.all()

    def negate(where):
        def change(arrays):
            arrays["y"][where] = -0.0

        return change

    assert judged(case, negate(~positive)).status == "pass"
    assert judged(case, negate(positive)).status == "fail"


def test_signs_of_zero_by_hand() -> None:
    case = Case.parse("1d-c2x1-i1-k1-signedzero.0")
    tensors = make_tensors(case)
    for x, w, must in (([0.0, -0.0], [1, 1], True), ([-0.0, -0.0], [1, 1], False), ([-0.0, 0.0], [-1, -1], True)):
        tensors["x"][0, :, 0], tensors["w"][:, 0, 0] = x, w
        positive = reference(case, tensors)["y"].positive
        assert positive is not None
        assert positive.tolist() == [[[must]]]


@pytest.mark.parametrize("dtype", ["f64", "f32", "f16", "bf16"])
def test_subnormals_may_be_flushed_but_not_changed(dtype: str) -> None:
    case = Case.parse(f"1d-n2-c2x3-i4-k3-s2-{dtype}-b1-subnormal.0")
    tensors = make_tensors(case)
    assert 0 < np.abs(tensors["x"]).max() < case.format.smallest_normal

    def scale(factor):
        def change(arrays):
            arrays["y"] *= factor

        return change

    assert judged(case, scale(0)).status == "pass"
    assert judged(case, scale(2)).status == "fail"


@given(valid_cases())
@settings(max_examples=300, deadline=None)
def test_extreme_sums_never_overflow(case: Case) -> None:
    case = Case.parse(str(case).replace(f"-{case.data}.", "-extreme."))
    if case.format.is_complex:
        return
    tensors = make_tensors(case)
    for wanted in reference(case, tensors).values():
        assert np.isfinite(round_to(case.format, wanted.magnitude)).all()


def test_onehot_shows_every_tap_alone() -> None:
    case = Case.parse("2d-c2x3-i4x3-k2x3-s2x3-onehot.0")
    tensors = make_tensors(case)
    assert np.count_nonzero(tensors["x"]) == 1
    shown = expected_output(case, tensors)["y"]
    channel = int(np.argwhere(tensors["x"])[0][1])
    assert sorted(shown[shown != 0]) == sorted(tensors["w"][channel].ravel())
    assert len(set(tensors["w"].ravel())) == tensors["w"].size


def test_onehot_gradients_meet() -> None:
    for seed in range(20):
        case = Case.parse(f"2d-n2-c4x6-i4x3-k2x3-s2x1-g2-p1x1-onehot.{seed}-grad")
        dw = expected_output(case, make_tensors(case))["dw"]
        assert np.count_nonzero(dw) == 1


def test_cancelling_sums_are_zero_and_their_terms_are_not() -> None:
    case = Case.parse("2d-n2-c4x6-i4x3-k2x3-s2x1-g1-cancel.0-grad")
    tensors = make_tensors(case)
    found = reference(case, tensors)
    assert np.abs(found["dx"].exact).max() < 1e-12 < found["dx"].magnitude.max()
    forward = Case.parse("2d-n2-c4x6-i4x3-k2x3-s2x1-g1-cancel.0")
    y = reference(forward, make_tensors(forward))["y"]
    assert np.abs(y.exact).max() < 1e-12 < y.magnitude.max()


@pytest.mark.parametrize("name", DATA_KINDS)
def test_every_kind_says_its_rule(name: str) -> None:
    assert DATA_KINDS[name].about
    assert DATA_KINDS[name].rule.endswith(".")
