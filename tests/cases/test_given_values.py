"""Numbers in an id: their text, the tensors that they fill, and the calls whose text gives them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.calls import parse_call
from conformance.cases import Case, CaseError
from conformance.cases.data import make_tensors
from conformance.cases.literals import MOST_NUMBERS, numbers_of, print_numbers


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=8))
def test_numbers_and_their_text_are_inverse(numbers: list[float]) -> None:
    text = print_numbers(numbers)
    assert [value.hex() for value in numbers_of(text)] == [value.hex() for value in numbers]
    case = Case.parse(f"1d-i3-k3-f64-given.0.x{text}")
    assert Case.parse(str(case)) == case
    assert make_tensors(case)["x"].ravel().tolist() == np.resize(numbers, 3).tolist()


def test_the_numbers_repeat_and_the_rest_is_drawn() -> None:
    tensors = make_tensors(Case.parse("1d-i3-k2-f16-b1-given.4.x1_m2p5.b100000"))
    assert tensors["x"].ravel().tolist() == [1, -2.5, 1]
    assert tensors["bias"].tolist() == [65504]  # the largest number of the format
    ints = make_tensors(Case.parse("1d-i3-k2-f16-b1-ints.4"))
    assert tensors["w"].tolist() == ints["w"].tolist()


def test_other_kinds_have_no_numbers() -> None:
    for text in ("ints.0.x1", "given.x1", "given.0.w1.x1", "given.0.x1__2", "given.0.x1e999", "given.0.x"):
        with pytest.raises(CaseError):
            Case.parse(f"1d-i3-k2-{text}")
    many = "_".join(["1"] * (MOST_NUMBERS + 1))
    with pytest.raises(CaseError):
        Case.parse(f"1d-i3-k2-given.0.x{many}")


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (
            "F.conv_transpose1d(torch.tensor([[[1000., -1000., 1000.]]], dtype=torch.float16),"
            " torch.full((1, 1, 3), -1000., dtype=torch.float16))",
            "f16-b0-given.0.x1000_m1000_1000.wm1000-",
        ),
        ("F.conv_transpose1d(torch.tensor([[[1, -2.5]]]).half(), torch.ones(1, 1, 3).half())", "x1_m2p5.w1-"),
        # Images in channels_last order, kernels in the framework's.
        (
            "tf.nn.conv2d_transpose(tf.constant([1., 2., 3., 4.], shape=[1, 1, 2, 2]),"
            " tf.constant([[[[1., 2.]]]]),"
            " [1, 1, 2, 1], 1)",
            "x1_3_2_4.w1_2-",
        ),
        (
            "jax.lax.conv_transpose(jnp.array([[[1.], [2.]]]), jnp.array([[[1.]], [[5.]]]), (1,), 'VALID')",
            "x1_2.w5_1-",
        ),
        # Placeholders, changed numbers, and numbers beyond the format.
        ("F.conv_transpose1d(torch.ones(1, 1, 2), torch.ones(1, 1, 3))", "-ints.0-"),
        ("F.conv_transpose1d(torch.tensor([[[1., 2.]]]).relu(), torch.ones(1, 1, 3))", "-ints.0-"),
        ("F.conv_transpose1d(torch.tensor([[[1., 2.]]]) * 2, torch.ones(1, 1, 3))", "-ints.0-"),
        ("F.conv_transpose1d(torch.tensor([[[1e5]]]).half(), torch.ones(1, 1, 3).half())", "-ints.0-"),
    ],
)
def test_the_numbers_of_a_call_are_those_of_its_case(text: str, data: str) -> None:
    meaning = parse_call(text)
    assert data in str(meaning.case)
    left_out = any("values" in note for note in meaning.notes)
    assert left_out == ("ints" in data)
