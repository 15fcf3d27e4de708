"""Gradients by PyTorch's autograd, for the adapters that compute with PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from conformance.cases.case import Case

__all__ = ["gradient_lines"]


def gradient_lines(case: Case, sources: Sequence[str], convert: Callable[[str], str]) -> list[str]:
    """Lines from ``y`` to its gradients, or to theirs; ``convert`` converts an array to a tensor."""
    first = ("dx", "dw", "db")[: len(sources)]
    convert_dy = [f"dy = {convert('dy')}"]
    if case.direction == "grad":
        return [*convert_dy, _autograd(case, first, ("y",), sources, ("dy",))]
    along = ("vx", "vw", "vb")[: len(sources)]
    return [
        *convert_dy,
        *(f"{name} = {convert(name)}" for name in along),
        "dy.requires_grad_()",
        _autograd(case, first, ("y",), sources, ("dy",), ", create_graph=True"),
        _autograd(case, case.outputs, first, (*sources[:2], "dy"), along),
    ]


def _autograd(
    case: Case,
    targets: Sequence[str],
    outputs: Sequence[str],
    sources: Sequence[str],
    upstream: Sequence[str],
    options: str = "",
) -> str:
    """The line of one call of autograd.

    Autograd gives the conjugate Wirtinger derivative, R10 the transposed map without conjugation.
    """
    cotangents = [f"{name}.conj_physical()" if case.format.is_complex else name for name in upstream]
    output = outputs[0] if len(outputs) == 1 else f"[{', '.join(outputs)}]"
    cotangent = cotangents[0] if len(cotangents) == 1 else f"[{', '.join(cotangents)}]"
    gradient = f"torch.autograd.grad({output}, [{', '.join(sources)}], {cotangent}{options})"
    if case.format.is_complex:
        gradient = f"(d.conj() for d in {gradient})"
    return f"{', '.join(targets)} = {gradient}"
