"""Run the layers of a model on its own framework and on others, and say where these differ."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from conformance.adapters.host.client import AdapterProcess, ProcessLimits
from conformance.adapters.registry import AdapterSpec
from conformance.calls import Meaning
from conformance.calls.model_files import ModelFile, ModelLayer
from conformance.cases import Case, DomainError
from conformance.cases.data import make_tensors
from conformance.cases.dtypes import round_to
from conformance.execution.checked import Checked, check_on
from conformance.porting.script import port_text
from conformance.porting.search import AdapterCannotStart, find_port
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.statuses import FAIL_KINDS, STATUSES

__all__ = ["AuditedLayer", "LayerOutcome", "audit", "difference", "document"]

_REFUSED = ("unsupported", "inexpressible")


@dataclass(frozen=True)
class LayerOutcome:
    """What one adapter makes of a layer.

    Attributes
    ----------
    checked : Checked
        Its outcome.
    difference : str
        In what a target differs from the rules or from the model's own framework; empty if in nothing.
    port : str
        For a target that refuses the layer or differs: the call to use in its place, as a program, or the reason
        why there is none. Else empty.
    """

    checked: Checked
    difference: str = ""
    port: str = ""

    @property
    def refused(self) -> bool:
        """Whether the adapter documents that it cannot run the layer."""
        return self.checked.outcome.status in _REFUSED


@dataclass(frozen=True)
class AuditedLayer:
    """A layer of a model with its outcomes, that of its own framework first; none without a case."""

    layer: ModelLayer
    outcomes: tuple[LayerOutcome, ...]


def audit(
    model: ModelFile,
    own: AdapterSpec,
    targets: Sequence[AdapterSpec],
    limits: ProcessLimits,
    *,
    weights_of_file: bool = False,
) -> list[AuditedLayer]:
    """Run every layer of a model.

    Parameters
    ----------
    model : ModelFile
        The model.
    own : AdapterSpec
        The adapter of its framework.
    targets : sequence of AdapterSpec
        The adapters that it is to run on.
    limits : ProcessLimits
        How long to wait.
    weights_of_file : bool
        Whether the weights are those of the file rather than those of the case.

    Returns
    -------
    list of AuditedLayer
        One per layer of the model, in its order.
    """
    layers = [_prepared(layer) for layer in model.layers] if weights_of_file else list(model.layers)
    specs = list({spec.name: spec for spec in (own, *targets)}.values())
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        columns = list(pool.map(lambda spec: _outcomes(spec, layers, limits, is_target=spec in targets), specs))
    audited = []
    for at, layer in enumerate(layers):
        row = [column[at] for column in columns]
        outcomes = tuple(
            replace(one, difference=difference(row[0].checked.outcome, one.checked.outcome))
            if spec in targets
            else one
            for spec, one in zip(specs, row, strict=True)
            if one is not None and row[0] is not None
        )
        audited.append(AuditedLayer(layer, outcomes))
    return audited


def _prepared(layer: ModelLayer) -> ModelLayer:
    """A layer as a case of real numbers, with a note on whether the file has its weights."""
    if layer.case is None:
        return layer
    values = layer.values.get("w")
    if values is None:
        return replace(
            layer, notes=(*layer.notes, "the file has no weights of this layer; those of the case are used")
        )
    if not all(np.isfinite(value).all() for value in layer.values.values()):
        note = "the weights of the file are not all finite; those of the case are used"
        return replace(layer, notes=(*layer.notes, note), values={})
    note = "the weights are those of the file, the input is that of the case"
    return replace(layer, case=replace(layer.case, data="normal"), notes=(*layer.notes, note))


def _outcomes(
    spec: AdapterSpec, layers: Iterable[ModelLayer], limits: ProcessLimits, *, is_target: bool
) -> list[LayerOutcome | None]:
    """The outcomes of one adapter; equal layers are run once."""
    done: dict[Any, LayerOutcome] = {}
    column: list[LayerOutcome | None] = []
    with AdapterProcess(spec, limits) as host:
        for at, layer in enumerate(layers):
            if layer.case is None:
                column.append(None)
                continue
            own_data = layer.case.data != "normal"
            key = (layer.case, layer.operator, layer.weight, own_data or at)
            if key not in done:
                done[key] = _outcome(layer, layer.case, host, is_target=is_target)
            column.append(done[key])
    return column


def _outcome(layer: ModelLayer, case: Case, host: AdapterProcess, *, is_target: bool) -> LayerOutcome:
    tensors = None  # those of the case, which the other adapters run too
    if case.data == "normal":
        of_file = {name: round_to(case.format, value) for name, value in layer.values.items()}
        tensors = make_tensors(case) | of_file
    checked = check_on(case, host, tensors=tensors)
    needs_port = is_target and checked.outcome.status != "pass" and not STATUSES[checked.outcome.status].ours
    return LayerOutcome(checked, port=_port(layer, case, host) if needs_port else "")


def _port(layer: ModelLayer, case: Case, host: AdapterProcess) -> str:
    """The call to use in place of the layer's own, verified, or why there is none."""
    try:
        case.geometry()
        found = find_port(case, host)
    except (AdapterCannotStart, DomainError) as error:
        return f"# There is no equivalent call: {error}\n"
    if isinstance(found, str):
        return f"# {host.spec.name} cannot run {case}, not even with steps around a call. {found}\n"
    if found.proof.problem:
        return (
            f"# No call of {host.spec.name} is right here, not even with steps around it: {found.proof.problem}\n"
        )
    return port_text(Meaning(layer.operator, case, layer.weight), found, host)


def difference(own: Outcome, target: Outcome) -> str:
    """In what a target differs from the rules, or from the model's own framework; empty if in nothing."""
    if STATUSES[target.status].ours or target.status in _REFUSED:
        return ""
    if target.gates:
        same = " and the same output as " + own.adapter if own.digest and own.digest == target.digest else ""
        return _about(target) + (same if own is not target else "")
    if own.gates and not STATUSES[own.status].ours:
        return f"by the rules, where {own.adapter} is not: {_about(own)}"
    return ""


def _about(outcome: Outcome) -> str:
    return FAIL_KINDS[outcome.kind] if outcome.kind else STATUSES[outcome.status].about


def document(model: ModelFile, audited: Sequence[AuditedLayer]) -> dict[str, Any]:
    """The audit as plain data, as ``audit --json`` prints it."""
    return {
        "model": str(model.path),
        "kind": model.title,
        "layers": [
            {
                "name": one.layer.name,
                "operator": one.layer.operator,
                "case": None if one.layer.case is None else str(one.layer.case),
                **_shapes(one.layer.case),
                "notes": list(one.layer.notes),
                "outcomes": [
                    {
                        **outcome.checked.to_json(),
                        "difference": outcome.difference or None,
                        "port": outcome.port or None,
                    }
                    for outcome in one.outcomes
                ],
            }
            for one in audited
        ],
    }


def _shapes(case: Case | None) -> dict[str, Any]:
    if case is None:
        return {}
    try:
        return {"input_shape": list(case.input_shape), "output_shape": list(case.output_shape)}
    except DomainError as error:
        return {"input_shape": list(case.input_shape), "output_shape": None, "invalid": str(error)}
