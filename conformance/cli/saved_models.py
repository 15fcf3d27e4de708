"""The model files that runtimes such as ONNX Runtime load for a case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from conformance.adapters.base import Adapter
from conformance.adapters.host.client import AdapterProcess, Model
from conformance.adapters.registry import AdapterSpec, load
from conformance.cases import Case
from conformance.oracle.expected_output import input_tensors

__all__ = ["save_models"]


def save_models(case: Case, specs: Sequence[AdapterSpec], folder: Path, say: Callable[[str], None]) -> None:
    """Write the models of the runtimes among the adapters, and say where they are."""
    saved = 0
    for spec in specs:
        # Only a runtime has a model; the other frameworks would be started for nothing.
        kind = load(spec.target)
        if kind.save_model is Adapter.save_model and kind.model_program is Adapter.model_program:
            continue
        with AdapterProcess(spec) as host:
            model = host.model(case, input_tensors(case))
        if isinstance(model, Model):
            path = folder / f"{case}.{Path(spec.name.partition('@')[0]).name.replace(':', '.')}{model.suffix}"
            try:
                folder.mkdir(parents=True, exist_ok=True)
                path.write_bytes(model.content)
            except OSError as error:
                raise click.UsageError(f"cannot write {path}: {error}") from None
            say(f"saved {path}")
            saved += 1
    if not saved:
        raise click.UsageError("--save-model: none of the adapters runs this case from a model file")
