"""Convolutions of XLA in text, HLO's and StableHLO's, whose input is dilated: those are transposed."""

from __future__ import annotations

import re
from typing import Any

from conformance.calls.program import Occurrence
from conformance.calls.settings import Settings
from conformance.calls.values import Arguments, Syntax, TensorExpression

__all__ = ["read_hlo"]

# %c = f32[1,8,16,16]{3,2,1,0} convolution(f32[..] %x, f32[..] %w), window={size=3x3 lhs_dilate=2x2}, ...
_HLO = re.compile(r"=\s*\w+\[[\d,]*\]\S*\s+convolution\((?P<operands>[^()]*)\)(?P<rest>[^\n]*)")
_STABLE = re.compile(r"stablehlo\.convolution\([^()]*\)(?P<rest>[^\n]*?):\s*\((?P<operands>[^()]*)\)\s*->")
_TYPE = re.compile(r"\b(?P<dtype>f64|f32|bf16|f16)\[(?P<sizes>[\d,]+)\]|tensor<(?P<plain>(?:\d+x)+)(?P<of>\w+)>")
_DTYPES = {"f16": "float16", "bf16": "bfloat16", "f64": "float64"}
_WINDOW = re.compile(r"window=\{(?P<window>[^{}]*)\}")
_LABELS = re.compile(r"dim_labels=(\w+)_(\w+)->(\w+)")
_DIMENSIONS = re.compile(r"dim_numbers\s*=\s*\[([^\]]*)\]x\[([^\]]*)\]->\[([^\]]*)\]")
_GROUPS = re.compile(r"feature_group_count\s*=\s*(\d{1,9})")


def read_hlo(text: str) -> tuple[list[Occurrence], Settings] | None:
    """The transposed convolutions in a text of XLA."""
    found = []
    for pattern, options_of in ((_HLO, _of_hlo), (_STABLE, _of_stable)):
        for match in pattern.finditer(text):
            tensors = [_tensor(one) for one in _TYPE.finditer(match["operands"])]
            rest = match["rest"]
            options = options_of(rest, len((*tensors, TensorExpression(()))[0].shape or ()) - 2)
            if len(tensors) != 2 or options is None or set(options["lhs_dilation"]) == {1}:
                continue
            groups = _GROUPS.search(rest)
            options["feature_group_count"] = int(groups[1]) if groups else 1
            call = Syntax("jax.lax.conv_general_dilated", Arguments(tuple(tensors), options))
            found.append(Occurrence(call, text.count("\n", 0, match.start()) + 1, " ".join(match[0].split())))
    return (found, Settings()) if found else None


def _tensor(match: re.Match[str]) -> TensorExpression:
    written = match["sizes"].split(",") if match["sizes"] else match["plain"].rstrip("x").split("x")
    return TensorExpression(
        tuple(int(size[:9]) for size in written), dtype=_DTYPES.get(match["dtype"] or match["of"])
    )


def _of_hlo(text: str, rank: int) -> dict[str, Any] | None:
    window, labels = _WINDOW.search(text), _LABELS.search(text)
    if window is None or labels is None or rank < 1:
        return None
    values = dict(part.split("=", 1) for part in window["window"].split() if "=" in part)

    def sizes(name: str) -> tuple[int, ...]:
        return tuple(int(size) for size in values[name].split("x")) if name in values else (1,) * rank

    pad = values.get("pad", "x".join(["0_0"] * rank))
    ends = tuple(tuple(int(end) for end in pair.split("_")) for pair in pad.split("x"))
    return {
        "window_strides": sizes("stride"),
        "padding": ends,
        "lhs_dilation": sizes("lhs_dilate"),
        "rhs_dilation": sizes("rhs_dilate"),
        "dimension_numbers": tuple(_letters(list(label)) for label in labels.groups()),
    }


def _of_stable(text: str, rank: int) -> dict[str, Any] | None:
    labels = _DIMENSIONS.search(text)
    if labels is None or rank < 1:
        return None

    def numbers(name: str, default: int) -> tuple[int, ...]:
        match = re.search(rf"\b{name}\s*=\s*\[([-\d,\s\[\]]*?)\](?!\s*,\s*\[)", text)
        return tuple(map(int, re.findall(r"-?\d{1,9}", match[1]))) if match else (default,) * rank

    pad = numbers("pad", 0)
    return {
        "window_strides": numbers("stride", 1),
        "padding": tuple(zip(pad[::2], pad[1::2], strict=True)) if len(pad) == 2 * rank else ((0, 0),) * rank,
        "lhs_dilation": numbers("lhs_dilate", 1),
        "rhs_dilation": numbers("rhs_dilate", 1),
        "dimension_numbers": tuple(_letters(label.replace(" ", "").split(",")) for label in labels.groups()),
    }


def _letters(labels: list[str]) -> str:
    """XLA's names of axes as JAX has them: ``bf01`` is ``NCHW``, ``oi01`` is ``OIHW``."""
    spatial = "DHW"[-(len(labels) - 2) :]
    return "".join({"b": "N", "f": "C", "o": "O", "i": "I"}.get(label) or spatial[int(label)] for label in labels)
