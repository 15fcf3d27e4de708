"""The kinds of model file: their names, what reads them, and the adapters of their own framework."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from conformance.calls.model_files.records import ModelFileError

__all__ = ["FORMATS", "ModelFormat", "format_of"]

_QUIET_TENSORFLOW = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}


@dataclass(frozen=True, kw_only=True)
class ModelFormat:
    """A kind of model file.

    Attributes
    ----------
    title : str
        What it is called in a sentence.
    suffixes : tuple of str
        Ends of the names of its files, in small letters.
    member : str
        For a model that is a folder: the file in it by which it is known.
    reader : str
        The module of this package that reads it. Its function ``read`` takes a `Request` and yields layers.
    modules : dict
        What the reader imports, and the package that has it.
    own : tuple of str
        Adapters of the model's own framework; the first that is installed runs its layers.
    environment : dict
        Variables of the reader's process.
    """

    title: str
    reader: str
    modules: Mapping[str, str]
    own: tuple[str, ...]
    suffixes: tuple[str, ...] = ()
    member: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    def missing(self) -> list[str]:
        """The packages that its reader needs and that are not installed."""
        return [package for module, package in self.modules.items() if importlib.util.find_spec(module) is None]


FORMATS: tuple[ModelFormat, ...] = (
    ModelFormat(
        title="an ONNX model",
        suffixes=(".onnx",),
        reader="onnx_files",
        modules={"onnx": "onnx"},
        own=("onnxruntime", "onnx-reference"),
    ),
    ModelFormat(
        title="a TensorFlow Lite model",
        suffixes=(".tflite",),
        reader="tflite_files",
        modules={"ai_edge_litert": "ai-edge-litert"},
        own=("litert",),
    ),
    ModelFormat(
        title="a Keras model",
        suffixes=(".keras", ".h5", ".hdf5"),
        reader="keras_files",
        modules={"keras": "keras"},
        own=("keras-tensorflow", "keras-torch", "keras-jax"),
        environment=_QUIET_TENSORFLOW,
    ),
    ModelFormat(
        title="a SavedModel",
        member="saved_model.pb",
        reader="saved_models",
        modules={"tensorflow": "tensorflow"},
        own=("tf-nn",),
        environment=_QUIET_TENSORFLOW,
    ),
    ModelFormat(
        title="an exported PyTorch program",
        suffixes=(".pt2",),
        reader="exported_programs",
        modules={"torch": "torch"},
        own=("torch",),
    ),
    ModelFormat(
        title="a net of ncnn",
        suffixes=(".param",),
        reader="ncnn_files",
        modules={},
        own=("ncnn",),
    ),
    ModelFormat(
        title="an OpenVINO model",
        suffixes=(".xml",),
        reader="openvino_files",
        modules={"openvino": "openvino"},
        own=("openvino",),
    ),
)


def format_of(path: Path) -> ModelFormat:
    """The kind of a model file.

    Raises
    ------
    ModelFileError
        There is no such file, or its kind cannot be read.
    """
    if not path.exists():
        raise ModelFileError(f"{path}: no such file")
    for kind in FORMATS:
        if kind.member and (path / kind.member).is_file():
            return kind
        if path.is_file() and path.name.lower().endswith(kind.suffixes or ("/",)):
            return kind
    accepted = ", ".join(suffix for kind in FORMATS for suffix in kind.suffixes)
    members = " or ".join(kind.member for kind in FORMATS if kind.member)
    what = f"a folder without {members}" if path.is_dir() else "not a model of a kind that is read"
    raise ModelFileError(f"{path} is {what}; a model is one of {accepted}, or a folder with {members}")
