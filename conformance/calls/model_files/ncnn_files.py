"""ncnn: the layers of a ``.param`` text. Its weights are in another file, whose layout is that of the layers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from conformance.calls import CallError, parse_call
from conformance.calls.model_files.records import ModelFileError, ModelLayer, Request, layer

__all__ = ["operators", "read"]

_FIRST_LINE = "7767517"


def read(request: Request) -> Iterator[ModelLayer]:
    """The layers in the order of the text; a net has no batch, so that the given shape is that of one image."""
    shape = request.shapes(["in0"]).get("in0")
    for line in _lines(request.path):
        kind, name, *_ = line.split()
        if not kind.startswith("Deconvolution"):
            continue
        try:
            meaning = parse_call(line, input_shape=shape and (1, *shape[1:]))
        except CallError as error:
            yield layer(name, kind, None, [f"not a case: {error}"])
            continue
        yield layer(name, kind, meaning.case, list(meaning.notes))


def operators(path: Path) -> list[str]:
    """The names of all layers."""
    return [line.split()[0] for line in _lines(path)]


def _lines(path: Path) -> list[str]:
    first, *rest = path.read_text(encoding="utf-8").splitlines() or [""]
    if first.strip() != _FIRST_LINE:
        raise ModelFileError(f"it is not a net of ncnn: its first line is not {_FIRST_LINE}")
    return [line for line in rest[1:] if line.strip()]
