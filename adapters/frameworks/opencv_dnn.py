"""OpenCV's ``cv2.dnn``, reading the ONNX model from a file.

OpenCV 5 has several engines, OpenCV 4 one. A buffer in place of the file would be less to write, but OpenCV 5.0
ignores the engine there.
"""

from __future__ import annotations

import importlib
from typing import ClassVar

from conformance.adapters.base import DocumentedRefusal, Limit
from conformance.adapters.facts import Fact
from conformance.adapters.frameworks.common_limits import no_dtype
from conformance.adapters.frameworks.onnx_models import OnnxAdapter
from conformance.cases.case import Case

__all__ = ["OpenCV", "OpenCVClassic", "OpenCVNew"]

_ENGINES = "https://docs.opencv.org/5.0/main_modules/dnn_engine_selection.html"
# setInput: "A new blob. Should have CV_32F or CV_8U depth."
_NET = "https://docs.opencv.org/4.x/db/d30/classcv_1_1dnn_1_1Net.html"
# "Support Deconvolution3D on IE backend", which is not the backend of the wheels.
_THREE_AXES = "https://github.com/opencv/opencv/pull/14996"


def _three_axes(case: Case) -> bool:
    return case.rank == 3


class OpenCV(OnnxAdapter):
    """``cv2.dnn.readNetFromONNX`` with the default engine, on the CPU with one thread."""

    name = "cv2-dnn"
    packages = ("opencv-python-headless", "onnx")
    extra = "opencv"
    documentation = _NET
    limits: ClassVar[tuple[Limit, ...]] = (*OnnxAdapter.limits, no_dtype(_NET, "f64", "f16", "bf16"))
    refusals = (
        DocumentedRefusal(
            "rank",
            r'of type "Deconvolution" unsupported on OpenCV backend',
            "the classic engine has no deconvolution of three axes",
            _THREE_AXES,
            _three_axes,
        ),
    )
    facts = (
        Fact(
            name="threads",
            about="cv2.getNumThreads() once its programs have set it",
            measure=lambda: _set_threads(1),
        ),
    )
    imports = ("import tempfile", "import cv2", "import onnx", "cv2.setNumThreads(1)")
    engine: ClassVar[str] = ""

    def __init__(self) -> None:
        super().__init__()
        cv2 = importlib.import_module("cv2")
        if self.engine and not hasattr(cv2.dnn, self.engine):
            raise ImportError(f"OpenCV {cv2.__version__} has no cv2.dnn.{self.engine}; OpenCV 5 has")
        self._classic = self.engine == "ENGINE_CLASSIC" or cv2.__version__.startswith("4.")

    def damages_process(self, case: Case) -> bool:
        """The classic engine writes behind the output with one axis, and with pads and a kernel of 1."""
        channels_as_axis = case.rank == 1 and case.in_channels > 1
        return self._classic and (channels_as_axis or max(case.kernel_size) == 1)

    def run_lines(self, case: Case) -> list[str]:
        """Save the model, read it, run it."""
        engine = f", cv2.dnn.{self.engine}" if self.engine else ""
        return [
            "with tempfile.TemporaryDirectory() as folder:",
            '    onnx.save(model, f"{folder}/model.onnx")',
            f'    net = cv2.dnn.readNetFromONNX(f"{{folder}}/model.onnx"{engine})',
            "net.setInput(x)",
            "y = net.forward()",
        ]


def _set_threads(count: int) -> int:
    cv2 = importlib.import_module("cv2")
    cv2.setNumThreads(count)
    return int(cv2.getNumThreads())


class OpenCVNew(OpenCV):
    """The engine that OpenCV 5 introduced, without the fallback to the classic one."""

    name = "cv2-dnn-new"
    documentation = _ENGINES
    engine = "ENGINE_NEW"


class OpenCVClassic(OpenCV):
    """The engine of OpenCV 4 in OpenCV 5."""

    name = "cv2-dnn-classic"
    documentation = _ENGINES
    engine = "ENGINE_CLASSIC"
