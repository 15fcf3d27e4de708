"""MNN: the ONNX model converted by the converter in MNN's wheel, and run by its module interface.

The converter is called without its wrapper ``MNN.tools.mnnconvert``: importing that installs packages by pip and
fetches credentials to report usage.
"""

from __future__ import annotations

import importlib
from typing import ClassVar

from conformance.adapters.base import Limit
from conformance.adapters.facts import calls_with
from conformance.adapters.frameworks.common_limits import no_dtype
from conformance.adapters.frameworks.onnx_models import OnnxAdapter
from conformance.cases.case import Case

__all__ = ["Mnn"]

_CONVERTER = "https://mnn-docs.readthedocs.io/en/latest/tools/convert.html"
_TENSORS = "https://mnn-docs.readthedocs.io/en/latest/pymnn/Var.html"


class Mnn(OnnxAdapter):
    """``MNN.nn.load_module_from_file`` on the CPU, high precision, one thread."""

    name = "mnn"
    packages = ("MNN", "onnx")
    extra = "mnn"
    documentation = _CONVERTER
    facts = (calls_with(1),)
    limits: ClassVar[tuple[Limit, ...]] = (*OnnxAdapter.limits, no_dtype(_TENSORS, "f64", "f16", "bf16"))
    imports = (
        "import tempfile",
        "import _tools",
        "import MNN.expr",
        "import MNN.nn",
        "import onnx",
    )

    def __init__(self) -> None:
        super().__init__()
        importlib.import_module("MNN.nn")

    def run_lines(self, case: Case) -> list[str]:
        """Convert the model, load it, run it."""
        return [
            "with tempfile.TemporaryDirectory() as folder:",
            '    onnx.save(model, f"{folder}/model.onnx")',
            "    _tools.mnnconvert(",
            '        ["MNNConvert", "-f", "ONNX", "--modelFile", f"{folder}/model.onnx",',
            '         "--MNNModel", f"{folder}/model.mnn", "--bizCode", "MNN"]',
            "    )",
            '    settings = {"backend": "CPU", "precision": "high", "numThread": 1}',
            "    runtime = MNN.nn.create_runtime_manager((settings,))",
            '    net = MNN.nn.load_module_from_file(f"{folder}/model.mnn", ["x"], ["y"], runtime_manager=runtime)',
            "image = MNN.expr.const(x, x.shape, MNN.expr.NCHW)",
            "output = MNN.expr.convert(net.forward(image), MNN.expr.NCHW)",
            # What read() returns is the memory of its Var.
            "y = output.read().copy()",
        ]
