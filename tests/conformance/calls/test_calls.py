"""Calls read as cases: what they mean, what they refuse, and that nothing is ever evaluated."""
# ruff: noqa: E501  # calls as users paste them

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.calls import CallError, WeightForm, parse_call
from conformance.calls.form import FORMS as KNOWN_FORMS
from conformance.calls.weights import call_shape, from_case, to_case
from conformance.cases import Case
from conformance.cases.layouts import layout_doubt
from tests.support.command import conformance

# Text, input, weights, short id of its case.
CALLS = [
    ("torch.nn.ConvTranspose2d(16, 33, (3, 5), stride=(2, 1), padding=(4, 2))", "20x16x50x100", "",
     "2d-n20-c16x33-i50x100-k3x5-s2x1-p4x2-b1"),
    ("nn.ConvTranspose1d(4, 6, 3, 2, 1, 1, 2, False)", "2x4x9", "", "1d-n2-c4x6-i9-k3-s2-g2-p1-op1"),
    ("up = nn.LazyConvTranspose3d(5, 2, stride=2, dtype=torch.float64)", "1x3x4x5x6", "",
     "3d-c3x5-i4x5x6-k2-s2-p0-f64-b1"),
    ("torch.nn.ConvTranspose2d(1, 1, 16, 16, 7, bias=False)(torch.zeros(1, 1, 15, 13), output_size=(1, 1, 240, 200))",
     "", "", "2d-i15x13-k16-s16-p7-op14x6"),
    ("F.conv_transpose2d(torch.randn(1, 4, 5, 7), torch.ones((4, 3, 3, 2)), groups=2, dilation=2)", "", "",
     "2d-c4x6-i5x7-k3x2-d2-g2-p0"),
    ("F.conv_transpose1d(x, w, None, 2)", "1x2x5", "2x3x4", "1d-c2x3-i5-k4-s2-p0"),
    ("keras.layers.Conv2DTranspose(64, 3, strides=2, padding='same')", "1x5x7x3", "",
     "2d-c3x64-i5x7-k3-s2-same-cl-b1"),
    ("tf.keras.layers.Conv1DTranspose(2, 3, 2, 'valid', 1, use_bias=False)", "1x5x3", "",
     "1d-c3x2-i5-k3-s2-valid-op1-cl"),
    ("keras.ops.conv_transpose(np.ones((1, 4, 5, 3)), np.ones((2, 2, 6, 3)), 2, 'same', data_format='channels_last')",
     "", "", "2d-c3x6-i4x5-k2-s2-same-cl"),
    ("tf.nn.conv2d_transpose(x, w, [1, 8, 10, 6], 2)", "1x4x5x3", "3x3x6x3", "2d-c3x6-i4x5-k3-s2-same-cl"),
    ("tf.nn.conv2d_transpose(x, w, [1, 7, 9, 6], 2)", "1x4x5x3", "3x3x6x3", "2d-c3x6-i4x5-k3-s2-p1-cl"),
    ("tf.nn.conv1d_transpose(x, w, [1, 12, 6], [1, 2, 1], 'VALID')", "1x5x3", "3x6x3", "1d-c3x6-i5-k3-s2-p0.m1-cl"),
    ("tf.nn.conv3d_transpose(x, w, [1, 8, 10, 12, 6], 2, data_format='NDHWC')", "1x4x5x6x3", "3x3x3x6x3",
     "3d-c3x6-i4x5x6-k3-s2-same-cl"),
    ("tf.nn.conv2d_transpose(x, w, [1, 7, 9, 6], 2, [[0, 0], [1, 1], [1, 1], [0, 0]])", "1x4x5x3", "3x3x6x3",
     "2d-c3x6-i4x5-k3-s2-p1-cl"),
    ("jax.lax.conv_transpose(x, w, (2, 2), 'SAME')", "1x4x5x3", "3x3x3x6", "2d-c3x6-i4x5-k3-s2-same-cl"),
    ("lax.conv_transpose(x, w, (2,), [(2, 1)], transpose_kernel=True)", "1x5x3", "4x6x3",
     "1d-c3x6-i5-k4-s2-p1.2-cl"),
    ("lax.conv_transpose(x, w, (2,), [(2, 1)], use_consistent_padding=True)", "1x5x3", "4x3x6",
     "1d-c3x6-i5-k4-s2-p2.1-cl"),
    ("jax.lax.conv_general_dilated(x, w, (1, 1), ((1, 1), (1, 1)), lhs_dilation=(2, 2), feature_group_count=2)",
     "1x4x5x7", "6x2x3x3", "2d-c4x6-i5x7-k3-s2-g2-p1"),
    ("flax.linen.ConvTranspose(8, (3, 3), strides=(2, 2))", "1x4x5x3", "", "2d-c3x8-i4x5-k3-s2-same-cl-b1"),
    ("nnx.ConvTranspose(3, 8, (3,), strides=2, padding='VALID', rngs=nnx.Rngs(0))", "1x4x3", "",
     "1d-c3x8-i4-k3-s2-valid-cl-b1"),
    ("hk.Conv2DTranspose(8, 3, stride=2, with_bias=False)", "1x4x5x3", "", "2d-c3x8-i4x5-k3-s2-same-cl"),
    ("hk.ConvNDTranspose(1, 8, 3, 2, output_shape=(9,))", "1x5x3", "", "1d-c3x8-i5-k3-s2-p1-cl-b1"),
    ("eqx.nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2, key=jax.random.PRNGKey(0))", "4x5x7", "",
     "2d-c4x6-i5x7-k3-s2-g2-p1-op1-b1"),
    ("eqx.nn.ConvTranspose(1, 4, 6, 3, 2, 'SAME_LOWER', use_bias=False, key=key)", "4x5", "", "1d-c4x6-i5-k3-s2-same_lower"),
    ("onnx.helper.make_node('ConvTranspose', ['x', 'w'], ['y'], strides=[3, 2], pads=[1, 2, 1, 0], output_padding=[1, 0])",
     "1x1x3x3", "1x2x3x3", "2d-c1x2-i3-k3-s3x2-p1x2.0-op1x0"),
    ("mx.conv_transpose2d(x, w, (2, 1), 1, 1, (1, 0), 2)", "1x4x5x4", "6x3x2x2",
     "2d-c4x6-i4x5-k3x2-s2x1-g2-p1-op1x0-cl"),
    ("x.conv_transpose2d(w, stride=2, padding=(1, 0, 2, 1))", "1x2x4x5", "2x3x3x3", "2d-c2x3-i4x5-k3-s2-p2.1x1.0"),
    ("paddle.nn.functional.conv2d_transpose(x, w, None, 2, [1, 0, 2, 2], 1, 2, 1)", "1x2x4x5", "2x3x3x3",
     "2d-c2x3-i4x5-k3-s2-d2-p1.0x2-op1"),
    ("openvino.opset13.group_convolution_backprop_data(x, w, [2, 2], None, [1, 0], [0, 1])", "1x4x5x7", "2x2x3x3x3",
     "2d-c4x6-i5x7-k3-s2-g2-p1.0x0.1"),
    ("make_node('ConvTranspose', ['x', 'w', 'b'], ['y'], strides=[2], output_shape=[11])", "1x1x5", "1x2x4",
     "1d-c1x2-i5-k4-s2-shape_lower.11-b1"),
]  # fmt: skip


