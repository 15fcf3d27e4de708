"""The process that reads a model file: ``python -m conformance.calls.model_files.process FOLDER``.

The folder holds the request; the process writes the layers and the weights into it, or the error.
"""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from conformance.calls.model_files.records import ModelFileError, ModelLayer, Request

__all__ = ["main", "read"]

_MOST_CHARACTERS = 300


def read(reader: str, request: Request) -> list[ModelLayer]:
    """The layers of a model.

    Raises
    ------
    ModelFileError
        The framework's parser refuses the file.
    """
    try:
        module = importlib.import_module(f"conformance.calls.model_files.{reader}")
        return list(module.read(request))
    except ModelFileError as error:
        raise ModelFileError(f"{request.path}: {error}") from None
    except Exception as error:  # whatever a framework raises for a file that it cannot read
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        message = f"{type(error).__name__}: {lines[0] if lines else ''}"[:_MOST_CHARACTERS]
        raise ModelFileError(f"{request.path} cannot be read: {message}") from error


def main(folder: Path) -> None:
    """Read what the request says."""
    given: dict[str, Any] = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    inputs = tuple((name, tuple(shape)) for name, shape in given["inputs"])
    try:
        layers = read(given["reader"], Request(Path(given["path"]), inputs, given["trust"], given["values"]))
    except ModelFileError as error:
        (folder / "error.txt").write_text(str(error), encoding="utf-8")
        return
    arrays = {
        f"{number}.{name}": value for number, entry in enumerate(layers) for name, value in entry.values.items()
    }
    np.savez(folder / "values.npz", **arrays)  # type: ignore[arg-type]  # numpy's stub takes the names for options
    entries = [
        {
            "name": entry.name,
            "operator": entry.operator,
            "case": None if entry.case is None else str(entry.case),
            "notes": entry.notes,
            "weight": asdict(entry.weight),
        }
        for entry in layers
    ]
    (folder / "layers.json").write_text(json.dumps(entries), encoding="utf-8")
    if given["operators"]:
        module = importlib.import_module(f"conformance.calls.model_files.{given['reader']}")
        path = Path(given["path"])
        about = {"operators": list(module.operators(path)), "problem": _problem(module, path)}
        (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")


def _problem(module: Any, path: Path) -> str:
    """Why the checker of a format refuses a model; empty if it does not, or if there is none."""
    try:
        getattr(module, "check", lambda path: None)(path)
    except Exception as error:  # of whatever kind
        return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return ""


if __name__ == "__main__":
    main(Path(sys.argv[1]))
