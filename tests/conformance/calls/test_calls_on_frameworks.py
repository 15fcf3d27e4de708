"""Calls read as syntax against the frameworks themselves: signatures, and the outputs of the calls as written."""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from conformance.calls import all_calls, parse_call
from conformance.calls.form import FORMS
from conformance.calls.weights import from_case
from conformance.cases import Case
from conformance.cases.data import make_tensors
from conformance.oracle.expected_output import expected_output

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# What frameworks warn about themselves while they are imported and run does not matter here.
pytestmark = pytest.mark.filterwarnings("ignore")

_ROOTS = {"tf": "tensorflow"}


def _find(name: str) -> Any:
    package, *path = name.split(".")
    found = pytest.importorskip(_ROOTS.get(package, package), reason="the framework is not installed")
    for depth, part in enumerate(path):
        if not hasattr(found, part):
            importlib.import_module(".".join([package, *path[: depth + 1]]))
        found = getattr(found, part)
    return found


_EMPTY = inspect.Parameter.empty
# Defaults that are not literals, depend on the number of axes, or say the same in a different form.
_FREE = {"data_format", "kernel_init", "bias_init", "param_dtype", "promote_dtype", "parent", "kernel_metadata"}
_FREE |= {"bias_metadata", "key", "rngs"}


def _signature(function: Any) -> inspect.Signature:
    if inspect.isclass(function) and list(inspect.signature(function).parameters) == ["args", "kwargs"]:
        _self, *rest = inspect.signature(function.__init__).parameters.values()
        return inspect.Signature(rest)
    try:
        return inspect.signature(function)
    except ValueError:
        # A function written in C++ says its signature in the first line of its documentation.
        line = next(line for line in function.__doc__.splitlines() if "(" in line)
        arguments = line[line.index("(") + 1 : line.rindex(")")]
        written: dict[str, Any] = {}
        exec(f"from __future__ import annotations\ndef function({arguments}): pass", written)
        return inspect.signature(written["function"])


def _plain(value: Any) -> Any:
    value = tuple(value) if isinstance(value, list) else value
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value


@pytest.mark.parametrize("name", [name for name in all_calls() if FORMS[name].importable])
def test_the_signature_and_its_defaults_are_the_frameworks_own(name: str) -> None:
    theirs = _signature(_find(name)).parameters
    ours = dict(list(inspect.signature(FORMS[name].function).parameters.items())[1:])
    shared = [p for p in theirs if p != "kwargs"]
    # Keyword arguments that go through **kwargs have no default to compare.
    assert [p for p in ours if p in theirs] == shared
    if "kwargs" not in theirs:
        assert list(ours) == list(theirs)
    for parameter in shared:
        if parameter not in _FREE:
            assert _plain(ours[parameter].default) == _plain(theirs[parameter].default), parameter


def _torch(text: str, x: Any, w: Any, bias: Any) -> Any:
    torch = _find("torch")
    x, w = torch.from_numpy(x), torch.from_numpy(w.copy())
    found = eval(text, {"torch": torch, "nn": torch.nn, "F": torch.nn.functional, "x": x, "w": w})
    if isinstance(found, torch.Tensor):
        return found.numpy()
    found(x)  # a lazy module makes its weights now
    found.weight.data = w
    if bias is not None:
        found.bias.data = torch.from_numpy(bias)
    return found(x).detach().numpy()


def _keras(text: str, x: Any, w: Any, bias: Any) -> Any:
    keras = _find("keras")
    found = eval(text, {"keras": keras, "x": keras.ops.convert_to_tensor(x), "w": keras.ops.convert_to_tensor(w)})
    if not isinstance(found, keras.layers.Layer):
        return keras.ops.convert_to_numpy(found)
    found.build(x.shape)
    found.set_weights([w] if bias is None else [w, bias])
    return keras.ops.convert_to_numpy(found(x))


def _tensorflow(text: str, x: Any, w: Any, bias: Any) -> Any:
    tf = _find("tensorflow")
    return eval(text, {"tf": tf, "x": tf.constant(x), "w": tf.constant(w)}).numpy()


def _jax(text: str, x: Any, w: Any, bias: Any) -> Any:
    jax = _find("jax")
    return np.asarray(
        eval(text, {"jax": jax, "lax": jax.lax, "x": jax.numpy.asarray(x), "w": jax.numpy.asarray(w)})
    )


