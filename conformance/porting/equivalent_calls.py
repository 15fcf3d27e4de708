"""The porting table: calls of each framework for the same cases, read from example calls that are never run."""

from __future__ import annotations

from functools import lru_cache

from conformance.calls import parse_call
from conformance.calls.weights import describe
from conformance.reports.summary.equivalent_calls import Wording

__all__ = ["wordings"]

_FIRST, _LAST, _ONE = (1, 2, 5, 7), (1, 5, 7, 2), (2, 5, 7)
_OI, _IO = (3, 3, 3, 2), (3, 3, 2, 3)

# For a 5x7 input and a 3x3 kernel at stride 2, by the output that is wanted: calls, the shape of the input in the
# layout of the call and, where the call takes the weights as a tensor, their shape.
_EXAMPLES: dict[str, tuple[tuple[str, tuple[int, ...], tuple[int, ...] | None], ...]] = {
    "twice the size of the input": (
        ("torch.nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1, output_padding=1)", _FIRST, None),
        ("keras.layers.Conv2DTranspose(3, 3, strides=2, padding='same')", _LAST, None),
        ("tf.nn.conv2d_transpose(x, w, (1, 10, 14, 3), 2, padding='SAME')", _LAST, _OI),
        ("jax.lax.conv_transpose(x, w, (2, 2), 'SAME')", _LAST, _IO),
        ("jax.lax.conv_transpose(x, w, (2, 2), 'SAME', transpose_kernel=True)", _LAST, _OI),
        ("flax.nnx.ConvTranspose(2, 3, (3, 3), strides=2, padding='SAME')", _LAST, None),
        ("flax.linen.ConvTranspose(3, (3, 3), strides=(2, 2), padding='SAME')", _LAST, None),
        ("haiku.Conv2DTranspose(3, 3, stride=2, padding='SAME')", _LAST, None),
        ("equinox.nn.ConvTranspose2d(2, 3, 3, stride=2, padding='SAME')", _ONE, None),
        ("onnx.helper.make_node('ConvTranspose', ['x', 'w'], ['y'], strides=[2, 2], auto_pad='SAME_UPPER')",
         _FIRST, (2, 3, 3, 3)),
    ),
    "everything that a tap reaches": (
        ("torch.nn.ConvTranspose2d(2, 3, 3, stride=2)", _FIRST, None),
        ("keras.layers.Conv2DTranspose(3, 3, strides=2, padding='valid')", _LAST, None),
        ("tf.nn.conv2d_transpose(x, w, (1, 11, 15, 3), 2, padding='VALID')", _LAST, _OI),
        ("jax.lax.conv_transpose(x, w, (2, 2), 'VALID')", _LAST, _IO),
        ("flax.nnx.ConvTranspose(2, 3, (3, 3), strides=2, padding='VALID')", _LAST, None),
        ("haiku.Conv2DTranspose(3, 3, stride=2, padding='VALID')", _LAST, None),
        ("equinox.nn.ConvTranspose2d(2, 3, 3, stride=2)", _ONE, None),
        ("onnx.helper.make_node('ConvTranspose', ['x', 'w'], ['y'], strides=[2, 2])", _FIRST, (2, 3, 3, 3)),
    ),
    "one position less at every end": (
        ("torch.nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1)", _FIRST, None),
        ("jax.lax.conv_transpose(x, w, (2, 2), ((1, 1), (1, 1)))", _LAST, _IO),
        ("flax.nnx.ConvTranspose(2, 3, (3, 3), strides=2, padding=1)", _LAST, None),
        ("haiku.Conv2DTranspose(3, 3, stride=2, padding=((1, 1), (1, 1)))", _LAST, None),
        ("equinox.nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1)", _ONE, None),
        ("onnx.helper.make_node('ConvTranspose', ['x', 'w'], ['y'], strides=[2, 2], pads=[1, 1, 1, 1])",
         _FIRST, (2, 3, 3, 3)),
    ),
}  # fmt: skip


@lru_cache(maxsize=1)
def wordings() -> dict[str, tuple[Wording, ...]]:
    """Return what the example calls mean, by the output that is wanted."""
    return {
        wanted: tuple(_read(text, shape, weights) for text, shape, weights in calls)
        for wanted, calls in _EXAMPLES.items()
    }


def _read(text: str, input_shape: tuple[int, ...], weight_shape: tuple[int, ...] | None) -> Wording:
    meaning = parse_call(text, input_shape=input_shape, weight_shape=weight_shape)
    case, geometry = meaning.case, meaning.case.geometry()
    layout = case.layout.replace("_", " ")
    return Wording(
        call=text,
        case=str(case),
        rule=geometry.rule,
        output_size=geometry.output_size,
        crop=geometry.crop,
        layout=layout,
        weights=describe(meaning.weight, 2),
    )
