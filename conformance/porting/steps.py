"""Steps around a call for interfaces that cannot express a case, as NumPy source lines.

A step turns a case into a different one that gives the same result once the weights, the input or the output are
changed. A port prints these lines, and its verification runs them. Each step has its adjoint, for gradients. A new
step is an entry in ``STEPS``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from conformance.cases import Case

__all__ = ["STEPS", "PortStep"]


@dataclass(frozen=True, kw_only=True)
class PortStep:
    """One change.

    Attributes
    ----------
    about : str
        What the step does, for people.
    applies : callable
        Whether it changes a case.
    case : callable
        From a case to the one that is run instead.
    before, after : callable
        From the case to the lines that change ``x``, ``w`` (and ``bias``), and to those that change ``y``.
    before_gradient, after_gradient : callable
        The adjoint: lines that change ``dy``, and lines that change ``dx``, ``dw`` and ``db``.
    """

    about: str
    applies: Callable[[Case], bool]
    case: Callable[[Case], Case]
    before: Callable[[Case], Sequence[str]] = lambda case: ()
    after: Callable[[Case], Sequence[str]] = lambda case: ()
    before_gradient: Callable[[Case], Sequence[str]] = lambda case: ()
    after_gradient: Callable[[Case], Sequence[str]] = lambda case: ()


def _explicit(case: Case) -> Case:
    return replace(case, padding=case.geometry().crop, output_padding=None)


def _taps(case: Case) -> str:
    return ":, :, " + ", ".join(f"::{d}" for d in case.dilation)


def _spread(case: Case) -> list[str]:
    shape = (*case.weight_shape[:2], *case.geometry().effective_kernel)
    return [f"spread = np.zeros({shape}, w.dtype)", f"spread[{_taps(case)}] = w", "w = spread"]


def _block(case: Case) -> tuple[int, int]:
    return case.in_channels // case.groups, case.out_channels // case.groups


def _dense(case: Case) -> list[str]:
    i, o = _block(case)
    shape = (case.in_channels, case.out_channels, *case.kernel_size)
    return [
        f"dense = np.zeros({shape}, w.dtype)",
        f"for g in range({case.groups}):",
        f"    dense[g * {i} : (g + 1) * {i}, g * {o} : (g + 1) * {o}] = w[g * {i} : (g + 1) * {i}]",
        "w = dense",
    ]


def _blocks(case: Case) -> list[str]:
    i, o = _block(case)
    block = f"dw[g * {i} : (g + 1) * {i}, g * {o} : (g + 1) * {o}]"
    return [f"dw = np.concatenate([{block} for g in range({case.groups})])"]


def _outside(case: Case) -> bool:
    geometry = case.geometry()
    return not geometry.wraps and any(low < 0 or high < 0 for low, high in geometry.crop)


def _inside(case: Case) -> Case:
    crop = tuple((max(low, 0), max(high, 0)) for low, high in case.geometry().crop)
    return replace(case, padding=crop, output_padding=None, bias=False)


def _ends(case: Case) -> list[tuple[int, int]]:
    return [(max(-low, 0), max(-high, 0)) for low, high in case.geometry().crop]


def _around(case: Case, ends: list[str]) -> str:
    inner = ", ".join(ends)
    whole = "(0, 0)" if ends[0].startswith("(") else ":"
    return f"{whole}, {whole}, {inner}" if case.layout == "channels_first" else f"{whole}, {inner}, {whole}"


def _pad(case: Case) -> list[str]:
    lines = [f"y = np.pad(y, ({_around(case, [str(pair) for pair in _ends(case)])}))"]
    return lines + _added_bias(case)


def _cut(case: Case) -> list[str]:
    sizes = case.geometry().output_size
    ends = [f"{low}:{size - high}" for (low, high), size in zip(_ends(case), sizes, strict=True)]
    return [*_summed(case), f"dy = dy[{_around(case, ends)}]"]


def _valid(case: Case) -> Case:
    return replace(case, padding="valid", output_padding=None)


def _full(case: Case) -> Case:
    return replace(case, padding=((0, 0),), output_padding=None)


def _kept(case: Case) -> list[tuple[int, int]]:
    """Return where the output starts and ends on each axis of the full output, which starts as ``valid`` does."""
    geometry = case.geometry()
    return [(low, low + size) for (low, _), size in zip(geometry.crop, geometry.output_size, strict=True)]


def _crop_after(about: str, whole: Callable[[Case], Case]) -> PortStep:
    """Return the step that computes a longer output, which starts as the full one does, and crops it."""

    def applies(case: Case) -> bool:
        if case.geometry().wraps or min(case.geometry().full_size) < 0:
            return False
        ends, kept = [(0, size) for size in whole(case).geometry().output_size], _kept(case)
        inside = (low >= 0 and end <= size for (low, end), (_, size) in zip(kept, ends, strict=True))
        return kept != ends and all(inside)

    def slices(case: Case) -> str:
        return _around(case, [f"{low}:{end}" for low, end in _kept(case)])

    return PortStep(
        about=about,
        applies=applies,
        case=whole,
        after=lambda case: [f"y = y[{slices(case)}]"],
        before_gradient=lambda case: [
            f"whole = np.zeros({whole(case).output_shape}, dy.dtype)",
            f"whole[{slices(case)}] = dy",
            "dy = whole",
        ],
    )


def _spatial(case: Case) -> range:
    return range(2, case.rank + 2) if case.layout == "channels_first" else range(1, case.rank + 1)


def _added_bias(case: Case) -> list[str]:
    shape = f".reshape(-1{', 1' * case.rank})" if case.layout == "channels_first" else ""
    return [f"y = y + bias{shape}"] if case.bias else []


def _summed(case: Case) -> list[str]:
    return [f"db = dy.sum({_but_channels(case)})"] if case.bias else []


def _cast(dtype: str, *names: str) -> list[str]:
    return [f"{name} = {name}.astype(np.{dtype})" for name in names]


def _wrapped(case: Case) -> Iterator[tuple[int, str, int]]:
    """Yield for each spatial axis where every position of the full output goes within the period."""
    geometry = case.geometry()
    sizes = zip(_spatial(case), geometry.full_size, geometry.output_size, geometry.crop, strict=True)
    for axis, full, period, (low, _) in sizes:
        yield axis, f"(np.arange({full}) - {low}) % {period}", period


def _fold(case: Case) -> list[str]:
    lines = []
    for axis, places, period in _wrapped(case):
        lines += [
            f"folded = np.zeros((*y.shape[:{axis}], {period}, *y.shape[{axis + 1}:]), y.dtype)",
            f"np.add.at(folded, ({'slice(None), ' * axis}{places},), y)",
            "y = folded",
        ]
    return lines + _added_bias(case)


def _unfold(case: Case) -> list[str]:
    return _summed(case) + [f"dy = np.take(dy, {places}, axis={axis})" for axis, places, _ in _wrapped(case)]


def _but_channels(case: Case) -> tuple[int, ...]:
    return (0, *range(2, case.rank + 2)) if case.layout == "channels_first" else tuple(range(case.rank + 1))


def _other_layout(case: Case) -> Case:
    return replace(case, layout="channels_last" if case.layout == "channels_first" else "channels_first")


def _move(name: str, there: bool) -> Callable[[Case], list[str]]:
    def lines(case: Case) -> list[str]:
        first = (case.layout == "channels_first") == there
        return [f"{name} = np.moveaxis({name}, {'1, -1' if first else '-1, 1'})"]

    return lines


STEPS: tuple[PortStep, ...] = (
    PortStep(
        about="float16 computed in float32 and rounded once, at the end",
        applies=lambda case: case.dtype == "f16",
        case=lambda case: replace(case, dtype="f32"),
        before=lambda case: _cast("float32", "x", "w", *["bias"] * case.bias),
        after=lambda case: _cast("float16", "y"),
        before_gradient=lambda case: _cast("float32", "dy"),
        after_gradient=lambda case: _cast("float16", "dx", "dw", *["db"] * case.bias),
    ),
    PortStep(
        about="the crop is written out",
        applies=lambda case: (
            not case.geometry().wraps and (isinstance(case.padding, str) or case.output_padding is not None)
        ),
        case=_explicit,
    ),
    PortStep(
        about="dilation by zeros between the taps",
        applies=lambda case: max(case.dilation) > 1,
        case=lambda case: replace(case, kernel_size=case.geometry().effective_kernel, dilation=(1,)),
        before=_spread,
        after_gradient=lambda case: [f"dw = dw[{_taps(case)}]"],
    ),
    PortStep(
        about="groups by a block-diagonal weight",
        applies=lambda case: case.groups > 1,
        case=lambda case: replace(case, groups=1),
        before=_dense,
        after_gradient=_blocks,
    ),
    PortStep(
        about="the bias after the call",
        applies=lambda case: case.bias,
        case=lambda case: replace(case, bias=False),
        after=_added_bias,
        before_gradient=_summed,
    ),
    PortStep(
        about="zeros beyond the full output, and the bias after them",
        applies=_outside,
        case=_inside,
        after=_pad,
        before_gradient=_cut,
    ),
    PortStep(
        about="a period by folding the full output, and the bias after it",
        applies=lambda case: case.geometry().wraps,
        case=lambda case: replace(case, padding=((0, 0),), output_padding=None, bias=False),
        after=_fold,
        before_gradient=_unfold,
    ),
    _crop_after("the crop after the call", _valid),
    _crop_after("the crop after the call, from the full output", _full),
    PortStep(
        about="the whole output, by padding `valid`",
        applies=lambda case: (
            not isinstance(case.padding, str) and case.geometry().crop == _valid(case).geometry().crop
        ),
        case=_valid,
    ),
    PortStep(
        about="the other layout",
        applies=lambda case: True,
        case=_other_layout,
        before=_move("x", True),
        after=_move("y", False),
        before_gradient=_move("dy", True),
        after_gradient=_move("dx", False),
    ),
)
