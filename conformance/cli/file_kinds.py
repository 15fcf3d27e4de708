"""What a file given as CASE is, where it is neither a case id, a call, nor an ONNX model."""

from __future__ import annotations

from pathlib import Path

__all__ = ["not_a_case"]

_AS_TEXT = 'give its text as CASE, as in conformance check "$(cat {path})"'
_AUDIT = "conformance audit {path} lists its layers as cases"
# What to do with a file, by its suffix.
_KINDS = {
    ".tflite": ("a TensorFlow Lite model", _AUDIT),
    ".keras": ("a Keras model", _AUDIT),
    ".h5": ("a Keras model", _AUDIT),
    ".hdf5": ("a Keras model", _AUDIT),
    ".pb": ("a TensorFlow graph", "give the call of the layer, or export the model to ONNX"),
    ".pt": ("a PyTorch file", "give the call of the layer, or export the model to ONNX"),
    ".pth": ("a PyTorch file", "give the call of the layer, or export the model to ONNX"),
    ".pt2": ("an exported PyTorch program", _AUDIT),
    ".xml": ("an OpenVINO model", _AUDIT),
    ".mlmodel": ("a Core ML model", "give the call of the layer"),
    ".safetensors": ("a file of weights", "it holds no calls; give the call of the layer"),
    ".npz": ("NumPy arrays", "they hold no call; give the call of the layer"),
    ".npy": ("a NumPy array", "it holds no call; give the call of the layer"),
    ".caffemodel": ("weights of Caffe", "give the text of the prototxt as CASE"),
    ".prototxt": ("a net of Caffe", _AS_TEXT),
    ".pbtxt": ("protobuf text", _AS_TEXT),
    ".textproto": ("protobuf text", _AS_TEXT),
    ".param": ("a net of ncnn", _AS_TEXT),
    ".py": ("a Python program", _AS_TEXT),
    ".txt": ("a text file", _AS_TEXT),
    ".ipynb": ("a notebook", "give the source of the cell as CASE"),
}


def not_a_case(text: str) -> str:
    """What a path is, and what to do instead; empty if the text is not a path."""
    path = Path(text)
    kind = _KINDS.get(path.suffix.lower())
    if kind is not None:
        about, advice = kind
        return f"{text} is {about}, not a case id, a call or an ONNX model; {advice.format(path=text)}"
    try:
        exists = path.exists()
    except (OSError, ValueError):
        return ""
    if exists:
        what = "a folder" if path.is_dir() else "a file of a kind that is not known"
        return f"{text} is {what}; CASE is a case id, a call, or the path of an ONNX model (.onnx)"
    return ""
