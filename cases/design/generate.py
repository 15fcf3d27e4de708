"""Writes the tiers: ``python -m conformance.cases.design.generate``.

Rows of classes come from covering arrays (covertable). Each row becomes the most anisotropic of many small cases
drawn for it, so that no two axes and no two sizes of a case are equal where its classes allow that. The row itself
is the seed: the same code writes the same files.
"""

from __future__ import annotations

import itertools
import math
import random
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from conformance.cases.case import Case
from conformance.cases.corpus.found import load_found
from conformance.cases.corpus.layers import load_layers
from conformance.cases.data import term_counts
from conformance.cases.design.boundary import BOUNDARIES, examples, with_rank
from conformance.cases.design.deploy import deploy_cases
from conformance.cases.design.domain import FACTORS, SPACES, Row, classify
from conformance.cases.design.large import large_cases
from conformance.cases.design.negative import oversized, violations
from conformance.cases.design.sizes import size_cases
from conformance.cases.design.twins import BASES, sequences
from conformance.cases.dtypes import DTYPES
from conformance.cases.geometry import CONVENTIONS
from conformance.cases.kinds import DATA_KINDS, DataKind
from conformance.cases.policy import policies
from conformance.cases.tiers import TIERS, tier_hash

__all__ = ["TIER_CASES", "bounded", "covering_rows", "realise", "write"]

_DRAWS = 300
_MOST_DRAWS = 6000  # where none of the others can be judged (`bounded`)
_MAX_PRODUCTS = 60_000  # of one output: a case then takes milliseconds
_STRIDES = {"one": (1,), "two": (1, 2), "many": (1, 2, 3, 4)}
_DILATIONS = {"one": (1,), "many": (1, 2, 3)}
_KERNELS = {"one": (1,), "odd": (1, 3, 5), "even": (1, 2, 3, 4), "smaller": (1, 2, 3)}
_GROUPS = {"one": (1,), "several": (2, 3), "depthwise": (2, 3, 4)}


def covering_rows(strength: int, space: str, **fixed: str) -> list[dict[str, str]]:
    """Rows of classes that contain every combination of ``strength`` classes a space allows.

    Parameters
    ----------
    strength : int
        How many factors are combined.
    space : str
        A name in ``conformance.cases.design.domain.SPACES``.
    **fixed : str
        Factors held at one class.
    """
    from covertable import make  # needed to write the tiers only

    factors = {name: [fixed[name]] if name in fixed else list(factor.levels) for name, factor in FACTORS.items()}
    constraints = [
        {
            "operator": "or",
            "conditions": [
                {"operator": "ne", "left": name, "value": level} for name, level in combination.items()
            ],
        }
        for combination in SPACES[space].forbidden
    ]
    rows: list[dict[str, str]] = make(factors, strength=strength, salt="conformance", constraints=constraints)
    return rows


def realise(row: Row, space: str, seed: int) -> Case:
    """The most anisotropic of many small cases drawn for a row of classes.

    Raises
    ------
    ValueError
        No case of these classes was found in the space.
    """
    rng = random.Random(f"{space} {seed} {sorted(row.items())}")
    best: tuple[tuple[bool, float], Case] | None = None
    for number in range(_MOST_DRAWS):
        if number >= _DRAWS and (best is None or bounded(best[1])):
            break
        case = _draw(rng, row, seed)
        if not _fits(case, row, space):
            continue
        cost = not bounded(case), _likeness(case)
        if best is None or cost < best[0]:
            best = cost, case
    if best is None:
        raise ValueError(f"no case found for {dict(row)} in {space}")
    return best[1]