def shape(text: str) -> tuple[int, ...] | None:
    return tuple(map(int, text.split("x"))) if text else None


@pytest.mark.parametrize(("text", "inputs", "weights", "case"), CALLS)
def test_the_case_of_a_call(text: str, inputs: str, weights: str, case: str) -> None:
    read = parse_call(text, input_shape=shape(inputs), weight_shape=shape(weights)).case
    assert str(read) == str(Case.parse(case))


def test_every_importable_family_is_in_the_examples() -> None:
    read = {
        parse_call(text, input_shape=shape(i), weight_shape=shape(w)).name.partition(".")[0]
        for text, i, w, _ in CALLS
    }
    assert read == {form.name.partition(".")[0] for form in KNOWN_FORMS.values() if form.importable}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("torch.nn.ConvTranspose2d(1, 1, 3, strides=2)", "'strides'"),
        ("torch.nn.ConvTranspose2d(1, 1)", "'kernel_size'"),
        ("torch.nn.ConvTranspose2d(1, 1, 3, padding_mode='reflect')", "padding_mode"),
        ("torch.nn.ConvTranspose2d(1, 1, (3, 3, 3))", "kernel_size"),
        ("torch.nn.ConvTranspose2d(n, 1, 3)", "in_channels"),
        ("torch.nn.ConvTranspose2d(1, 1, 3, **more)", "more"),
        ("torch.nn.ConvTranspose2d(1, 1, 3, bias=maybe)", "bias"),
        ("torch.nn.ConvTranspose2d(1, 1, 3, dtype=torch.int8)", "torch.int8"),
        ("torch.nn.ConvTranspose4d(1, 1, 3)", "ConvTranspose4d"),
        ("keras.layers.Conv2DTranspose(1, 3, padding='full')", "full"),
        ("keras.layers.Conv2DTranspose(1, 3, groups=2)", "'groups'"),
        ("F.conv_transpose2d(x, w)", "--weight"),
        ("tf.nn.conv2d_transpose(x, zeros([3, 3, 1, 1]), [1, 50, n, 1], 2)", "output_shape"),
        ("jax.lax.conv_transpose(x, zeros((3, 3, 1, 1)), (2, 2), 'FULL')", "FULL"),
        ("jax.lax.conv_general_dilated(x, zeros((1, 1, 3)), (2,), [(0, 0)])", "window_strides"),
        ("make_node('Conv', ['x', 'w'], ['y'])", "op_type"),
        ("__import__('os').system('true')", "is not the name of a function"),
        ("x = 1", "is not one call"),
        ("a(); b()", "is not one call"),
        ("a(", "is not a Python call"),
        ("", "is not one call"),
        ("(" * 5000, "is not a Python call"),
        ("a" + "(b" * 300, "is not a Python call"),
    ],
)
def test_what_is_wrong_is_named(text: str, named: str) -> None:
    with pytest.raises(CallError, match=r".") as caught:
        parse_call(text)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_channel_count_that_the_input_contradicts_is_named() -> None:
    with pytest.raises(CallError, match="has 3 channels"):
        parse_call("torch.nn.ConvTranspose2d(4, 1, 3)", input_shape=(1, 3, 5, 7))


