"""Layers of public models: permanent, named cases with the parameters that people use most."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from conformance.cases.case import Case

__all__ = ["Layer", "load_layers"]


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer of a public model.

    Attributes
    ----------
    name, source : str
        Permanent name; where the layer is written, and the settings that give it its numbers.
    call : str
        The call with those numbers.
    case : Case
        The same layer with fewer channels and a small input.
    """

    name: str
    source: str
    call: str
    case: Case

    def applies(self, case: Case) -> bool:
        """Whether a case is this layer at any size and in any format and layout."""
        return case.rank == self.case.rank and _parameters(case) == _parameters(self.case)

    @property
    def is_first(self) -> bool:
        """Whether no layer before it has its parameters."""
        return next(layer for layer in load_layers().values() if layer.applies(self.case)) == self


def _parameters(case: Case) -> tuple[object, ...]:
    """What makes the layer; an output_padding of 0 is none, and of the groups it counts what is in one."""
    extra = case.output_padding or (0,) * case.rank
    depthwise = case.groups == case.in_channels > 1
    return case.kernel_size, case.stride, case.dilation, case.padding, extra, case.groups > 1, depthwise


@lru_cache(maxsize=1)
def load_layers() -> dict[str, Layer]:
    """All layers by name, in the order of ``layers.toml``."""
    text = resources.files(__package__).joinpath("layers.toml").read_text(encoding="utf-8")
    entries = tomllib.loads(text)["layer"]
    return {entry["name"]: Layer(**entry | {"case": Case.parse(entry["case"])}) for entry in entries}