def _draw(rng: random.Random, row: Row, seed: int) -> Case:
    rank = int(row["rank"])

    def axes(choices: Iterable[int]) -> tuple[int, ...]:
        pool = tuple(choices)
        return tuple(rng.choice(pool) for _ in range(rank))

    kernel, stride, dilation = (
        axes(table[row[name]])
        for table, name in ((_KERNELS, "kernel"), (_STRIDES, "stride"), (_DILATIONS, "dilation"))
    )
    largest = {1: 9, 2: 6, 3: 4}[rank]
    groups = rng.choice(_GROUPS[row["groups"]])
    in_share = 1 if row["groups"] == "depthwise" else rng.randint(2, 3)
    extra: tuple[int, ...] | None = {"auto": None, "zero": (0,) * rank}.get(row["output_padding"])
    if row["output_padding"] == "positive":
        extra = tuple(rng.randint(0, max(s, d) - 1) for s, d in zip(stride, dilation, strict=True))
    padding: Any = row["padding"]
    if padding == "symmetric":
        padding = tuple((low, low) for low in axes(range(4)))
    elif padding == "asymmetric":
        padding = tuple((rng.randint(0, 3), rng.randint(0, 3)) for _ in range(rank))
    return Case(
        rank=rank,
        input_size=axes(range(2, largest + 1)),
        kernel_size=kernel,
        batch=1 if row["batch"] == "one" else rng.randint(2, 3),
        in_channels=groups * in_share,
        out_channels=groups * rng.randint(2, 3),
        stride=stride,
        dilation=dilation,
        groups=groups,
        padding=padding,
        output_padding=extra,
        layout=row["layout"],
        dtype=row["dtype"],
        bias=row["bias"] == "yes",
        data=row["data"],
        seed=seed,
        direction=row["direction"],
    )


def _fits(case: Case, row: Row, space: str) -> bool:
    """Whether a case requires an output, is small, and has exactly the classes of the row."""
    try:
        output = case.geometry().output_size
    except ValueError:
        return False
    products = case.batch * math.prod((*case.weight_shape, *case.input_size))
    return (
        min(output) > 0
        and not policies(case)
        and products <= _MAX_PRODUCTS
        and classify(case) == dict(row)
        and SPACES[space].confines(case)
    )


def bounded(case: Case) -> bool:
    """Whether a case can be judged even where the adapter keeps its sums in the case's own format.

    The bound of a sum of n terms, gamma(n + 1, u), reaches 1 where 2 (n + 1) u does: it then allows an output of
    zeros. The number of terms is an upper bound, so that the result is False for a few cases that are bounded.
    Exact data need no bound, nor do counts, the sums of ones (``conformance.oracle.counted``).
    """
    if DATA_KINDS[case.data].exact or case.data == "ones":
        return True
    terms = term_counts(case)
    if case.direction == "grad":
        del terms["y"]
    if case.direction == "grad2" or not case.bias:
        terms.pop("db", None)
    return 2 * (max(terms.values()) + 2) * case.format.unit_roundoff < 1  # the bias is one more term


def _bounded_instead(case: Case) -> Case:
    """The case, or a similar one that can be judged: on integers, or without the long sums of db."""
    if bounded(case):
        return case
    return replace(case, data="ints") if case.data == "normal" else replace(case, bias=False)


def _equal_pairs(values: Iterable[Any]) -> int:
    """Number of equal pairs."""
    return sum(first == second for first, second in itertools.combinations(tuple(values), 2))


def _likeness(case: Case) -> float:
    """How many coincidences a case has, plus a small term for its size."""
    output = case.geometry().output_size
    crops = case.padding if not isinstance(case.padding, str) else ()
    axes: list[Iterable[Any]] = [
        case.input_size, case.kernel_size, case.stride, case.dilation, output, crops,
        zip(case.kernel_size, case.stride, case.dilation, strict=True), case.output_padding or (),
        (case.batch, case.in_channels, case.out_channels, *case.input_size),
        (case.batch, case.in_channels, case.out_channels, *output),
    ]  # fmt: skip
    # Sums over the whole output (gradients) stay exact in bfloat16 below 256 terms.
    spread = case.batch * math.prod(output) / 128
    return sum(map(_equal_pairs, axes)) + (spread if spread > 1 else spread / 10)


