"""Conversion of weights between a call's own layout and a case's (Cin, Cout/G, \\*k), as NumPy source lines.

A port prints these lines, and its verification runs them.
"""

from __future__ import annotations

from conformance.calls.form import WeightForm
from conformance.cases import Case

__all__ = ["call_shape", "describe", "from_case", "to_case"]


def _axes(form: WeightForm, rank: int) -> list[str]:
    """The axes of the call's weights by letter, kernel axes numbered."""
    kernel = [str(axis) for axis in range(rank)]
    return [axis for letter in form.axes for axis in (kernel if letter == "*" else [letter])]


def call_shape(form: WeightForm, case: Case) -> tuple[int, ...]:
    """Shape of the weights in the call's layout."""
    inputs, outputs = case.in_channels, case.out_channels // case.groups
    if form.grouped_inputs:
        inputs, outputs = case.in_channels // case.groups, case.out_channels
    sizes = {"i": inputs, "o": outputs} | {str(axis): size for axis, size in enumerate(case.kernel_size)}
    return tuple(sizes[axis] for axis in _axes(form, case.rank))


def _regroup(case: Case, inputs_first: bool) -> str:
    g, i, o = case.groups, case.in_channels // case.groups, case.out_channels // case.groups
    kernel = ", ".join(map(str, case.kernel_size))
    if inputs_first:  # (Cin, Cout/G) to (Cin/G, Cout)
        return f"w = w.reshape({g}, {i}, {o}, {kernel}).swapaxes(0, 1).reshape({i}, {g * o}, {kernel})"
    return f"w = w.reshape({i}, {g}, {o}, {kernel}).swapaxes(0, 1).reshape({g * i}, {o}, {kernel})"


def to_case(form: WeightForm, case: Case) -> list[str]:
    """Lines that turn ``w`` from the call's layout into the case's."""
    axes = _axes(form, case.rank)
    case_axes = ["i", "o", *map(str, range(case.rank))]
    lines = []
    if axes != case_axes:
        lines.append(f"w = np.transpose(w, {tuple(axes.index(axis) for axis in case_axes)})")
    if form.flipped:
        lines.append(f"w = np.flip(w, {tuple(range(2, case.rank + 2))}).copy()")
    if form.grouped_inputs and case.groups > 1:
        lines.append(_regroup(case, inputs_first=False))
    return lines


def from_case(form: WeightForm, case: Case) -> list[str]:
    """Inverse of `to_case`."""
    axes = _axes(form, case.rank)
    case_axes = ["i", "o", *map(str, range(case.rank))]
    lines = []
    if form.grouped_inputs and case.groups > 1:
        lines.append(_regroup(case, inputs_first=True))
    if form.flipped:
        lines.append(f"w = np.flip(w, {tuple(range(2, case.rank + 2))}).copy()")
    if axes != case_axes:
        lines.append(f"w = np.transpose(w, {tuple(case_axes.index(axis) for axis in axes)})")
    return lines


def describe(form: WeightForm, rank: int) -> str:
    """The layout as text, such as ``(kH, kW, Cout, Cin), kernel reversed``."""
    channels = {"i": "Cin", "o": "Cout/G"} if not form.grouped_inputs else {"i": "Cin/G", "o": "Cout"}
    names = channels | {str(axis): f"k{letter}" for axis, letter in enumerate("DHW"[-rank:])}
    text = f"({', '.join(names[axis] for axis in _axes(form, rank))})"
    return text + (", kernel reversed" if form.flipped else "")
