"""Start the process that reads a model file, and take over what it has read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from conformance.calls.form import WeightForm
from conformance.calls.model_files.formats import ModelFormat, format_of
from conformance.calls.model_files.records import ModelFile, ModelFileError, ModelLayer, Request
from conformance.cases import Case

__all__ = ["read_layers", "read_model_file", "write_request"]

# The folder that the package is in; the process may start in any other.
_ROOT = str(Path(__file__).absolute().parents[3])


def read_model_file(
    path: Path,
    *,
    inputs: Sequence[tuple[str, tuple[int, ...]]] = (),
    trust: bool = False,
    values: bool = False,
    operators: bool = False,
) -> ModelFile:
    """Read the transposed convolutions of a model.

    Parameters
    ----------
    path : pathlib.Path
        The file, or the folder of a SavedModel.
    inputs : sequence of (str, tuple of int)
        Shapes of its inputs, with the name of the input or an empty one for the next in order. A size that neither
        they nor the model say is made up, with a note.
    trust : bool
        Whether code that the file holds, such as a pickle, may run.
    values : bool
        Whether the weights are wanted too.
    operators : bool
        Whether the names of the operators that compute real numbers are wanted too, and what the checker of the
        format says; the reader must have a function ``operators``, and may have ``check``, which raises.

    Returns
    -------
    ModelFile
        Every transposed convolution, also one that cannot be written as a case.

    Raises
    ------
    ModelFileError
        One line on what is wrong, or what to install.
    """
    path = path.parent if path.name == "saved_model.pb" else path
    kind = format_of(path)
    if missing := kind.missing():
        raise ModelFileError(
            f"{path} is {kind.title}, and {', '.join(missing)} is not installed: pip install {' '.join(missing)}"
        )
    request = Request(path, tuple(inputs), trust, values)
    with tempfile.TemporaryDirectory(prefix="conformance-model-") as folder:
        write_request(request, kind, Path(folder), operators=operators)
        _run(path, kind, Path(folder))
        layers, about = read_layers(Path(folder)), Path(folder) / "about.json"
        found = json.loads(about.read_text(encoding="utf-8")) if operators else {}
        return ModelFile(
            path, kind.title, kind.own, layers, tuple(found.get("operators", ())), found.get("problem", "")
        )


def write_request(request: Request, kind: ModelFormat, folder: Path, *, operators: bool = False) -> None:
    """Write what the process of `process` is to read."""
    plain = {**asdict(request), "path": str(request.path), "reader": kind.reader, "operators": operators}
    (folder / "request.json").write_text(json.dumps(plain), encoding="utf-8")


def read_layers(folder: Path) -> tuple[ModelLayer, ...]:
    """What the process wrote.

    Raises
    ------
    ModelFileError
        It could not read the model.
    """
    error = folder / "error.txt"
    if error.exists():
        raise ModelFileError(error.read_text(encoding="utf-8"))
    entries = json.loads((folder / "layers.json").read_text(encoding="utf-8"))
    with np.load(folder / "values.npz", allow_pickle=False) as arrays:
        return tuple(_layer(number, entry, arrays) for number, entry in enumerate(entries))


def _run(path: Path, kind: ModelFormat, folder: Path) -> None:
    paths = [_ROOT, *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-m", "conformance.calls.model_files.process", str(folder)],
        env={**os.environ, **kind.environment, "PYTHONPATH": os.pathsep.join(paths)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        ended = signal.Signals(-done.returncode).name if done.returncode < 0 else f"exit code {done.returncode}"
        last = (done.stderr.strip().splitlines() or [""])[-1]
        raise ModelFileError(
            f"{path}: the process that reads {kind.title} ended with {ended}: {last}".rstrip(": ")
        )


def _layer(number: int, entry: dict[str, Any], arrays: Any) -> ModelLayer:
    case = None if entry["case"] is None else Case.parse(entry["case"])
    values = {name: arrays[f"{number}.{name}"] for name in ("w", "bias") if f"{number}.{name}" in arrays}
    return ModelLayer(
        entry["name"], entry["operator"], case, tuple(entry["notes"]), WeightForm(**entry["weight"]), values
    )
