"""A case stated as a list of names and numbers, ``input: [1, 3, 8, 8]``, ``stride = 2``, or by a message."""

from __future__ import annotations

import re
from typing import Any

from conformance.calls.dtype_names import dtype_label
from conformance.calls.errors import CallError
from conformance.calls.program import Occurrence
from conformance.calls.settings import Settings
from conformance.calls.values import Arguments, Syntax, TensorExpression

__all__ = ["read_parameters"]

Read = tuple[list[Occurrence], Settings]

_SPELLINGS = {
    "input": "input inputs x inputshape inputsize inputtensor shapeofinput xshape src inputdims ishape data",
    "weight": "weight weights filter weightshape weightsize filtershape filtersize filters w wshape kernelshape",
    "kernel": "kernel kernelsize ksize k kernels",
    "stride": "stride strides s", "padding": "padding pad pads paddings p",
    "output_padding": "outputpadding outpadding outputpad adj outputpaddings op",
    "dilation": "dilation dilations dilationrate d", "groups": "group groups g numgroups",
    "in_channels": "inchannels inputchannels cin inchannel ic inputfeatures",
    "out_channels": "outchannels outputchannels cout outchannel oc numoutput numfilters nout numfilter",
    "bias": "bias usebias withbias", "dtype": "dtype datatype precision",
    "layout": "layout dataformat format",
}  # fmt: skip
_NAMES = {spelling: name for name, spellings in _SPELLINGS.items() for spelling in spellings.split()}
_ENTRY = re.compile(
    r"(?:^|[|,;\]*]|\s-\s|\.\w+:\d+\])\s*[-*`\"']*(?P<name>[A-Za-z][A-Za-z _-]{0,25}?)[`\"'*]*"
    r"\s*(?:[:=]|\bis\b)\s*[`*]*(?:torch\.Size\()?"
    r"(?P<value>[\[({][\d\s,x×.-]*[\])}]|\d+(?:\s*[x×,]\s*\d+)*"
    r"|True|False|None|NCHW|NHWC|NCDHW|NCL|[a-z]*float\w*|fp\d+)",
    re.MULTILINE,
)
_TRANSPOSED = re.compile(r"conv\w{0,20}_?transpos|transposed?[ _-]?conv|deconv", re.IGNORECASE)
_MISMATCH = re.compile(
    r"Given transposed=1, weight of size \[(?P<weight>[\d, ]+)\], expected input\[(?P<input>[\d, ]+)\] "
    r"to have (?P<wanted>\d+) channels, but got (?P<got>\d+) channels"
)
_RANK = re.compile(r"(?:conv\w{0,20}_?transpose|transpose_?conv|deconv)\w{0,10}?_?(?P<rank>[123])d", re.IGNORECASE)
_DTYPES = {"fp16": "float16", "fp32": "float32", "fp64": "float64"}


def read_parameters(text: str) -> Read | None:
    """The call that a list of parameters describes; None if the text has none.

    Raises
    ------
    CallError
        The text has only PyTorch's message about another number of channels.
    """
    if (message := _MISMATCH.search(text)) is not None:
        raise CallError(
            f"the message names an input {_times(message['input'])} with {message['got']} channels for weights "
            f"{_times(message['weight'])} with {message['wanted']}; no case has two numbers of input channels"
        )
    rows = _rows(text)
    if rows and _TRANSPOSED.search(text):
        stated = _RANK.search(text)
        calls = [_of_weights(row) or _of_kernel(row, int(stated["rank"]) if stated else 0) for row in rows]
        found = [
            Occurrence(call, 0, ", ".join(f"{k}={v}" for k, v in row.items()))
            for call, row in zip(calls, rows, strict=True)
            if call is not None
        ]
        if found:
            return found, Settings()
    given = _entries(text)
    if not ("output_padding" in given or _TRANSPOSED.search(text)) or given.get("layout") in ("NHWC", "NDHWC"):
        return None
    stated = _RANK.search(text)
    call = _of_weights(given) or _of_kernel(given, int(stated["rank"]) if stated else 0)
    if call is None:
        return None
    return [Occurrence(call, 0, ", ".join(f"{name}={value}" for name, value in given.items()))], Settings()


