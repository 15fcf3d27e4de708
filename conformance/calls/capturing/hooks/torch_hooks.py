"""PyTorch: the functions that modules call, ATen's operators, ``torch.nn.grad``; compiled programs when traced."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from .frames import frames, is_user_file, layers
from .patches import Patches
from .plain import call, named, plain

__all__ = ["install"]

_FUNCTIONAL = ("input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation")
_CONVOLUTION = (
    "input", "weight", "bias", "stride", "padding", "dilation", "transposed", "output_padding", "groups",
)  # fmt: skip
_CONV_INPUT = ("input_size", "weight", "grad_output", "stride", "padding", "dilation", "groups")
_FORM = "torch.nn.functional.conv_transpose{rank}d"


def install(torch: ModuleType, patches: Patches) -> None:
    """Wrap the public functions, and what an exported or compiled program calls in their place."""
    for rank in (1, 2, 3):
        name = f"conv_transpose{rank}d"
        describe = functools.partial(_functional, torch, f"torch.nn.functional.{name}", rank)
        wrapper = patches.wrap(torch, name, describe)
        wrapper.__module__, wrapper.__qualname__ = "torch", name  # where pickle looks for it
        patches.replace(torch.nn.functional, name, wrapper)
        torch.jit._builtins._register_builtin(wrapper, f"aten::{name}")  # for torch.jit.script
        patches.wrap(torch.nn.grad, f"conv{rank}d_input", functools.partial(_input_gradient, torch, rank))
        executed = functools.partial(_executed, torch, f"torch.ops.aten.{name}", _FUNCTIONAL)
        _wrap_operator(getattr(torch.ops.aten, name), executed, patches)
    patches.wrap(torch, "convolution", functools.partial(_executed, torch, "torch.convolution", _CONVOLUTION))
    executed = functools.partial(_executed, torch, "torch.ops.aten.convolution", _CONVOLUTION)
    _wrap_operator(torch.ops.aten.convolution, executed, patches)


def _wrap_operator(packet: Any, describe: Any, patches: Patches) -> None:
    """Wrap an ATen operator and its overloads, which must stay the objects that they are."""
    for operator in (packet, *(getattr(packet, name) for name in packet.overloads() if name != "out")):
        patches.wrap(operator, "_op", describe)


def _functional(torch: Any, api: str, rank: int, args: Any, kwargs: Any) -> dict[str, Any] | None:
    arguments = named(_FUNCTIONAL, args, kwargs)
    if type(arguments["input"]).__name__ == "Proxy":
        return {}  # torch.fx writes a graph down; even a look at the shape would become part of it
    traced = _traced(arguments["input"])
    if traced:
        from_graph = _from_graph(torch)
        if from_graph is None and any(frame.f_code.co_name == "get_fake_value" for frame in frames()):
            return None  # TorchDynamo works out a shape; the compiler traces the graph afterwards
        return call(api, api, arguments, traced=traced, once=True, **(from_graph or {"name": _layer_name(torch)}))
    return call(api, api, arguments, **_circumstances(torch, arguments))


def _executed(torch: Any, api: str, names: tuple[str, ...], args: Any, kwargs: Any) -> dict[str, Any] | None:
    """An operator as an exported or compiled program calls it, or the user directly."""
    arguments = named(names, args, kwargs)
    tensor = arguments["input"]
    if not arguments.pop("transposed", True) or _traced(tensor):
        return None
    form = _FORM.format(rank=arguments["weight"].dim() - 2)
    return call(api, form, arguments, **_circumstances(torch, arguments))


def _input_gradient(torch: Any, rank: int, args: Any, kwargs: Any) -> dict[str, Any]:
    """``torch.nn.grad.conv2d_input``: the transposed convolution of the output's gradient."""
    given = named(_CONV_INPUT, args, kwargs)
    weight, gradient = given["weight"], given["grad_output"]

    def per_axis(name: str, default: int) -> list[int]:
        value = plain(given.get(name, default))
        return list(value) if isinstance(value, list) else [value] * rank

    stride, padding, dilation = per_axis("stride", 1), per_axis("padding", 0), per_axis("dilation", 1)
    sizes, kernel = zip(gradient.shape[2:], plain(given["input_size"])[-rank:], strict=True), weight.shape[2:]
    extra = [
        wanted - ((size - 1) * s - 2 * p + d * (k - 1) + 1)
        for (size, wanted), s, p, d, k in zip(sizes, stride, padding, dilation, kernel, strict=True)
    ]
    arguments = {
        "input": gradient, "weight": weight, "stride": stride, "padding": padding, "output_padding": extra,
        "groups": given.get("groups", 1), "dilation": dilation,
    }  # fmt: skip
    return call(f"torch.nn.grad.conv{rank}d_input", _FORM.format(rank=rank), arguments)


def _circumstances(torch: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """What the arguments do not say: the layer, autocast, the memory format and the device."""
    tensor = arguments["input"]
    notes: list[str] = []
    device = tensor.device.type
    # Under a tracer or a mode of the user's, reading values would be one more operation of the program.
    watched = torch.jit.is_tracing() or torch.utils._python_dispatch._get_current_dispatch_mode() is not None
    known = {"name": _layer_name(torch), "notes": notes, "readable": not watched}
    if device != "cpu":
        notes.append(f"computed on {device}")
    memory = {4: torch.channels_last, 5: torch.channels_last_3d}.get(tensor.dim())
    if memory and tensor.is_contiguous(memory_format=memory) and not tensor.is_contiguous():
        notes.append(f"the input is in the memory format {memory}")
    elif not tensor.is_contiguous():
        notes.append(f"the input is not contiguous: its strides are {tuple(tensor.stride())}")
    if torch.is_autocast_enabled(device):
        dtype = str(torch.get_autocast_dtype(device)).rpartition(".")[2]
        if tensor.dtype != torch.float64:
            known["dtype"] = dtype
    return known


def _traced(tensor: Any) -> str | None:
    kind = type(tensor).__name__
    if kind in ("FakeTensor", "FunctionalTensor"):
        return "torch.compile or torch.export"
    return "PyTorch's meta device" if tensor.device.type == "meta" else None


def _layer_name(torch: Any) -> str | None:
    """The name of the innermost running module in the outermost one, as ``named_modules`` gives it."""
    running = layers(lambda value: isinstance(value, torch.nn.Module))
    if not running:
        return None
    names = (name for name, module in running[-1].named_modules() if module is running[0])
    return next(names, None) or None


def _from_graph(torch: Any) -> dict[str, Any] | None:
    """Line and layer of a call that a compiler makes from a graph; the graph keeps them from the program."""
    traceback = torch.fx.traceback
    if not traceback.has_preserved_node_meta():
        return None
    meta = traceback.get_current_meta()
    lines = [
        line.split(", ") for line in meta.get("stack_trace", "").splitlines() if line.lstrip().startswith("File ")
    ]
    places = [[file.strip()[6:-1], int(line[5:])] for file, line, *_ in lines]
    users = [place for place in places if is_user_file(place[0])]
    stack = list((meta.get("nn_module_stack") or {}).values())
    path = str(stack[-1][0]).partition("].")[2] if stack else ""
    return {**({"where": users[-1]} if users else {}), "name": path}