def _flax(text: str, x: Any, w: Any, bias: Any) -> Any:
    nnx, linen = _find("flax.nnx"), _find("flax.linen")
    layer = eval(text, {"nnx": nnx, "linen": linen})
    if isinstance(layer, linen.Module):
        params = {"kernel": w} | ({} if bias is None else {"bias": bias})
        return np.asarray(layer.apply({"params": params}, x))
    layer.kernel = nnx.Param(_find("jax").numpy.asarray(w))
    if bias is not None:
        layer.bias = nnx.Param(_find("jax").numpy.asarray(bias))
    return np.asarray(layer(x))


def _haiku(text: str, x: Any, w: Any, bias: Any) -> Any:
    hk = _find("haiku")
    ask = hk.without_apply_rng(hk.transform(lambda x: eval(text, {"hk": hk})(x)))
    made = ask.init(_find("jax").random.PRNGKey(0), x)
    ((module, _),) = made.items()
    params = {"w": w} if bias is None else {"w": w, "b": bias.reshape(made[module]["b"].shape)}
    return np.asarray(ask.apply({module: params}, x))


def _equinox(text: str, x: Any, w: Any, bias: Any) -> Any:
    eqx, jax = _find("equinox"), _find("jax")
    layer = eval(text, {"eqx": eqx, "key": jax.random.PRNGKey(0)})
    layer = eqx.tree_at(lambda m: m.weight, layer, jax.numpy.asarray(w))
    if bias is not None:
        layer = eqx.tree_at(lambda m: m.bias, layer, jax.numpy.asarray(bias).reshape(layer.bias.shape))
    return np.asarray(jax.vmap(layer)(x))


def _onnx(text: str, x: Any, w: Any, bias: Any) -> Any:
    helper, run = _find("onnx").helper, _find("onnxruntime")
    node = eval(text, {"make_node": helper.make_node})
    tensors = {"x": x, "w": w} | ({} if bias is None else {"b": bias})
    inputs = [helper.make_tensor_value_info(name, 1, value.shape) for name, value in tensors.items()]
    output = helper.make_tensor_value_info("y", 1, [None] * x.ndim)
    model = helper.make_model(
        helper.make_graph([node], "g", inputs, [output]), opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    session = run.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, tensors)[0]


def _mlx(text: str, x: Any, w: Any, bias: Any) -> Any:
    mx, nn = _find("mlx.core"), _find("mlx.nn")
    found = eval(text, {"mx": mx, "mlx": _find("mlx"), "x": mx.array(x), "w": mx.array(w)})
    if isinstance(found, nn.Module):
        found.weight = mx.array(w)
        if bias is not None:
            found.bias = mx.array(bias)
        found = found(mx.array(x))
    return np.array(found)


def _openvino(text: str, x: Any, w: Any, bias: Any) -> Any:
    openvino, ops = _find("openvino"), _find("openvino.opset13")
    image = ops.parameter(list(x.shape), np.float32)
    node = eval(text, {"openvino": openvino, "ops": ops, "x": image, "w": w})
    compiled = openvino.compile_model(openvino.Model([node], [image]), "CPU")
    return np.array(compiled(x)[0])


