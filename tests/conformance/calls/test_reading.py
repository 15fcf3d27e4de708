"""Programs, logs and graphs as text: the case that each becomes, and what is said of what the case leaves out."""

# ruff: noqa: E501  # texts as users paste them

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.calls import CallError, Meaning, parse_call
from conformance.cases import Case

LAYER = "nn.ConvTranspose2d(2, 3, 2)"
READ = "2d-c2x3-i3x4-k2-p0-b1"


def read(text: str, **options: object) -> Meaning:
    return parse_call(text, **options)  # type: ignore[arg-type]


def assert_case(text: str, case: str, **options: object) -> None:
    assert str(read(text, **options).case) == str(Case.parse(case))


@pytest.mark.parametrize("tensor", [
    "torch.randn(1, 2, 3, 4).cuda()",
    "torch.randn(1, 2, 3, 4).to('cuda')",
    "torch.randn(1, 2, 3, 4).clone().detach()",
    "torch.randn(24).reshape(1, 2, 3, 4)",
    "torch.randn(1, 24).view(-1, 2, 3, 4)",
    "torch.randn(2, 3, 4).unsqueeze(0)",
    "torch.from_numpy(np.random.rand(1, 2, 3, 4).astype('float32'))",
    "torch.zeros_like(torch.rand(1, 2, 3, 4))",
    "torch.randn(1, 2, 3, 4) * 2 - 1",
    "torch.randn(*shape)",
    "torch.randn(1, 3, 4, 2).permute(0, 3, 1, 2)",
    "torch.cat([torch.randn(1, 1, 3, 4), torch.randn(1, 1, 3, 4)], dim=1)",
    "F.pad(torch.randn(1, 2, 3, 2), (1, 1))",
    "torch.randn(1, 2, 9, 4)[:, :, ::3]",
    "nn.ReLU()(nn.Conv2d(5, 2, 3, padding=1)(torch.randn(1, 5, 3, 4)))",
])  # fmt: skip
def test_a_method_keeps_or_changes_the_shape(tensor: str) -> None:
    assert_case(f"shape = (1, 2, 3, 4)\n{LAYER}({tensor})", READ)


@pytest.mark.parametrize("use", [
    "print(m(x).shape)",
    "m(x).sum()",
    "y = m.forward(x)",
    "model = nn.Sequential(m, nn.ReLU())\ny = model(x)",
    "try:\n    y = m(x)\nexcept RuntimeError as error:\n    print(error)",
    "with torch.no_grad():\n    y = m(x)",
    "for _ in range(3):\n    y = m(x)",
    "if torch.cuda.is_available():\n    y = m(x)",
    "def f(z):\n    return m(z)\n\nf(x)",
    "assert m(x) is not None",
    "y = [layer(x) for layer in [m]]",
])  # fmt: skip
def test_a_call_is_found_wherever_it_is(use: str) -> None:
    assert_case(f"m = {LAYER}\nx = torch.randn(1, 2, 3, 4)\n{use}", READ)


@pytest.mark.parametrize(("text", "case"), [
    ("F.conv_transpose2d(torch.ones(1,1,2,2,dtype=torch.float16), torch.ones(1,1,1,1,dtype=torch.float16))",
     "2d-i2-k1-p0-f16"),
    ("x = tf.constant([1., 2., 3., 4.], shape=[1, 2, 2, 1])\nkeras.layers.Conv2DTranspose(1, 3)(x)",
     "2d-i2-k3-cl-b1-given.0.x1_2_3_4"),
    ("a, b = 1, 2\nk = [3, 4]\nnn.ConvTranspose2d(a, b, k[0], int(8 / 2), **dict(padding=1))",
     "2d-c1x2-i5x7-k3-s4-p1-b1"),
    (">>> m = nn.ConvTranspose2d(2, 3, 2)\n>>> m(torch.randn(1, 2, 3, 4)).shape\ntorch.Size([1, 3, 4, 5])", READ),
    ("    m = nn.ConvTranspose2d(2, 3, 2)\n    m(torch.randn(1, 2, 3, 4))", READ),
    ("m = nn.ConvTranspose2d(2, 3, 2)\n    m(torch.randn(1, 2, 3, 4))", READ),
    ("(up1): ConvTranspose2d(64, 32, kernel_size=(2, 2), stride=(2, 2))", "2d-c64x32-i5x7-k2-s2-p0-b1"),
    ("m = nn.ConvTranspose2d(2, 3, 2)\nm(torch.randn(1, 2, 3, 4)).sum().backward()", READ + "-grad"),
    ("weight = torch.rand(1, 1, 2, 2)\nweight[0, 0, 0, 0] = float('inf')\nF.conv_transpose2d(torch.rand(1, 1, 3, 3), weight)",
     "2d-i3-k2-p0-infweight.0"),
    ("x = torch.rand(1, 1, 3, 3)\nx.fill_(float('nan'))\nF.conv_transpose2d(x, torch.rand(1, 1, 2, 2))",
     "2d-i3-k2-p0-naninput.0"),
    ("%5 : Float(1, 3, 8, 8) = onnx::ConvTranspose[dilations=[1, 1], group=1, kernel_shape=[2, 2], strides=[2, 2]](%x, %w)",
     "2d-c4x3-i4-k2-s2-p0"),
    ("%x : Half(1, 4, 3, 5, strides=[60, 15, 5, 1], requires_grad=0, device=cpu)\n%5 : Half(1, 3, 6, 10, strides=[180, 60, 10, 1], "
     "requires_grad=1, device=cpu) = onnx::ConvTranspose[kernel_shape=[2, 2], strides=[2, 2], onnx_name=\"up\"](%x, %w)",
     "2d-c4x3-i3x5-k2-s2-p0-f16"),
    ("tf.layers.conv2d_transpose(x, 8, 3, 2, 'same')", "2d-c4x8-i5x7-k3-s2-same-cl-b1"),
    ("Deconvolution2D(3, 3, 3, output_shape=(None, 14, 14, 3), subsample=(2, 2))", "2d-c4x3-i6-k3-s2-p0.m1-cl-b1"),
])  # fmt: skip
def test_what_a_text_becomes(text: str, case: str) -> None:
    assert_case(text, case)


