"""Names of dtypes and devices as programs write them."""

from __future__ import annotations

from typing import Any

from conformance.calls.values import Opaque

__all__ = ["DTYPE_LABELS", "device_fact", "dtype_label"]

DTYPE_LABELS = {
    "float16": "float16", "half": "float16", "HalfTensor": "float16", "FLOAT16": "float16",
    "bfloat16": "bfloat16", "BFLOAT16": "bfloat16", "BFloat16Tensor": "bfloat16",
    "float32": "float32", "float": "float32", "single": "float32", "FloatTensor": "float32", "FLOAT": "float32",
    "float64": "float64", "double": "float64", "DoubleTensor": "float64", "DOUBLE": "float64",
    "float_": "float64", "complex64": "complex64", "cfloat": "complex64", "complex128": "complex128",
    "cdouble": "complex128", "complex": "complex128",
    **{name: name for name in ("int8", "uint8", "int16", "int32", "int64", "bool", "qint8", "quint8", "qint32")},
    "int": "int64", "long": "int64", "LongTensor": "int64", "IntTensor": "int32", "ByteTensor": "uint8",
    "float8_e4m3fn": "float8_e4m3fn", "float8_e5m2": "float8_e5m2",
}  # fmt: skip
_CODES = {1: "float32", 10: "float16", 11: "float64", 16: "bfloat16"}  # onnx.TensorProto.DataType
_SHORT = {"f2": "float16", "f4": "float32", "f8": "float64", "c8": "complex64", "c16": "complex128"}


def dtype_label(value: Any) -> str | None:
    """The name of a dtype written as ``torch.float16``, ``"float16"``, ``np.float32`` or ONNX's code of it."""
    if type(value) is int:
        return _CODES.get(value)
    if not isinstance(value, str | Opaque):
        return None
    last = (value.path or value.text if isinstance(value, Opaque) else value).rpartition(".")[2]
    return DTYPE_LABELS.get(last) or _SHORT.get(last.lstrip("<>=|"))


def device_fact(device: Any) -> tuple[str, ...]:
    """The fact that a tensor or layer is on a device, unless that is the CPU."""
    name = device if isinstance(device, str) else str(device)
    return () if name.startswith("cpu") else (f"the device ({name})",)