Ask = Callable[[str, Any, Any, Any], Any]
CALLS: list[tuple[Ask, str, tuple[int, ...], tuple[int, ...] | None]] = [
    (
        _torch,
        "torch.nn.ConvTranspose2d(4, 6, (3, 4), stride=(2, 3), padding=(1, 2), groups=2)",
        (2, 4, 5, 7),
        None,
    ),
    (_torch, "nn.ConvTranspose1d(4, 6, 3, 3, 1, 2, 2, False, 2)", (2, 4, 5), None),
    (_torch, "nn.LazyConvTranspose3d(2, (1, 2, 3), stride=2)", (1, 2, 3, 4, 2), None),
    (_torch, "F.conv_transpose2d(x, w, None, 2, 1, 1, 2, 3)", (2, 4, 5, 7), (4, 3, 3, 2)),
    (_keras, "keras.layers.Conv2DTranspose(6, (3, 4), strides=2, padding='same')", (2, 5, 7, 4), None),
    (_keras, "keras.layers.Conv1DTranspose(6, 4, 3, 'same', 1)", (2, 5, 4), None),
    (_keras, "keras.layers.Conv3DTranspose(2, 3, (1, 2, 3), use_bias=False)", (1, 3, 4, 2, 3), None),
    (_keras, "keras.ops.conv_transpose(x, w, 2, 'same')", (2, 5, 7, 4), (3, 2, 6, 4)),
    (_tensorflow, "tf.nn.conv2d_transpose(x, w, [2, 10, 14, 6], 2)", (2, 5, 7, 4), (3, 2, 6, 4)),
    (_tensorflow, "tf.nn.conv2d_transpose(x, w, [2, 9, 13, 6], 2)", (2, 5, 7, 4), (3, 2, 6, 4)),
    (_tensorflow, "tf.nn.conv1d_transpose(x, w, [2, 12, 6], 2, 'VALID')", (2, 5, 4), (3, 6, 4)),
    (
        _tensorflow,
        "tf.nn.conv2d_transpose(x, w, [2, 9, 13, 6], 2, [[0, 0], [1, 1], [1, 0], [0, 0]])",
        (2, 5, 7, 4),
        (3, 2, 6, 4),
    ),
    (
        _tensorflow,
        "tf.raw_ops.Conv2DBackpropInput(input_sizes=[2, 9, 13, 6], filter=w, out_backprop=x, "
        "strides=[1, 2, 2, 1], padding='SAME')",
        (2, 5, 7, 4),
        (3, 2, 6, 4),
    ),
    (_mlx, "mx.conv_transpose2d(x, w, (2, 1), 1, 1, (1, 0))", (2, 5, 7, 4), (6, 3, 2, 4)),
    (_mlx, "mlx.nn.ConvTranspose1d(4, 6, 3, 2, 1)", (2, 5, 4), None),
    (_jax, "jax.lax.conv_transpose(x, w, (2, 3), 'SAME')", (2, 5, 7, 4), (3, 4, 4, 6)),
    (_jax, "lax.conv_transpose(x, w, (2,), [(2, 1)], transpose_kernel=True)", (2, 5, 4), (4, 6, 4)),
    (_jax, "lax.conv_transpose(x, w, (2,), [(2, 1)], use_consistent_padding=True)", (2, 5, 4), (4, 4, 6)),
    (
        _jax,
        "lax.conv_transpose(x, w, (2, 1), 'VALID', (1, 2), ('NCHW', 'OIHW', 'NCHW'))",
        (2, 4, 5, 7),
        (6, 4, 3, 2),
    ),
    (
        _jax,
        "lax.conv_general_dilated(x, w, (1, 1), ((1, 1), (0, 2)), (2, 3), (1, 2), None, 2)",
        (2, 4, 5, 7),
        (6, 2, 3, 2),
    ),
    (_flax, "linen.ConvTranspose(6, (3, 4), strides=(2, 3))", (2, 5, 7, 4), None),
    (_flax, "linen.ConvTranspose(6, (3, 4), (2, 3), 'VALID', transpose_kernel=True)", (2, 5, 7, 4), None),
    (
        _flax,
        "nnx.ConvTranspose(4, 6, (3,), strides=2, padding=[(2, 1)], rngs=nnx.Rngs(0))",
        (2, 5, 4),
        None,
    ),
    (_flax, "linen.ConvTranspose(6, (5,), (2,), 'CIRCULAR')", (2, 4, 4), None),
    (_flax, "linen.ConvTranspose(6, (4,), (1,), 'CIRCULAR', transpose_kernel=True)", (2, 4, 4), None),
    (_equinox, "eqx.nn.ConvTranspose(1, 4, 6, 4, 1, 'SAME', padding_mode='CIRCULAR', key=key)", (2, 4, 5), None),
    (
        _equinox,
        "eqx.nn.ConvTranspose(1, 4, 6, 4, 1, 'SAME_LOWER', padding_mode='CIRCULAR', key=key)",
        (2, 4, 5),
        None,
    ),
    (_equinox, "eqx.nn.ConvTranspose(1, 4, 6, 5, 2, 'SAME', use_bias=False, key=key)", (2, 4, 5), None),
    (_haiku, "hk.Conv2DTranspose(6, (3, 4), stride=(2, 3))", (2, 5, 7, 4), None),
    (_haiku, "hk.ConvNDTranspose(1, 6, 3, 2, output_shape=(9,))", (2, 5, 4), None),
    (_haiku, "hk.Conv1DTranspose(6, 4, 2, None, 'VALID', data_format='NCW')", (2, 4, 5), None),
    (_equinox, "eqx.nn.ConvTranspose2d(4, 6, (3, 4), (2, 3), 1, 1, groups=2, key=key)", (2, 4, 5, 7), None),
    (_equinox, "eqx.nn.ConvTranspose(1, 4, 6, 4, 2, 'SAME_LOWER', 1, use_bias=False, key=key)", (2, 4, 5), None),
    (_equinox, "eqx.nn.ConvTranspose1d(4, 6, 4, 1, 0, ((1, 2),), key=key)", (2, 4, 5), None),
    (
        _onnx,
        "make_node('ConvTranspose', ['x', 'w', 'b'], ['y'], strides=[3, 2], pads=[1, 2, 1, 0], group=2)",
        (2, 4, 5, 7),
        (4, 3, 3, 4),
    ),
    (
        _onnx,
        "make_node('ConvTranspose', ['x', 'w'], ['y'], strides=[3, 2], output_padding=[2, 1], dilations=[1, 2])",
        (2, 4, 5, 7),
        (4, 3, 3, 4),
    ),
    (_onnx, "make_node('ConvTranspose', ['x', 'w'], ['y'], strides=[2], output_shape=[11])", (1, 1, 5), (1, 2, 4)),
    (
        _onnx,
        "make_node('ConvTranspose', ['x', 'w'], ['y'], strides=[2], auto_pad='SAME_UPPER')",
        (1, 1, 5),
        (1, 2, 5),
    ),
    (
        _onnx,
        "make_node('ConvTranspose', ['x', 'w'], ['y'], strides=[2], auto_pad='SAME_LOWER')",
        (1, 1, 5),
        (1, 2, 5),
    ),
    *(
        (
            _openvino,
            f"openvino.opset13.convolution_backprop_data(x, w, [2], ops.constant([{size}]){pads})",
            (1, 3, 3),
            (3, 2, 3),
        )
        for size in (4, 6, 9)
        for pads in (", [0], [0]", ", auto_pad='same_upper'", ", auto_pad='same_lower'", ", [1], [0]")
        if (size, pads) != (9, ", [1], [0]")  # cuts at one end and adds at the other
    ),
]