@pytest.mark.parametrize(("text", "image", "weight", "case"), [
    ("mx.conv_transpose2d(x, w, stride=2)", (1, 4, 4, 3), (8, 3, 3, 3), "2d-c3x8-i4-k3-s2-p0-cl"),
    ("x.conv_transpose2d(w, stride=2)", (1, 3, 4, 4), (3, 8, 3, 3), "2d-c3x8-i4-k3-s2-p0"),
    ("torch.ops.aten.convolution(x, w, None, [2, 2], [1, 1], [1, 1], True, [0, 0], 1)", (1, 2, 4, 4), (2, 3, 3, 3),
     "2d-c2x3-i4-k3-s2-p1"),
    ("K.conv2d_transpose(x, k, (1, 8, 8, 3), strides=(2, 2), padding='same')", None, (3, 3, 3, 4),
     "2d-c4x3-i4-k3-s2-same-cl"),
    ("tf.nn.conv2d_transpose(x, w, (1, 4, 4, 3), 1)", None, (3, 3, 3, 3), "2d-c3x3-i4-k3-same-cl"),
    ("nn.Conv2DTranspose(1, 3)", (1, 12, 12, 256), None, "2d-c256x1-i12-k3-cl-b1"),
])  # fmt: skip
def test_what_a_call_becomes_with_its_shapes(
    text: str, image: tuple[int, ...] | None, weight: tuple[int, ...] | None, case: str
) -> None:
    assert_case(text, case, input_shape=image, weight_shape=weight)


@pytest.mark.parametrize(("text", "named"), [
    ("F.conv_transpose2d(torch.ones(1, 1, 2, 2), torch.rand(1, 1, 1, 1))", "the input's values (all 1)"),
    ("nn.ConvTranspose2d(1, 1, 2)(torch.rand(1, 1, 2, 2).half())", "mixed dtypes"),
    ("nn.ConvTranspose2d(1, 1, 2).cuda()", "the device (cuda)"),
    ("nn.ConvTranspose2d(1, 1, 2, device='cuda')", "the device (cuda)"),
    ("F.conv_transpose1d(torch.tensor([[[1., 2.]]]) + 1, torch.ones(1, 1, 3))", "the input's values (computed)"),
    ("m = torch.compile(nn.ConvTranspose2d(1, 1, 2))", "the compiler"),
    ("m = nn.ConvTranspose2d(1, 1, 2).to(memory_format=torch.channels_last)", "the memory format"),
    ("with torch.autocast('cuda'):\n    nn.ConvTranspose2d(1, 1, 2)(x)", "autocast"),
    ("nn.ConvTranspose2d(1, 1, 2)", "no --input given; using 1x1x5x7"),
    ("x = keras.Input((None, None, 3))\nkeras.layers.Conv2DTranspose(1, 3)(x)", "only ?x?x?x3 is known"),
    ("tf.nn.conv2d_transpose(x, tf.zeros((3, 3, 3, 3)), (1, 4, 4, 3), 1)", "no --input given; 1x4x4x3 follows"),
    ("prose here\nnn.ConvTranspose2d(1, 1, 2)", "left out, since not Python: line 1"),
    ("nn.ConvTranspose2d(1, 1, 2)\nmylib.conv_transpose_3d(x)", "mylib.conv_transpose_3d, which is not read"),
    ("keras.layers.Conv2DTranspose(1, 3, kernel_initializer='ones')", "the weights' values (ones)"),
    ("keras.ops.conv_transpose(np.zeros((1, 3, 3, 2)), np.ones((2, 2, 4, 2)), 2)", "the backends jax and numpy of Keras make float32"),
    ("torch.onnx.export(nn.ConvTranspose2d(1, 1, 2), torch.rand(1, 1, 3, 3), 'm.onnx', opset_version=10)",
     "the opset (10); the export"),
])  # fmt: skip
def test_what_a_case_leaves_out_is_named(text: str, named: str) -> None:
    notes = read(text).notes
    assert any(named in note for note in notes), notes


