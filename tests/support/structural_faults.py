"""Structural faults on every axis of a rank, each with what it is diagnosed as and a case that shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tests.support.planted import Fault, Planted, Work, forward, scatter

__all__ = ["NamedFault", "structural"]

AXES = {1: ("W",), 2: ("H", "W"), 3: ("D", "H", "W")}


@dataclass(frozen=True)
class NamedFault:
    """A fault, what the diagnosis must call it, and a case that shows it."""

    name: str
    transform: str
    axes: tuple[str, ...]
    fault: Fault
    after: Any
    case: str

    def host(self) -> Planted:
        return Planted(lambda case, tensors: {"y": forward(case, tensors, self.fault, self.after)})


def changed(field: str, change: Callable[[Any], Any]) -> Fault:
    """A fault that changes one field of the work."""

    def fault(work: Work) -> None:
        setattr(work, field, change(getattr(work, field)))

    return fault


def dropped(array: np.ndarray, axis: int, index: int) -> np.ndarray:
    """The array with zeros at one index of an axis."""
    array = array.copy()
    np.moveaxis(array, axis, 0)[index] = 0
    return array


def same(y: np.ndarray) -> np.ndarray:
    return y


def structural(rank: int) -> Iterator[NamedFault]:
    """Faults of every structural kind, on every axis of a rank."""
    sizes, kernels = "x".join("435"[:rank]), "x".join("342"[:rank])
    strides, dilations = "x".join("232"[:rank]), "x".join("121"[:rank])
    base = f"{rank}d-n2-c4x6-i{sizes}-k{kernels}-s{strides}-d{dilations}"
    crops = "x".join(["0.2", "2.1", "1.3"][:rank])
    names = AXES[rank]

    def plant(
        name: str,
        transform: str,
        axes: Any,
        fault: Fault = lambda work: None,
        *,
        after: Any = same,
        case: str = "",
    ) -> NamedFault:
        return NamedFault(name, transform, tuple(axes), fault, after, case or f"{base}-p{crops}")

    for a, axis in enumerate(names):

        def set_(field: str, value: Any, a: int = a) -> Fault:
            return lambda work: getattr(work, field).__setitem__(a, value(work))

        yield plant(f"flip {axis}", "flip", [axis], changed("w", partial(np.flip, axis=a + 2)))
        for n in (1, -1, 2, -3):
            yield plant(
                f"shift {n:+d} {axis}", "shift", [axis], set_("low", lambda work, a=a, n=n: work.low[a] - n)
            )
        yield plant(
            f"crop swapped {axis}",
            "crop_exchanged",
            [axis],
            set_("low", lambda work, a=a: work.case.geometry().crop[a][1]),
        )
        yield plant(f"roll {axis}", "shift", [axis], after=lambda y, a=a: np.roll(y, 1, a + 2))
        for end in (0, -1):
            yield plant(
                f"tap {end} dropped {axis}",
                "tap_dropped",
                [axis],
                changed("w", partial(dropped, axis=a + 2, index=end)),
            )
            yield plant(
                f"input {end} dropped {axis}",
                "input_dropped",
                [axis],
                changed("x", partial(dropped, axis=a + 2, index=end)),
                case=f"{base}-p0",
            )
            yield plant(
                f"output {end} dropped {axis}",
                "output_dropped",
                [axis],
                after=partial(dropped, axis=a + 2, index=end),
                case=f"{base}-p0",
            )
        yield plant(f"output flipped {axis}", "flip_output", [axis], after=lambda y, a=a: np.flip(y, a + 2))
        yield plant(f"stride ignored {axis}", "stride_ignored", [axis], set_("stride", lambda work: 1))
        yield plant(
            f"dilation ignored {axis}",
            "dilation_ignored",
            [axis],
            set_("dilation", lambda work: 1),
            case=f"{base.replace('-d' + dilations, '-d' + 'x'.join('323'[:rank]))}-p{crops}",
        )
        yield plant(
            f"output_padding in front {axis}",
            "output_padding_in_front",
            [axis],
            set_("low", lambda work, a=a: work.low[a] - (work.case.output_padding or (0,) * rank)[a]),
            case=f"{base}-p{crops}-op{'x'.join('112'[:rank])}",
        )
    if rank > 1:
        yield plant("flip all", "flip", names, changed("w", partial(np.flip, axis=tuple(range(2, rank + 2)))))
        yield plant(
            "crop swapped everywhere",
            "crop_exchanged",
            names,
            lambda work: setattr(work, "low", [high for _, high in work.case.geometry().crop]),
        )
        for a, b in ((0, 1), (0, rank - 1)):

            def swap(values: list[Any], a: int = a, b: int = b) -> list[Any]:
                values = list(values)
                values[a], values[b] = values[b], values[a]
                return values

            pair = [names[a], names[b]]
            square = f"{rank}d-n2-c2x3-i4-k3-s{'x'.join('234'[:rank])}-d{'x'.join('321'[:rank])}-p{crops}"
            yield plant(
                f"kernel axes {pair}",
                "kernel_axes_swapped",
                pair,
                changed("w", partial(np.swapaxes, axis1=a + 2, axis2=b + 2)),
                case=square,
            )
            yield plant(
                f"input axes {pair}",
                "input_axes_swapped",
                pair,
                changed("x", partial(np.swapaxes, axis1=a + 2, axis2=b + 2)),
                case=square,
            )
            yield plant(
                f"stride axes {pair}",
                "stride_axes_swapped",
                pair,
                changed("stride", swap),
                case=square,
            )
            yield plant(
                f"dilation axes {pair}",
                "dilation_axes_swapped",
                pair,
                changed("dilation", swap),
                case=square,
            )
            yield plant(
                f"padding axes {pair}",
                "padding_axes_swapped",
                pair,
                changed("low", swap),
                case=square.replace(f"-p{crops}", f"-p{'x'.join('132'[:rank])}"),
            )
    yield from channel_faults(plant, base, crops, rank)
    yield from value_faults(plant, base, crops, rank)


def channel_faults(plant: Any, base: str, crops: str, rank: int) -> Iterator[NamedFault]:
    grouped, biased = f"{base}-g2-p{crops}", f"{base}-p{crops}-b1"
    one = (1,) * rank
    yield plant(
        "groups interleaved out",
        "groups_interleaved",
        [],
        after=lambda y: y.reshape(y.shape[0], 2, -1, *y.shape[2:]).swapaxes(1, 2).reshape(y.shape),
        case=grouped,
    )
    yield plant(
        "groups interleaved in",
        "groups_interleaved",
        [],
        lambda work: setattr(work, "x", work.x[:, [0, 2, 1, 3]]),
        case=grouped,
    )
    yield plant(
        "input channels reversed", "channels_permuted", [], lambda work: setattr(work, "x", work.x[:, ::-1])
    )
    yield plant("output channels reversed", "channels_permuted", [], after=lambda y: y[:, ::-1])
    yield plant(
        "in and out channels swapped",
        "channels_swapped",
        [],
        lambda work: setattr(work, "w", work.w.swapaxes(0, 1)),
        case=f"{base.replace('c4x6', 'c4x4')}-p{crops}",
    )
    yield plant("last input channel", "channel_dropped", [], changed("x", partial(dropped, axis=1, index=-1)))
    yield plant("last output channel", "channel_dropped", [], after=partial(dropped, axis=1, index=-1))
    yield plant("batch item 0 for all", "batch_item_repeated", [], lambda work: setattr(work, "x", work.x[[0, 0]]))
    yield plant("batch reversed", "batch_permuted", [], lambda work: setattr(work, "x", work.x[::-1]))
    yield plant("bias ignored", "bias_ignored", [], lambda work: setattr(work, "bias", None), case=biased)
    yield plant("bias doubled", "bias_doubled", [], lambda work: setattr(work, "bias", work.bias * 2), case=biased)
    yield plant(
        "bias reversed", "bias_permuted", [], lambda work: setattr(work, "bias", work.bias[::-1]), case=biased
    )
    yield plant(
        "bias per group",
        "bias_per_group",
        [],
        lambda work: setattr(work, "bias", np.tile(work.bias[:3], (2, *one))),
        case=f"{grouped}-b1",
    )
    yield plant(
        "bias of the first channel",
        "bias_of_one_channel",
        [],
        lambda work: setattr(work, "bias", work.bias[:1]),
        case=biased,
    )
    for a, axis in enumerate(AXES[rank]):
        shape = [1] * rank
        shape[a] = -1
        case = f"{rank}d-n2-c2x8-i4-k3-s2-same-b1"
        yield plant(
            f"bias along {axis}",
            "bias_on_another_axis",
            [axis],
            lambda work, shape=tuple(shape): setattr(work, "bias", work.bias.reshape(shape)),
            case=case,
        )
        yield plant(
            f"bias along {axis}, before the crop",
            "bias_on_another_axis",
            [axis],
            lambda work, a=a, shape=tuple(shape): setattr(
                work, "bias", work.bias[work.low[a] :][: work.size[a]].reshape(shape)
            ),
            case=f"{rank}d-n2-c2x9-i4-k3-s2-p1-b1",
        )

    yield plant(
        "zeros beyond the full result at both its ends",
        "zeros_at_both_ends",
        AXES[rank],
        lambda work: setattr(work, "low", [int(min(high, 0) / 2) for _, high in work.case.geometry().crop]),
        case=f"{rank}d-n1-c2x3-i2-k2-s21-same-cl",
    )

    def only_reached(work: Work) -> None:
        hit = scatter(
            Work(
                work.case,
                np.ones_like(work.x),
                np.ones_like(work.w),
                None,
                work.stride,
                work.dilation,
                work.low,
                work.size,
                work.groups,
            )
        )
        work.bias = work.bias * (hit[:1] > 0)  # type: ignore[operator]  # the case has a bias

    yield plant(
        "bias where reached",
        "bias_where_reached",
        [],
        only_reached,
        case=f"{rank}d-n2-c2x3-i3-k2-s4-valid-b1",
    )


def value_faults(plant: Any, base: str, crops: str, rank: int) -> Iterator[NamedFault]:
    yield plant("zero", "zero", [], after=np.zeros_like)
    yield plant("negated", "negated", [], after=np.negative)
    yield plant("doubled", "scaled", [], after=lambda y: y * 2)
    yield plant("relu", "relu", [], after=lambda y: np.maximum(y, 0))