@pytest.mark.parametrize(("ask", "text", "inputs", "weights"), CALLS, ids=[q[1] for q in CALLS])
def test_the_framework_gives_what_the_case_requires(
    ask: Ask, text: str, inputs: tuple[int, ...], weights: tuple[int, ...] | None
) -> None:
    meaning = parse_call(text, input_shape=inputs, weight_shape=weights)
    case = meaning.case
    tensors = make_tensors(case)
    there: dict[str, Any] = {"np": np, "w": tensors["w"]}
    exec("\n".join(from_case(meaning.weight, case)), there)
    if weights is not None:
        assert there["w"].shape == weights
    got = ask(text, tensors["x"], np.ascontiguousarray(there["w"]), tensors.get("bias"))
    np.testing.assert_array_equal(got, expected_output(case, tensors)["y"].astype(got.dtype), strict=True)


def test_a_wrong_weight_order_would_show() -> None:
    meaning = parse_call("lax.conv_transpose(x, w, (2,), 'SAME')", input_shape=(2, 5, 4), weight_shape=(3, 4, 6))
    tensors = make_tensors(meaning.case)
    # Without the flip: what a reader who overlooks it would feed the call.
    w = np.ascontiguousarray(np.transpose(tensors["w"], (2, 0, 1)))
    got = _jax("lax.conv_transpose(x, w, (2,), 'SAME')", tensors["x"], w, None)
    assert not np.array_equal(got, expected_output(meaning.case, tensors)["y"])


def test_a_node_is_taken_out_of_a_model(tmp_path: Any) -> None:
    onnx = _find("onnx")
    helper = onnx.helper

    def weights(name: str, *shape: int) -> Any:
        return helper.make_tensor(name, 1, shape, np.zeros(shape, np.float32).tobytes(), raw=True)

    nodes = [
        helper.make_node("ConvTranspose", ["x", "w1"], ["h"], name="up1", strides=[2, 2]),
        helper.make_node("ConvTranspose", ["h", "w2", "b"], ["y"], name="up2", pads=[1, 0, 1, 2], group=2),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", 1, [1, 3, 5, 7])],
        [helper.make_tensor_value_info("y", 1, None)],
        [weights("w1", 3, 4, 3, 2), weights("w2", 4, 1, 3, 3), weights("b", 2)],
    )
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph), path)
    from conformance.calls import CallError
    from conformance.calls.onnx_calls import read_model

    assert str(read_model(path, "up1", None).case) == str(Case.parse("2d-c3x4-i5x7-k3x2-s2-p0"))
    second = Case.parse("2d-c4x2-i11x14-k3-g2-p1x0.2-b1")
    assert str(read_model(path, "up2", None).case) == str(second)
    assert str(read_model(path, "y", (2, 4, 3, 4)).case) == str(Case.parse("2d-n2-c4x2-i3x4-k3-g2-p1x0.2-b1"))
    for name in (None, "down"):
        with pytest.raises(CallError, match="up1, up2"):
            read_model(path, name, None)
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    with pytest.raises(CallError, match="readable"):
        read_model(tmp_path / "broken.onnx", None, None)