def test_layers_that_join_tensors_give_their_shape() -> None:
    joined = """
x = keras.Input((8, 8, 4), batch_size=2)
y = keras.layers.Add()([unknown(x), x])
z = keras.layers.Concatenate()([x, y])
keras.layers.Conv2DTranspose(2, 3)({})
"""
    for name, channels in (("y", 4), ("z", 8)):
        assert_case(joined.format(name), f"2d-n2-c{channels}x2-i8-k3-valid-cl-b1")


@pytest.mark.parametrize(("text", "said"), [
    ("nn.Conv2d(3, 8, 3)", "not a transposed convolution (did you mean 'nn.ConvTranspose2d'"),
    ("jax.lax.conv(x, w, (1, 1), 'SAME')", "(did you mean 'jax.lax.conv_transpose'"),
    ("keras.layers.Conv3D(8, 3)", "a forward convolution cannot be a case"),
    ("nn.LazyConv1d(8, 3)", "(did you mean 'nn.LazyConvTranspose1d'"),
    ("mxnet.gluon.nn.Conv2DTranspose(3, 3)", "calls of mxnet cannot be read"),
    ("chainer.links.Deconvolution2D(3, 8, 3)", "calls of chainer cannot be read"),
    ("kears.layers.Conv2DTranspose(1, 3)", "did you mean 'keras.layers.Conv2DTranspose'"),
])  # fmt: skip
def test_another_operation_or_library_is_named(text: str, said: str) -> None:
    with pytest.raises(CallError) as caught:
        read(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_plain_program_has_no_notes() -> None:
    assert read(f"{LAYER}(torch.randn(1, 2, 3, 4))").notes == ()


def test_several_calls_are_listed_and_one_can_be_chosen() -> None:
    text = "a = nn.ConvTranspose2d(1, 2, 3)\nb = nn.ConvTranspose2d(2, 1, 4)"
    with pytest.raises(CallError, match=r"--call N: 1: nn\.ConvTranspose2d\(1, 2, 3\) in line 1; 2: .* in line 2"):
        read(text)
    assert_case(text, "2d-c2x1-i5x7-k4-p0-b1", number=2)
    with pytest.raises(CallError, match="contains 2 calls"):
        read(text, number=3)


def test_a_loop_over_values_makes_a_case_of_each() -> None:
    text = "for k in (2, 3):\n    F.conv_transpose2d(torch.rand(1, 1, 3, 3), torch.rand(1, 1, k, k))"
    with pytest.raises(CallError, match="contains 2 calls"):
        read(text)
    assert_case(text, "2d-i3-k3-p0", number=2)


def test_a_class_runs_as_the_program_says() -> None:
    text = """
class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.up = nn.ConvTranspose2d(width, width // 2, 2, stride=2)

    def forward(self, x):
        return self.up(x)

net = Net().cuda()
loss = net(torch.randn(2, 8, 5, 6, device="cuda")).mean()
loss.backward()
"""
    assert_case(text, "2d-n2-c8x4-i5x6-k2-s2-p0-b1-grad")


@pytest.mark.parametrize("text", [
    "def f(x):\n    return f(x)\nf(1)\nnn.ConvTranspose2d(1, 1, 2)",
    "x = 1\nwhile True:\n    x = x * 9 ** 9\nnn.ConvTranspose2d(1, 1, 2)",
    "y = (0,) * 10 ** 12\nz = 'a' * 10 ** 12\nnn.ConvTranspose2d(1, 1, 2)",
    "a = [i for i in range(10 ** 9)]\nnn.ConvTranspose2d(1, 1, 2)",
    "s = self.s = self\nnn.ConvTranspose2d(1, 1, 2)",
])  # fmt: skip
def test_a_program_that_would_not_end_is_read(text: str) -> None:
    assert_case(text, "2d-i5x7-k2-p0-b1")


_PIECES = st.sampled_from([
    "nn.ConvTranspose2d", "torch.randn", "(", ")", "[", "]", "1", "2", ",", ".", "x", "=", "\n", "\n    ", ":", " ",
    "for ", "in ", "def ", "class ", "lambda ", "*", "**", "{", "}", "'", '"', "if ", "else ", "self", "import ",
    "F.conv_transpose2d", ".backward()", ".half()", "None", "-1", "%", "@", "onnx::ConvTranspose[", "layer { type:",
    '"Deconvolution"', "op_type:", "ConvTranspose", "Deconvolution up 1 1 a b 0=", "float('inf')", "#", ">>> ", "{}",
])  # fmt: skip


@given(st.lists(_PIECES, max_size=25).map("".join))
def test_any_text_is_a_case_or_one_line_of_error(text: str) -> None:
    try:
        shown = str(parse_call(text).case)
    except CallError as error:
        shown = str(error)
    assert shown
    assert "\n" not in shown
