"""R13 to R15: the named conventions beside ``valid`` and ``same``."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance import oracle
from conformance.cases import Case, DomainError
from conformance.cases.data import make_tensors
from conformance.oracle.expected_output import expected_output

PERIODIC = ("circular", "circular_lower")


@pytest.mark.parametrize(
    ("case_id", "size", "crop"),
    [
        # F = 7, one position too many: it goes at the end (upper) or at the front (lower).
        ("1d-i3-k3-s2-same_upper", 6, (0, 1)),
        ("1d-i3-k3-s2-same_lower", 6, (1, 0)),
        # output_padding counts as one more to crop; the length stays i * s.
        ("1d-i3-k3-s2-same_upper-op1", 6, (1, 0)),
        ("1d-i3-k4-s2-same_upper-op1", 6, (1, 1)),
        ("1d-i3-k4-s2-same_lower-op1", 6, (2, 0)),
        # F = 5 is too short: zeros at the end reach i * s.
        ("1d-i3-k1-s2-same_upper", 6, (0, -1)),
        ("1d-i3-k1-s2-same_lower", 6, (0, -1)),
    ],
)
def test_same_upper_and_lower_by_hand(case_id: str, size: int, crop: tuple[int, int]) -> None:
    geometry = Case.parse(case_id).geometry()
    assert (geometry.output_size, geometry.crop) == ((size,), (crop,))


def test_same_upper_is_same_without_output_padding() -> None:
    for i, k, s, d in itertools.product(range(1, 5), range(1, 6), range(1, 5), range(1, 4)):
        upper, same = (
            Case(rank=1, input_size=(i,), kernel_size=(k,), stride=(s,), dilation=(d,), padding=name).geometry()
            for name in ("same_upper", "same")
        )
        assert (upper.output_size, upper.crop) == (same.output_size, same.crop)


def test_circular_by_hand() -> None:
    # x = 1 2 3, w = 1 10 100, stride 1: full = 1 12 123 230 300; lo = 1, so 300 wraps onto 12 ... by residues
    # modulo 3 of the position less one: 12 + 300 at 0, 123 at 1, 230 + 1 at 2.
    case = Case.parse("1d-i3-k3-circular")
    x, w = np.array([[[1.0, 2, 3]]]), np.array([[[1.0, 10, 100]]])
    assert expected_output(case, {"x": x, "w": w})["y"].ravel().tolist() == [312, 123, 231]


def test_circular_has_no_output_padding() -> None:
    with pytest.raises(DomainError, match="R11: the output is one period"):
        Case.parse("1d-i3-k3-circular-op1").geometry()
    assert Case.parse("1d-i3-k3-circular-op0").geometry().output_size == (3,)


def _axes(low: int, high: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(low, high), st.integers(low, high))


@given(
    st.builds(
        Case,
        rank=st.just(2),
        batch=st.integers(0, 2),
        in_channels=st.just(2),
        out_channels=st.just(4),
        groups=st.integers(1, 2),
        input_size=_axes(0, 4),
        kernel_size=_axes(1, 5),
        stride=_axes(1, 4),
        dilation=_axes(1, 3),
        padding=st.sampled_from(PERIODIC),
        bias=st.booleans(),
        direction=st.sampled_from(["fwd", "grad"]),
        dtype=st.just("f64"),
    )
)
def test_circular_folds_the_full_result(case: Case) -> None:
    """Against R15 read aloud: every position of the full result is added at its residue, or the adjoint."""
    tensors = make_tensors(case)
    geometry = case.geometry()
    arguments: dict[str, Any] = {"stride": case.stride, "dilation": case.dilation, "groups": case.groups}
    if min(case.input_size) == 0:
        assert all(not array.size or not array.any() for array in expected_output(case, tensors).values())
        return
    residues = np.ix_(
        *(
            (np.arange(full) - low) % period
            for full, (low, _), period in zip(geometry.full_size, geometry.crop, geometry.output_size, strict=True)
        )
    )
    wrapped: Any = (..., *residues)
    found = expected_output(case, tensors)
    if case.direction == "fwd":
        full = oracle.conv_transpose(tensors["x"], tensors["w"], **arguments)
        y = np.zeros((case.batch, case.out_channels, *geometry.output_size))
        np.add.at(y, wrapped, full)
        if case.bias:
            y += tensors["bias"].reshape(-1, 1, 1)
        np.testing.assert_array_equal(found["y"], y)
    else:
        spread = tensors["dy"][wrapped]
        expected = oracle.conv_transpose_gradients(tensors["x"], tensors["w"], spread, **arguments)
        np.testing.assert_array_equal(found["dx"], expected.dx)
        np.testing.assert_array_equal(found["dw"], expected.dw)
        if case.bias:
            np.testing.assert_array_equal(found["db"], tensors["dy"].sum(axis=(0, 2, 3)))
