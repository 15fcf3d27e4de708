"""The stage of a failure: the first converter whose model differs from the layer that was converted.

Each converter's model is read back as a case and compared with that layer. If all of them are the same as the
layer, the stage is the runtime, which computed something else than the model says.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from conformance.adapters.base import Product
from conformance.adapters.host.client import AdapterProcess
from conformance.calls.model_files import ModelFileError, read_model_file
from conformance.calls.model_files.differences import differences
from conformance.cases.case import Case
from conformance.oracle.expected_output import Tensors
from conformance.reports.record.outcome import Outcome

__all__ = ["FoundStage", "find_stage", "with_stage"]

# Operators that leave the numbers of a layer where they are, but for the order of axes and the bias: small letters
# only. Beside any other operator the layer alone does not say what the model computes.
_NEUTRAL = frozenset(
    [
        "convtranspose",
        "transposeconv",
        "convdtranspose",
        "convolutionbackpropdata",
        "groupconvolutionbackpropdata",
        "convdbackpropinput",
        "convdbackpropinputv",
        "transpose",
        "add",
        "addv",
        "biasadd",
        "reshape",
        "expanddims",
        "squeeze",
        "unsqueeze",
        "identity",
        "noop",
        "input",
        "deconvolution",
        "deconvolutiondepthwise",
        "cast",
        "convert",
        "dequantize",
        "const",
        "constant",
        "placeholder",
        "parameter",
        "result",
    ]
)


class FoundStage(NamedTuple):
    """A stage, and what its converter wrote where it wrote something else; an empty name where none is known."""

    name: str
    text: str = ""


def with_stage(case: Case, tensors: Tensors, outcome: Outcome, host: AdapterProcess) -> Outcome:
    """A failed outcome of an adapter that goes through converters, with the stage that failed."""
    found = find_stage(case, tensors, host, refused=outcome.kind == "rejected")
    # The detail of a crash is what the process printed, that of a refusal a message, of which lines are compared.
    between = {"crash": None, "rejected": "\n"}.get(outcome.kind or outcome.status, "; ")
    added = f"{between}{found.text}" if found.text and between else ""
    return replace(outcome, stage=found.name or None, detail=f"{outcome.detail}{added}")


def find_stage(case: Case, tensors: Tensors, host: AdapterProcess, *, refused: bool = False) -> FoundStage:
    """Find the first stage that failed.

    Parameters
    ----------
    case : Case
        The case that failed.
    tensors : dict of numpy.ndarray
        Its input data.
    host : AdapterProcess
        The adapter's process.
    refused : bool
        Whether the case was refused. Then a model that the checker of its format refuses is the cause.
    """
    runtime = host.stages[-1]
    for number, name in enumerate(host.stages[:-1]):
        product = host.product(case, tensors, number)
        if not isinstance(product, Product):
            own = product.kind in ("broken", "unsupported", "inexpressible")
            return FoundStage("", f"no stage is known: {product.detail}") if own else FoundStage(name)
        try:
            wrong = _differences(product, tensors, refused=refused) if number else []
        except ModelFileError as error:
            return FoundStage("", f"no stage is known: what {name} wrote is not compared: {error}")
        if wrong:
            return FoundStage(name, f"{name} wrote {', '.join(wrong)}")
    return FoundStage(runtime)


def _differences(product: Product, tensors: Tensors, *, refused: bool) -> list[str]:
    """In what a model differs from the layer; raises ModelFileError where it is not a single layer."""
    with tempfile.TemporaryDirectory(prefix="conformance-stage-") as folder:
        for name, content in product.files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        path = Path(folder) / product.name
        if not product.files:
            return ["no file"]
        # These models may leave sizes open.
        is_open = path.suffix in (".onnx", ".param")
        inputs = [("", product.layer.input_shape)] if is_open else []
        try:
            model = read_model_file(path, inputs=inputs, values=True, operators=True)
        except ModelFileError as error:
            raise ModelFileError(str(error).replace(f"{folder}/", "")) from None
    if len(model.layers) != 1 or model.layers[0].case is None:
        raise ModelFileError(f"it has {len(model.layers)} transposed convolutions that can be read")
    if others := _others(model.operators):
        raise ModelFileError(f"it has other operators too: {', '.join(others)}")
    wrong = differences(product.layer, model.layers[0], tensors)
    return wrong or [f"a model that is not valid: {model.problem}"] * (refused and bool(model.problem))


def _others(operators: Sequence[str]) -> list[str]:
    """The operators that may move numbers, or change them."""

    def plain(name: str) -> str:
        aten = name.removeprefix("aten.").partition(".")[0]
        return "".join(letter for letter in aten.lower() if letter.isalpha())

    return sorted({name for name in operators if plain(name) not in _NEUTRAL})
