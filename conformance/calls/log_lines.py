"""Lines of logs that hold a transposed convolution: those of oneDNN, pnnx and MIOpen's driver."""

from __future__ import annotations

import ast
import re
from typing import Any

from conformance.calls.program import Occurrence
from conformance.calls.settings import Settings
from conformance.calls.values import Arguments, Syntax, TensorExpression

__all__ = ["read_miopen", "read_onednn", "read_pnnx"]

_ONEDNN = re.compile(
    r"^[^\n]*\bdeconvolution\b[^\n]*?\b(?P<sizes>(?:g\d+)?mb\d+_?(?:g\d+)?ic\d+[a-z0-9_]*)[^\n]*$", re.MULTILINE
)
_SIZE = re.compile(r"([a-z]+)(\d+)")
_DTYPE = re.compile(r"\bsrc[:_](?P<dtype>f64|f32|bf16|f16)\b")
_DTYPES = {"f64": "float64", "f32": None, "bf16": "bfloat16", "f16": "float16"}
_AXES = "dhw"

_PNNX = re.compile(
    r"^\s*(?:\d+[:|]\s*)?nn\.ConvTranspose(?P<rank>[123])d\s+(?P<name>\S+)\s+\d+\s+\d+\s+(?P<rest>.*)$",
    re.MULTILINE,
)
_OPTION = re.compile(r"(?<!\S)(\w+)=(\([^()]*\)|\S+)")
_INPUT = re.compile(r"#\S+?=\((?P<sizes>[\d,]+)\)(?P<dtype>f32|f16|f64|bf16)?")
_OPTIONS = (
    "in_channels", "out_channels", "kernel_size", "stride", "padding", "output_padding", "groups", "bias",
    "dilation",
)  # fmt: skip

Read = tuple[list[Occurrence], Settings]


def read_onednn(text: str) -> Read | None:
    """The deconvolutions that oneDNN logs, ``mb1_ic3oc4_ih8oh16kh4sh2dh0ph1_iw8...``."""
    found = []
    for match in _ONEDNN.finditer(text):
        call = _deconvolution(match[0], match["sizes"])
        if call is not None:
            found.append(Occurrence(call, text.count("\n", 0, match.start()) + 1, match["sizes"]))
    return (found, Settings()) if found else None


def _deconvolution(line: str, text: str) -> Syntax | None:
    sizes = {name: int(number[:9]) for name, number in _SIZE.findall(text)}
    axes = [axis for axis in _AXES if f"i{axis}" in sizes]
    if not axes or not all(f"{part}{axis}" in sizes for axis in axes for part in "iok") or "oc" not in sizes:
        return None
    groups = max(sizes.get("g", 1), 1)
    kernel, stride, dilation, padding = [], [], [], []
    for axis in axes:
        step, rate, low = sizes.get(f"s{axis}", 1), sizes.get(f"d{axis}", 0) + 1, sizes.get(f"p{axis}", 0)
        full = (sizes[f"i{axis}"] - 1) * step + rate * (sizes[f"k{axis}"] - 1) + 1
        kernel.append(sizes[f"k{axis}"])
        stride.append(step)
        dilation.append(rate)
        padding.append((low, full - low - sizes[f"o{axis}"]))
    given = _DTYPE.search(line)
    dtype = _DTYPES[given["dtype"]] if given else None
    image = TensorExpression((sizes["mb"], sizes["ic"], *(sizes[f"i{axis}"] for axis in axes)), dtype=dtype)
    weight = TensorExpression((sizes["ic"], sizes["oc"] // groups, *kernel), dtype=dtype)
    added = None if re.search(r"\bbia[:_]undef", line) or "bia" not in line else TensorExpression((sizes["oc"],))
    extra = tuple(low - high for low, high in padding)
    settings: dict[str, Any] = {"stride": tuple(stride), "dilation": tuple(dilation), "groups": groups}
    if min(extra) >= 0:  # else the crops are none that PyTorch's arguments can say
        settings |= {"padding": tuple(low for low, _ in padding), "output_padding": extra}
        return Syntax(
            "torch.nn.functional.conv_transpose" + f"{len(axes)}d", Arguments((image, weight, added), settings)
        )
    return None


def read_pnnx(text: str) -> Read | None:
    """The layers in a param file of pnnx, ``nn.ConvTranspose2d up 1 1 0 1 bias=True ... #0=(1,64,8,8)f32``."""
    found = []
    for match in _PNNX.finditer(text):
        options: dict[str, Any] = {}
        for name, written in _OPTION.findall(match["rest"]):
            if name in _OPTIONS:
                try:
                    options[name] = ast.literal_eval(written)
                except (ValueError, SyntaxError):
                    continue
        image = _INPUT.search(match["rest"])
        applied = None
        if image is not None:
            shape = tuple(int(size) for size in image["sizes"].split(",") if size)
            applied = Arguments((TensorExpression(shape, dtype=_DTYPES[image["dtype"] or "f32"]),))
        call = Syntax(f"torch.nn.ConvTranspose{match['rank']}d", Arguments(kwargs=options), applied)
        found.append(Occurrence(call, text.count("\n", 0, match.start(2)) + 1, f"ConvTranspose {match['name']}"))
    return (found, Settings()) if found else None


_MIOPEN = re.compile(r"MIOpenDriver\s+conv(?P<kind>fp16|bfp16)?\b(?P<options>[^\n]*)")
_FLAG = re.compile(r"(?<!\S)-(\w)\s+(\w+)")


def read_miopen(text: str) -> Read | None:
    """The transposed convolutions of MIOpen's driver, ``MIOpenDriver conv -n 1 -c 64 ... -m trans``."""
    found = []
    for match in _MIOPEN.finditer(text):
        flags = dict(_FLAG.findall(match["options"]))
        if flags.get("m") != "trans":
            continue
        sizes = {name: int(value[:9]) for name, value in flags.items() if value.isdigit()}
        groups = max(sizes.get("g", 1), 1)
        dtype = {"fp16": "float16", "bfp16": "bfloat16"}.get(match["kind"] or "")
        image = (sizes.get("n", 100), sizes.get("c", 3), sizes.get("H", 32), sizes.get("W", 32))
        weight = (image[1], sizes.get("k", 32) // groups, sizes.get("y", 3), sizes.get("x", 3))
        options = {
            "stride": (sizes.get("u", 1), sizes.get("v", 1)),
            "padding": (sizes.get("p", 0), sizes.get("q", 0)),
            "dilation": (sizes.get("l", 1), sizes.get("j", 1)),
            "groups": groups,
        }
        tensors = (TensorExpression(image, dtype=dtype), TensorExpression(weight, dtype=dtype))
        call = Syntax("torch.nn.functional.conv_transpose2d", Arguments(tensors, options))
        found.append(Occurrence(call, text.count("\n", 0, match.start()) + 1, " ".join(match[0].split())))
    return (found, Settings()) if found else None
