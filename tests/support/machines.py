"""Kinds of machines, as their facts: conditions over facts are tested on each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from conformance.reports.record.fact_columns import fact_columns_in, fact_values
from conformance.reports.record.query import matching

__all__ = ["met_on_some_machine"]


def _machine(onednn: bool, *channels_first: str) -> dict[str, Any]:
    formats = {
        f"tensorflow.channels_first.{name}": name in channels_first for name in ("f32", "f64", "f16", "bf16")
    }
    capabilities = "FP32 INT8 BF16" if "bf16" in channels_first else "FP32 INT8"
    return {
        "tensorflow.onednn": onednn,
        "torch.onednn": onednn,
        "openvino.capabilities": capabilities,
        **formats,
    }


_MACHINES = (
    _machine(False) | {"onednn.isa": None},
    _machine(True, "f32") | {"onednn.isa": "AVX2"},
    _machine(True, "f32", "bf16") | {"onednn.isa": "AVX-512 with Intel DL Boost and bfloat16 support"},
)


def met_on_some_machine(rows: Iterable[dict[str, Any]], where: str, names: Sequence[str]) -> list[bool]:
    """Which rows meet a condition on any of the machines."""
    facts = fact_columns_in(where)
    rows = list(rows)
    by_machine = (
        matching([row | fact_values({"facts": machine}, facts) for row in rows], where, (*names, *facts))
        for machine in (_MACHINES if facts else _MACHINES[:1])
    )
    return [any(met) for met in zip(*by_machine, strict=True)]