def _rows(text: str) -> list[dict[str, Any]]:
    """The rows of a Markdown table whose header has names of parameters."""
    lines = [
        [cell.strip(" `*") for cell in line.strip().strip("|").split("|")]
        for line in text.split("\n")
        if "|" in line
    ]
    rows: list[dict[str, Any]] = []
    names: list[str | None] = []
    for cells in lines:
        known = [_NAMES.get(re.sub(r"[ _-]", "", cell.lower())) for cell in cells]
        if sum(name is not None for name in known) > 2:
            names = known
        elif names and len(cells) == len(names):
            pairs = [(name, cell) for name, cell in zip(names, cells, strict=True) if name is not None]
            if all(re.fullmatch(r"[\[({]?[\d\s,x×]+[\])}]?|True|False|None", cell) for _, cell in pairs):
                rows.append({name: _value(cell) for name, cell in pairs})
    return rows


def _times(sizes: str) -> str:
    return "x".join(size.strip() for size in sizes.split(","))


def _entries(text: str) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for match in _ENTRY.finditer(text):
        name = _NAMES.get(re.sub(r"[ _-]", "", match["name"].lower()))
        if name is not None and name not in given:
            value = _value(match["value"])
            if value != ():
                given[name] = value
    return given


def _value(text: str) -> Any:
    if text in ("True", "False", "None"):
        return {"True": True, "False": False, "None": None}[text]
    numbers = tuple(int(number) for number in re.findall(r"-?\d{1,9}", text)) if not text[0].isalpha() else None
    if numbers is None:
        return _DTYPES.get(text, text)
    return numbers[0] if len(numbers) == 1 and text[0] not in "[({" else numbers


def _options(given: dict[str, Any], rank: int) -> dict[str, Any] | None:
    """The arguments that the functional and the module share; pads of both ends must be equal."""
    options: dict[str, Any] = {
        name: given[name]
        for name in ("stride", "padding", "output_padding", "dilation", "groups")
        if name in given
    }
    for name, value in options.items():
        if isinstance(value, tuple) and len(value) == 1:
            options[name] = value[0]
        elif isinstance(value, tuple) and name == "padding" and len(value) == 2 * rank:
            if value[:rank] != value[rank:]:
                return None
            options[name] = value[:rank]
    return options


def _tensor(shape: Any, given: dict[str, Any]) -> TensorExpression | None:
    if not isinstance(shape, tuple) or len(shape) < 3 or min(shape) < 0:
        return None
    label = dtype_label(given.get("dtype"))
    return TensorExpression(shape, dtype=None if label == "float32" else label)


def _of_weights(given: dict[str, Any]) -> Syntax | None:
    """A functional call, where the shapes of both tensors are stated."""
    image, weight = _tensor(given.get("input"), given), _tensor(given.get("weight"), given)
    if image is None or weight is None or weight.shape is None:
        return None
    rank = len(weight.shape) - 2
    options = _options(given, rank)
    if rank not in (1, 2, 3) or options is None or len(image.shape or ()) not in (rank + 1, rank + 2):
        return None
    bias = TensorExpression(None) if given.get("bias") is True else None
    return Syntax(f"torch.nn.functional.conv_transpose{rank}d", Arguments((image, weight, bias), options))


def _of_kernel(given: dict[str, Any], stated_rank: int = 0) -> Syntax | None:
    """A layer, where the kernel and the channels are stated."""
    image, kernel = _tensor(given.get("input"), given), given.get("kernel", given.get("weight"))
    rank = (
        len(image.shape or ()) - 2
        if image is not None
        else len(kernel)
        if isinstance(kernel, tuple)
        else stated_rank
    )
    if rank not in (1, 2, 3) or kernel is None or "out_channels" not in given:
        return None
    inputs = given.get("in_channels", image.shape[1] if image is not None and image.shape else None)
    options = _options(given, rank)
    if inputs is None or options is None:
        return None
    kernel = kernel[0] if isinstance(kernel, tuple) and len(kernel) == 1 else kernel
    named = {"in_channels": inputs, "out_channels": given["out_channels"], "kernel_size": kernel, **options}
    if "bias" in given:
        named["bias"] = bool(given["bias"])
    applied = None if image is None else Arguments((image,))
    return Syntax(f"torch.nn.ConvTranspose{rank}d", Arguments(kwargs=named), applied)