def test_nothing_is_evaluated(tmp_path: Path) -> None:
    proof = tmp_path / "evaluated"
    with pytest.raises(CallError):
        parse_call(f"torch.nn.ConvTranspose2d(open({str(proof)!r}, 'w').write('x'), 1, 3)")
    assert not proof.exists()


def test_without_an_input_a_small_one_is_taken_and_noted() -> None:
    read = parse_call("keras.layers.Conv2DTranspose(64, 3, strides=2, padding='same')")
    assert len(set(read.case.input_size)) == 2
    assert any("no --input" in note for note in read.notes)


@pytest.mark.parametrize(("text", "doubted"), [
    ("2d-c2x1-i1x2-k3-s2-same-cl", True),
    ("2d-c7x1-i3x7-k3-s2-same-cl", True),
    ("2d-c1x1-i2x2-k3-s2-same-cl", False),
    ("2d-c3x1-i5x7-k3-s2-same-cl", False),
    ("2d-c4x1-i4x3-k3-s2-p0-cf", True),
    ("1d-c4x1-i4-k3-s2-p0-cf", False),
    ("2d-c256x1-i12-k3-valid-cl", False),
    ("2d-c256x1-i12x14-k3-valid-cl", False),
    ("2d-c1024x512-i4x5-k3-s2-same-cl", False),
    ("2d-c128x4-i100x3-k3-s2-p1-cf", True),
])  # fmt: skip
def test_the_layout_trap_is_pointed_out(text: str, doubted: bool) -> None:
    case = Case.parse(text)
    assert (layout_doubt(case) is not None) is doubted


def test_the_trap_is_noted_by_a_call() -> None:
    read = parse_call("keras.layers.Conv2DTranspose(1, 3, strides=2, padding='same')", input_shape=(1, 1, 2, 2))
    assert read.case.output_shape == (1, 2, 4, 1)
    assert any("look like the other layout" in note for note in read.notes)


FORMS = [WeightForm(a, f, g) for a in ("io*", "oi*", "*io", "*oi") for f in (False, True) for g in (False, True)]


@given(st.sampled_from(FORMS), st.integers(1, 3), st.integers(1, 3), st.integers(1, 2), st.integers(1, 3))
def test_weights_go_to_the_case_and_back(
    form: WeightForm, rank: int, groups: int, inputs: int, outputs: int
) -> None:
    sizes = tuple(range(2, 2 + rank))
    case = Case(rank, (3,), sizes, in_channels=groups * inputs, out_channels=groups * outputs, groups=groups)
    ours = np.arange(np.prod(case.weight_shape)).reshape(case.weight_shape)
    there: dict[str, Any] = {"np": np, "w": ours}
    exec("\n".join(from_case(form, case)), there)
    assert there["w"].shape == call_shape(form, case)
    exec("\n".join(to_case(form, case)), there)
    np.testing.assert_array_equal(there["w"], ours)


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "torch.nn.ConvTranspose2d(1, 1, 3, strides=2)"),
        ("check", "torch.nn.ConvTranspose2d(1, 1, 3)", "--input", "1x1x"),
        ("check", "2d-i5-k3", "--input", "1x1x5x5"),
        ("check", "2d-i5-k3", "--node", "a"),
        ("check", "nowhere.onnx"),
        ("check", "2d-i5"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments: tuple[str, ...]) -> None:
    done = conformance(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("conformance: ")
    assert done.stderr.count("\n") == 1
