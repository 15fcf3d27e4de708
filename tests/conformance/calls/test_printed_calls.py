"""The call that an adapter prints, read back as a user's paste, is the case it was printed for."""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from conformance.adapters.base import Adapter, Declined
from conformance.adapters.registry import BUILT_IN, load
from conformance.calls import parse_call
from conformance.calls.form import FORMS
from conformance.cases import Case, DomainError
from conformance.cases.data import DATA_KINDS
from conformance.cases.fields import FieldValues
from conformance.cases.tiers import load_tier

# Calls that are read, by what they take: the layout of their image (None: they say it) and the order of the
# weights, where those are a tensor.
READ = {
    "torch.nn.grad": ("channels_first", "io*"),
    "torch.nn": ("channels_first", None),
    "F": ("channels_first", "io*"),
    "keras.layers": (None, None),
    "keras.ops": (None, "*oi"),
    "tf.nn": (None, "*oi"),
    "jax.lax.conv_transpose": (None, "*oi"),
    "jax.lax.conv_general_dilated": (None, "oi*"),
    "nn": ("channels_last", None),
    "nnx": ("channels_last", None),
    "hk": (None, None),
    "eqx.nn": ("channels_first", None),
    "helper": ("channels_first", "io*"),
    **{f"F.conv{rank}d_transpose": (None, "io*") for rank in (1, 2, 3)},
    "mx": ("channels_last", "o*i"),
}

# Adapters whose call is none that is read as a paste.
UNREAD = {
    "tinygrad": "Tensor.conv_transpose2d, a method of a tensor, is found by the tensor",
    "ncnn": "a line of a param file, which is not a call",
    "ncnn-unpacked": "the same",
}

PRINT_PYTHON = [name for name in BUILT_IN if load(BUILT_IN[name]).language == "python"]
CASES = [replace(case, direction="fwd") for case in load_tier("gate")[::9] if DATA_KINDS[case.data].misfit is None]


def _calls(body: str) -> list[ast.Call]:
    calls = [node for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Call)]
    return [node for node in calls if ast.unparse(node.func) in FORMS]


def _family(name: str) -> tuple[str | None, str | None]:
    return next(READ[head] for head in (name, name.rpartition(".")[0]) if head in READ)


def _read(case: Case, node: ast.Call, body: str = "") -> Case:
    """The paste as a case, with the shapes of the tensors as a user would give them."""
    name, text = ast.unparse(node.func), ast.unparse(node)
    if sized := re.search(r"layer(\(\w+, output_size=.*\))", body):  # the size it is called with is part of it
        text += sized[1]
    layout, order = _family(name)
    if re.search("data_format='(channels_last|N[DHW]+C)'", text):  # some move the axes around the call
        layout = "channels_last"
    image = replace(case, layout=layout or case.layout).input_shape
    if name.startswith("eqx") or text.startswith(f"{name}(one"):
        image = image[1:]
    k, i, o = case.kernel_size, case.in_channels, case.out_channels // case.groups
    if "transpose_kernel=False" in text:
        order = "*io"
    weights = {
        None: None,
        "io*": (i, o, *k),
        "*oi": (*k, o, i),
        "*io": (*k, i, o),
        "oi*": (case.out_channels, i // max(case.groups, 1), *k),
        "o*i": (case.out_channels, *k, i // max(case.groups, 1)),
    }
    return parse_call(text, input_shape=image, weight_shape=weights[order]).case


def _crop(body: str, node: ast.Call, called: Case) -> tuple[tuple[int, int], ...]:
    """The crop of the call, and of what is sliced off its result afterwards."""
    geometry = called.geometry()
    cuts = [n for n in ast.walk(ast.parse(body)) if isinstance(n, ast.Subscript)]
    result = (ast.unparse(node), "y", "layer(x)", "layer(image)")
    cuts = [cut for cut in cuts if ast.unparse(cut.value) in result and ":" in ast.unparse(cut.slice)]
    if not cuts:
        return geometry.crop
    layout = _family(ast.unparse(node.func))[0] or called.layout
    spatial = slice(2, None) if layout == "channels_first" else slice(1, -1)
    # Every element holds its own position within the full result.
    grid = np.moveaxis(np.indices(replace(called, layout=layout).output_shape), 0, -1)
    for cut in cuts:
        grid = eval(f"grid[{ast.unparse(cut.slice).strip('()')}]", {"grid": grid})
    first, last = grid.reshape(-1, grid.shape[-1])[[0, -1]]
    sizes = zip(geometry.crop, geometry.full_size, first[spatial], last[spatial], strict=True)
    return tuple((int(low + a), int(full - low - b - 1)) for (low, _), full, a, b in sizes)


def _plain(case: Case, crop: tuple[tuple[int, int], ...]) -> Case:
    """What a call can say of a case, however it is written; the period of R15 is a name."""
    wraps = case.geometry().wraps
    return replace(
        case,
        batch=min(case.batch, 1),  # some are called with one image at a time
        padding=case.padding if wraps else crop,
        output_padding=None,
        layout="channels_first",
        data="ints",
        seed=0,
        direction="fwd",
    )


def _same_call(case: Case, adapter: type[Adapter]) -> str:
    """Read back what an adapter prints for a case; says ``same``, or why there is nothing to compare."""
    try:
        case.geometry()
        if adapter.declines(case):
            return "declined"
        program = object.__new__(adapter).program(case)
    except (Declined, DomainError):
        return "declined"
    body = "\n".join(program.body)
    if "F.pad(" in body:
        return "zeros are added around the call"
    if min(case.output_shape) == 0:
        return "nothing is left of the result to see the crop by"
    node, *again = _calls(body)
    assert {ast.unparse(other) for other in again} <= {ast.unparse(node)}
    called = _read(case, node, body)
    printed, read = _plain(case, case.geometry().crop), _plain(called, _crop(body, node, called))
    written = {keyword.arg for keyword in node.keywords}
    if not written & {"dtype", "param_dtype"}:  # that of the tensors
        read = replace(read, dtype=printed.dtype)
    if called.bias != case.bias and "+ " in body:  # added to the result
        read = replace(read, bias=printed.bias)
    assert str(read) == str(printed), body
    return "same"


def _cases_of(adapter: type[Adapter]) -> list[Case]:
    """The cases, of the direction or with the data that an adapter takes."""
    changes: tuple[FieldValues, ...] = ({}, {"direction": "grad"}, {"data": "ones"})
    ways = [[replace(case, **change) for case in CASES] for change in changes]
    return max(ways, key=lambda cases: sum(adapter.declines(case) is None for case in cases))


@pytest.mark.parametrize("name", [name for name in PRINT_PYTHON if name not in UNREAD])
def test_a_printed_call_reads_back_as_its_case(name: str) -> None:
    adapter = load(BUILT_IN[name])
    counts = Counter(_same_call(case, adapter) for case in _cases_of(adapter))
    assert counts["same"] >= 6, counts


@pytest.mark.parametrize("name", UNREAD)
def test_what_is_not_read_prints_no_call_that_is(name: str) -> None:
    adapter = load(BUILT_IN[name])
    case = Case.parse("2d-c2x3-i4x5-k3-s2-p1")
    assert not _calls("\n".join(object.__new__(adapter).program(case).body)), UNREAD[name]


def test_a_wrong_reading_would_show() -> None:
    (node,) = _calls("y = F.conv_transpose2d(x, w, None, stride=(2, 2), padding=(1, 0))")
    case = Case.parse("2d-c2x3-i4x5-k3-s2-p1")
    assert _crop("", node, _read(case, node)) != case.geometry().crop