def _covered(strength: int, *, per_rank: bool = False) -> Iterator[Case]:
    for space in SPACES:
        for fixed in [{"rank": rank} for rank in FACTORS["rank"].levels] if per_rank else [{}]:
            for seed, row in enumerate(covering_rows(strength, space, **fixed)):
                yield realise(row, space, seed)


# The padding conventions that are not a class of a factor; each replaces `same`.
_CONVENTIONS = tuple(name for name in CONVENTIONS if name not in FACTORS["padding"].levels)


def _conventions(strength: int) -> Iterator[Case]:
    """Every combination of ``strength`` other classes, under each convention besides `valid` and `same`."""
    rows = covering_rows(strength, "whole", padding="same")
    for convention, (seed, row) in itertools.product(_CONVENTIONS, enumerate(rows)):
        row = {**row, "padding": convention}
        if CONVENTIONS[convention].wraps and row["output_padding"] == "positive":
            row["output_padding"] = "zero"  # R15 allows no other
        yield realise(row, "whole", seed)


def _second_order(cases: Iterable[Case]) -> Iterator[Case]:
    """The gradient cases of a list, with the gradients of the gradients instead."""
    for case in cases:
        if case.direction == "grad":
            yield _bounded_instead(replace(case, direction="grad2"))


def _boundaries(name: str, **fields: Any) -> Iterator[Case]:
    for case in examples(name):
        yield _bounded_instead(replace(case, **fields))


# A case for every interface, and one for those with groups, and stride and dilation together.
_KIND_TEMPLATES = (
    "3d-n2-c4x6-i3x4x2-k3x2x4-s2x3x1-same-cl-b1",
    "3d-n2-c4x6-i3x4x2-k3x2x2-s2x1x3-d1x3x2-g2-p1.0x0.2x2.1-op1x2x0-b1",
)


# Of these, one template is enough for every change: the other notices no further planted fault.
_BRIEFLY = ("nanupstream", "infupstream", "infinputzeros", "infweightzeros", "overflow", "ties", "tiny")


def _kinds(templates: Mapping[str, Sequence[str]] = MappingProxyType({}), **fields: Any) -> Iterator[Case]:
    """Every data kind on every rank, in the directions and formats in which it differs from plain integers."""
    wanted = {name: kind for name, kind in DATA_KINDS.items() if kind.in_tiers and kind.misfit is None}
    for name, kind in wanted.items():
        if fields.get("dtype", "") not in ("", *(kind.dtypes or DTYPES)):
            continue
        chosen = templates.get(name, _KIND_TEMPLATES)
        for template, rank, direction in itertools.product(chosen, FACTORS["rank"].levels, _directions(kind)):
            case = replace(with_rank(Case.parse(template), int(rank)), data=name, direction=direction, **fields)
            if kind.dtypes and "dtype" not in fields:
                case = replace(case, dtype=kind.dtypes[case.rank % len(kind.dtypes)])
            yield _bounded_instead(case)


def _directions(kind: DataKind) -> list[str]:
    return [direction for direction in FACTORS["direction"].levels if direction in kind.directions]


def _layers() -> Iterator[Case]:
    """The layers of public models; those with new parameters in half precision, and their gradients."""
    for layer in load_layers().values():
        yield layer.case
        if layer.is_first:
            yield replace(layer.case, dtype="f16", data="ints")
            yield replace(layer.case, direction="grad")


def _pairs() -> Iterator[Case]:
    yield from _covered(2, per_rank=True)


def _twins(tier: str) -> Iterator[Case]:
    for cases in sequences(tier):
        yield from cases


