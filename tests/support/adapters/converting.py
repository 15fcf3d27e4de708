"""Paths whose converter or runtime is wrong."""

from __future__ import annotations

from dataclasses import replace

from conformance.adapters.frameworks.paths.parts import PathAdapter, Step
from conformance.adapters.frameworks.paths.runtimes import ONNXRUNTIME
from conformance.adapters.frameworks.paths.sources import ONNX_MODEL


def _step(*lines: str) -> Step:
    """A converter that runs some lines on ``model`` before it saves it."""
    return Step(
        name="planted",
        packages=("onnx",),
        documentation="https://example.org",
        imports=("import onnx",),
        suffix=".onnx",
        lines=lambda case, source, target: [*lines, f"onnx.save(model, {target})"],
    )


class Faithful(PathAdapter):
    """Saves what it is given."""

    name = "faithful"
    source, steps, runtime = ONNX_MODEL, (_step(),), ONNXRUNTIME


class ForgetsOutputPadding(PathAdapter):
    """The converter writes no output_padding."""

    name = "forgets-output-padding"
    source, runtime = ONNX_MODEL, ONNXRUNTIME
    steps = (
        _step(
            "attributes = model.graph.node[0].attribute",
            "for attribute in [each for each in attributes if each.name == 'output_padding']:",
            "    attributes.remove(attribute)",
        ),
    )


class FlipsWeights(PathAdapter):
    """The converter reverses the kernel."""

    name = "flips-weights"
    source, runtime = ONNX_MODEL, ONNXRUNTIME
    steps = (
        _step(
            "kernel = numpy_helper.from_array(np.ascontiguousarray(w[:, :, ::-1]), 'w')",
            "model.graph.initializer[0].CopyFrom(kernel)",
        ),
    )


class CropsAfterwards(PathAdapter):
    """The converter adds an operator behind the layer, so that the layer alone says too little."""

    name = "crops-afterwards"
    source, runtime = ONNX_MODEL, ONNXRUNTIME
    steps = (
        _step(
            "model.graph.node[0].output[0] = 'z'",
            "model.graph.node.append(helper.make_node('Relu', ['z'], ['y']))",
        ),
    )


class ConverterRefuses(PathAdapter):
    """The converter fails."""

    name = "converter-refuses"
    source, steps, runtime = ONNX_MODEL, (_step("raise RuntimeError('no such operator')"),), ONNXRUNTIME


class WrongRuntime(PathAdapter):
    """The converter is right, the runtime moves the output by one."""

    name = "wrong-runtime"
    source, steps = ONNX_MODEL, (_step(),)
    runtime = replace(
        ONNXRUNTIME,
        name="shifting",
        lines=lambda case, model: [*ONNXRUNTIME.lines(case, model), "y = np.roll(y, 1, -1)"],
    )


class WritesNegativePads(PathAdapter):
    """The converter writes zeros at the end as negative pads, which the text of ONNX does not allow."""

    name = "writes-negative-pads"
    source, runtime = ONNX_MODEL, ONNXRUNTIME
    steps = (
        _step(
            "attributes = model.graph.node[0].attribute",
            "for attribute in [each for each in attributes if each.name in ('pads', 'output_padding')]:",
            "    attributes.remove(attribute)",
            "attributes.append(helper.make_attribute('pads', [0, -1]))",
        ),
    )
