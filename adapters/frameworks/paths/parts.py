"""The parts of a path, and the adapter that joins them.

A path has a *source* (the layer, in its framework), *steps* (converters and optimisers) and a *runtime*. Every
step writes a model file, so that each intermediate model can be read back. ``conformance.execution.stages``
compares it with the layer that was converted, and names the step that changed it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from conformance.adapters.base import Adapter, Limit, Product, Program, Tensor
from conformance.adapters.declared import DocumentedRefusal
from conformance.cases.case import Case

__all__ = ["PathAdapter", "Runtime", "Source", "Step"]


@dataclass(frozen=True, kw_only=True)
class _Part:
    """What every part of a path declares; the adapter joins the declarations.

    Attributes
    ----------
    name : str
        As ``stages`` and an outcome's ``stage`` have it.
    packages : tuple of str
        Its distributions.
    documentation : str
        Its own documentation.
    imports : tuple of str
        Setup lines of its programs.
    limits, refusals, environment
        As those of an adapter.
    """

    name: str
    packages: tuple[str, ...]
    documentation: str
    imports: tuple[str, ...]
    limits: tuple[Limit, ...] = ()
    refusals: tuple[DocumentedRefusal, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Source(_Part):
    """A layer in its framework.

    Attributes
    ----------
    lines : callable
        The lines that make the layer of a case from ``x``, ``w`` and ``bias``, in the layout of the source.
    layer : callable
        What the layer is by itself: the case in the parameters that its framework has.
    layout : str
        The only layout that it takes; empty if it takes both.
    """

    lines: Callable[[Case], list[str]]
    layer: Callable[[Case], Case] = lambda case: case
    layout: str = ""


@dataclass(frozen=True, kw_only=True)
class Step(_Part):
    """A converter or an optimiser.

    Attributes
    ----------
    suffix : str
        The suffix of what it writes; that of a SavedModel, which is a folder, is empty.
    lines : callable
        Its lines for a case, the file that the step before wrote, and the file to write. Both are expressions; the
        first step takes the names that the source assigns in place of the former.
    """

    suffix: str
    lines: Callable[[Case, str, str], list[str]]


@dataclass(frozen=True, kw_only=True)
class Runtime(_Part):
    """What runs the last model file.

    Attributes
    ----------
    lines : callable
        The lines for a case and the file, from ``x`` to ``y``, which is an array of NumPy.
    """

    lines: Callable[[Case, str], list[str]]


def _unique(parts: Iterable[Iterable[Any]]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(item for part in parts for item in part))


class PathAdapter(Adapter):
    """A path; a subclass names its parts, and its declarations are those of the parts.

    Attributes
    ----------
    source, steps, runtime
        The parts.
    """

    extra = "converters"
    source: ClassVar[Source]
    steps: ClassVar[tuple[Step, ...]]
    runtime: ClassVar[Runtime]

    def __init_subclass__(cls) -> None:
        """Join the declarations of the parts."""
        parts = (cls.source, *cls.steps, cls.runtime)
        cls.layer_name = cls.source.name
        cls.stages = tuple(part.name for part in (*cls.steps, cls.runtime))
        cls.documentation = cls.steps[0].documentation
        cls.packages = _unique(part.packages for part in parts)
        cls.limits = _unique(part.limits for part in parts)
        cls.refusals = _unique(part.refusals for part in parts)
        cls.environment = {name: value for part in parts for name, value in part.environment.items()}

    def __init__(self) -> None:
        super().__init__()
        self._setup(self._setup_lines())

    def export(self, value: Any) -> Tensor:
        """Outputs are NumPy arrays."""
        return Tensor.of(value)

    def program(self, case: Case) -> Program:
        """Write the lines that make the layer, convert it and run the result."""
        count = len(self.steps)
        last = [*self._step_lines(case, count), *self.runtime.lines(self._in_layout(case), self._file(count))]
        body = [*self._source_lines(case), "with tempfile.TemporaryDirectory() as folder:", *_indented(last)]
        if self._is_moved(case):
            body.append(f"y = np.moveaxis(y, {self._axes(case.layout)})")
        return Program(self._setup_lines(), tuple(body))

    def product(self, case: Case, tensors: Mapping[str, np.ndarray], stage: int) -> Product:
        """The files that a step wrote."""
        self.require_runnable(case)
        with tempfile.TemporaryDirectory() as folder:
            namespace = dict(self._setup(self.program_here(case).setup))
            namespace.update({"bias": None, **tensors, "folder": folder})
            exec("\n".join([*self._source_lines(case), *self._step_lines(case, stage)]), namespace)
            files = {str(path.relative_to(folder)): path for path in sorted(Path(folder).rglob("*"))}
            return Product(
                name=f"model{stage}{self.steps[stage - 1].suffix if stage else ''}",
                files={
                    name: path.read_bytes()
                    for name, path in files.items()
                    if path.is_file() and name.startswith((f"model{stage}.", f"model{stage}/"))
                },
                layer=self.source.layer(self._in_layout(case)),
            )

    def save_model(self, case: Case, tensors: Mapping[str, np.ndarray]) -> tuple[str, bytes]:
        """The model file that the runtime loads, where it is one file."""
        product = self.product(case, tensors, len(self.steps))
        if list(product.files) != [product.name]:
            return super().save_model(case, tensors)
        return self.steps[-1].suffix, product.files[product.name]

    def _setup_lines(self) -> tuple[str, ...]:
        variables = [f'os.environ["{name}"] = "{value}"' for name, value in self.environment.items()]
        parts = (self.source, *self.steps, self.runtime)
        own = ("import os", *variables) if variables else ()
        return (*own, "import tempfile", *_unique(part.imports for part in parts))

    def _source_lines(self, case: Case) -> list[str]:
        lines = self.source.lines(self._in_layout(case))
        if self._is_moved(case):
            return [f"x = np.ascontiguousarray(np.moveaxis(x, {self._axes(self.source.layout)}))", *lines]
        return lines

    def _axes(self, layout: str) -> str:
        """From where to where the channels are moved for a layout."""
        return "-1, 1" if layout == "channels_first" else "1, -1"

    def _step_lines(self, case: Case, count: int) -> Iterator[str]:
        """The lines of the first steps."""
        case = self._in_layout(case)
        for number, step in enumerate(self.steps[:count], 1):
            yield from step.lines(case, self._file(number - 1), self._file(number))

    def _file(self, stage: int) -> str:
        """The file of a stage as an expression; empty before the first."""
        return f'f"{{folder}}/model{stage}{self.steps[stage - 1].suffix}"' if stage else ""

    def _is_moved(self, case: Case) -> bool:
        return bool(self.source.layout) and case.layout != self.source.layout

    def _in_layout(self, case: Case) -> Case:
        return replace(case, layout=self.source.layout) if self._is_moved(case) else case


def _indented(entries: Iterable[str]) -> list[str]:
    return [f"    {line}" if line else "" for entry in entries for line in entry.split("\n")]