_SAMPLED_LAYERS = (
    "U-Net",
    "CycleGAN, ResNet generator",
    "Diffusers, upsampling by a transposed convolution",
    "Keras example, decoder of an autoencoder",
)
_SAMPLED_BOUNDARIES = (
    "one input channel",
    "one output channel",
    "one of every count",
    "one output channel in a group of several inputs",
    "stride and dilation that share a divisor",
)
_SAMPLED_SIZES = ("2d-n2-c33x33-i3x4-k2x3-s2x1-g33-b1", "2d-n1-c64x3-i3x4-k3x3-f16-b1-normal.0")


def _samples() -> Iterator[Case]:
    """Small cases on two axes for what combinations of two classes do not reach."""
    for name in _SAMPLED_LAYERS:
        yield load_layers()[name].case
    for name in _SAMPLED_BOUNDARIES:
        yield from (case for case in _boundaries(name, bias=True) if case.rank == 2)
    yield from map(Case.parse, _SAMPLED_SIZES)
    for case in _kinds(dict.fromkeys(DATA_KINDS, ()) | dict.fromkeys(_BRIEFLY, _KIND_TEMPLATES[:1])):
        if case.rank == 2 and case.direction == DATA_KINDS[case.data].directions[0]:
            yield case


def _smoke() -> Iterator[Case]:
    yield from _pairs()
    yield from _twins("smoke")
    yield from _samples()


def _gate() -> Iterator[Case]:
    yield from _smoke()
    yield from _twins("gate")
    yield from _covered(3)
    for name in BOUNDARIES:
        yield from _boundaries(name, bias=True)
        yield from _boundaries(name, layout="channels_last", bias=True, direction="grad")
    yield from _kinds(dict.fromkeys(_BRIEFLY, _KIND_TEMPLATES[:1]))
    yield from violations(1)
    yield from _conventions(2)
    yield from _second_order(_pairs())
    yield from load_found()
    yield from _layers()
    yield from size_cases()


def _full() -> Iterator[Case]:
    yield from _gate()
    yield from _twins("full")
    yield from _covered(4)
    for name, dtype in itertools.product(BOUNDARIES, FACTORS["dtype"].levels):
        for layout, direction in itertools.product(FACTORS["layout"].levels, FACTORS["direction"].levels):
            yield from _boundaries(name, dtype=dtype, layout=layout, bias=True, direction=direction, data="normal")
    for dtype, layout in itertools.product(FACTORS["dtype"].levels, FACTORS["layout"].levels):
        yield from _kinds(dtype=dtype, layout=layout)
    firsts = [layer for layer in load_layers().values() if layer.is_first]
    for layer, dtype, direction in itertools.product(firsts, FACTORS["dtype"].levels, FACTORS["direction"].levels):
        yield _bounded_instead(replace(layer.case, dtype=dtype, direction=direction))
    yield from _conventions(3)
    yield from _second_order(_covered(3))
    for name in BOUNDARIES:
        yield from _second_order(_boundaries(name, bias=True, direction="grad"))
    yield from _second_order(_kinds())
    yield from violations(2)
    yield from oversized()
    for case in _pairs():
        complex_dtype = {"f32": "c64", "f64": "c128"}.get(case.dtype)
        if complex_dtype:
            yield replace(case, dtype=complex_dtype)


TIER_CASES = {"smoke": _smoke, "gate": _gate, "full": _full, "deploy": deploy_cases, "large": large_cases}


def write(folder: Path) -> None:
    """Write every tier as a text file of full case ids, one per line, each once, and the sequences among them."""
    # A later tier replaces a sequence by one that is as long or longer.
    chains = {chain[0]: chain for name in BASES for chain in sequences(name)}
    lines = (" ".join(map(str, chain)) for chain in chains.values())
    (folder / "sequences.txt").write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
    for name in TIERS:
        cases = list(dict.fromkeys(TIER_CASES[name]()))
        (folder / f"{name}.txt").write_text("".join(f"{case}\n" for case in cases), encoding="ascii")
        print(f"{name}: {len(cases)} cases, {tier_hash(cases)}", file=sys.stderr)


if __name__ == "__main__":
    write(Path(__file__).parents[1] / "tiers")
