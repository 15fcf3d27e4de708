"""All the arguments that give an output of a certain size, in each framework, and where the output then starts.

Each family proposes argument texts. They are read as calls, as if a user had pasted them, and those whose output
has the wanted size are kept. So the calculator has no formulas of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from conformance.calls import CallError, parse_call
from conformance.cases import DomainError
from conformance.cases.geometry import Axis

__all__ = ["FAMILIES", "Family", "Legal", "legal", "nearest", "where"]


@dataclass(frozen=True)
class Family:
    """How the calls of one framework are written.

    Attributes
    ----------
    call : str
        A call on one axis; ``{k}``, ``{s}``, ``{d}`` and ``{i}`` stand for the axis, ``{arguments}`` for the rest.
    arguments : callable
        From an axis and the wanted size to argument texts worth trying, within what the framework documents.
    note : callable
        From an axis, the wanted size and an argument text to what one implementation does differently; empty where
        all of them do the same.
    """

    call: str
    arguments: Callable[[Axis, int], Iterator[str]]
    note: Callable[[Axis, int, str], str] = lambda axis, output, arguments: ""


@dataclass(frozen=True, kw_only=True)
class Legal:
    """Arguments that give the size.

    Attributes
    ----------
    family, arguments, call : str
        The framework, the arguments, and a whole call that has them.
    crop : tuple of int
        What is cut from the full output at the front and at the back; negative adds zeros.
    note : str
        What one implementation does differently.
    """

    family: str
    arguments: str
    call: str
    crop: tuple[int, int]
    note: str = ""


def _split(axis: Axis, output: int) -> list[tuple[int, int]]:
    """Return the crops nearest to the middle."""
    total = axis.full_size - output
    return list(dict.fromkeys([(total // 2, total - total // 2), (total - total // 2, total // 2)]))


def _torch(axis: Axis, output: int) -> Iterator[str]:
    # padding p at both ends and output_padding below the larger of stride and dilation.
    for extra in range(max(axis.stride, axis.dilation)):
        double = axis.full_size + extra - output
        if double >= 0 and double % 2 == 0:
            yield f"padding={double // 2}, output_padding={extra}"


def _keras(axis: Axis, output: int) -> Iterator[str]:
    if axis.stride > 1 and axis.dilation > 1:
        return  # Keras documents the two as incompatible
    for padding in ("valid", "same"):
        yield f"padding='{padding}'"
        for extra in range(axis.stride):
            yield f"padding='{padding}', output_padding={extra}"


def _tensorflow(axis: Axis, output: int) -> Iterator[str]:
    for padding in ("SAME", "VALID"):
        yield f"output_shape=[1, {output}, 1], padding='{padding}'"


def _jax(axis: Axis, output: int) -> Iterator[str]:
    yield from ("padding='SAME'", "padding='VALID'")
    for low, high in _split(axis, output):
        reach = axis.effective_kernel - 1
        yield f"padding=[({reach - low}, {reach - high})]"


def _haiku(axis: Axis, output: int) -> Iterator[str]:
    if axis.dilation == 1:  # Haiku has no argument for dilation
        for padding in ("SAME", "VALID"):
            yield f"padding='{padding}'"
            yield f"output_shape=({output},), padding='{padding}'"


def _equinox(axis: Axis, output: int) -> Iterator[str]:
    for extra in range(axis.stride):  # Equinox requires output_padding below the stride
        for padding in ("SAME", "SAME_LOWER"):
            yield f"padding='{padding}', output_padding={extra}"
        double = axis.full_size + extra - output
        if extra and double >= 0 and double % 2 == 0:
            yield f"padding={double // 2}, output_padding={extra}"
    for low, high in _split(axis, output):
        if low >= 0 and high >= 0:
            yield f"padding=(({low}, {high}),)"


def _onnx(axis: Axis, output: int) -> Iterator[str]:
    for extra in range(max(axis.stride, axis.dilation)):
        for low, high in _split(axis, output - extra):
            if low >= 0 and high >= 0:
                yield f"pads=[{low}, {high}]" + (f", output_padding=[{extra}]" if extra else "")
    yield from ("auto_pad='SAME_UPPER'", "auto_pad='SAME_LOWER'", "auto_pad='VALID'")
    for upper in ("", ", auto_pad='SAME_UPPER'"):
        yield f"output_shape=[{output}]{upper}"


def _onnx_note(axis: Axis, output: int, arguments: str) -> str:
    """Where output_shape adds zeros, the implementations differ: measured with ONNX Runtime 1.32 and onnx 1.23."""
    added = output - axis.full_size
    if added <= 0 or "output_shape" not in arguments:
        return ""
    if added >= axis.stride:
        return "ONNX Runtime refuses it"
    if "SAME_UPPER" in arguments:
        return "onnx.reference: " + where((-added + added // 2, -(added // 2)))
    return ""


FAMILIES: dict[str, Family] = {
    "torch": Family("torch.nn.ConvTranspose1d(1, 1, {k}, {s}, {arguments}, dilation={d})", _torch),
    "keras": Family("keras.layers.Conv1DTranspose(1, {k}, {s}, {arguments}, dilation_rate={d})", _keras),
    "tensorflow": Family(
        "tf.nn.conv1d_transpose(x, zeros([{k}, 1, 1]), strides={s}, {arguments}, dilations={d})", _tensorflow
    ),
    "jax": Family("jax.lax.conv_transpose(x, zeros(({k}, 1, 1)), ({s},), {arguments}, rhs_dilation=({d},))", _jax),
    "flax": Family("flax.linen.ConvTranspose(1, ({k},), ({s},), {arguments}, kernel_dilation=({d},))", _jax),
    "haiku": Family("haiku.Conv1DTranspose(1, {k}, stride={s}, {arguments})", _haiku),
    "equinox": Family("equinox.nn.ConvTranspose1d(1, 1, {k}, {s}, {arguments}, dilation={d}, key=key)", _equinox),
    "onnx": Family(
        "onnx.helper.make_node('ConvTranspose', 'xw', 'y', strides=[{s}], dilations=[{d}], {arguments})",
        _onnx,
        _onnx_note,
    ),
}
"""The frameworks by name."""

_CHANNELS_FIRST = ("torch", "equinox", "onnx")


def legal(axis: Axis, output: int, family: str) -> list[Legal]:
    """Return all arguments of a framework that give a size.

    Parameters
    ----------
    axis : Axis
        Input and kernel size, stride and dilation.
    output : int
        The wanted output size.
    family : str
        A name in `FAMILIES`.

    Returns
    -------
    list of Legal
        Where the framework takes explicit crops, only those nearest to the middle.
    """
    entries = []
    form = FAMILIES[family]
    for arguments in dict.fromkeys(form.arguments(axis, output)):
        call = form.call.format(
            k=axis.kernel_size, s=axis.stride, d=axis.dilation, i=axis.input_size, arguments=arguments
        )
        shape = (1, 1, axis.input_size) if family in _CHANNELS_FIRST else (1, axis.input_size, 1)
        try:
            geometry = parse_call(call, input_shape=shape, weight_shape=_weight(family, axis)).case.geometry()
        except (CallError, DomainError):
            continue
        if geometry.output_size == (output,):
            note = form.note(axis, output, arguments)
            entries.append(Legal(family=family, arguments=arguments, call=call, crop=geometry.crop[0], note=note))
    return entries


def _weight(family: str, axis: Axis) -> tuple[int, ...] | None:
    return (1, 1, axis.kernel_size) if family == "onnx" else None


def nearest(axis: Axis, output: int, family: str) -> list[int]:
    """Return the sizes next to a wanted one that a framework can give, the smaller one first.

    The search covers one period of the sizes and the reach of the kernel; the list is empty where nothing is near.
    """
    period = axis.stride + axis.dilation + axis.effective_kernel
    largest = axis.full_size + period
    below = range(min(output, largest + 1) - 1, max(min(output, largest) - 2 * period, 0) - 1, -1)
    above = range(output + 1, min(output + 2 * period, largest) + 1)
    near = (next((size for size in sizes if legal(axis, size, family)), None) for sizes in (below, above))
    return [size for size in near if size is not None]


def where(crop: tuple[int, int]) -> str:
    """Say where the extra pixel is, that is, which end loses more."""
    low, high = crop
    zeros = [f"{-cut} zeros at the {end}" for cut, end in ((low, "front"), (high, "back")) if cut < 0]
    if zeros:
        return "adds " + " and ".join(zeros)
    if low == high:
        return "the same at both ends"
    end = "front" if low > high else "back"
    return f"{abs(low - high)} more cut at the {end}"
