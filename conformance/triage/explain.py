"""Explain a case in lines of text: its geometry rule by rule, a picture of its taps, and how taps overlap."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from conformance.cases import Case, DomainError
from conformance.cases.geometry import Axis, Geometry, axis_names
from conformance.cases.policy import policies
from conformance.diagnosis.index_map import Trace, effective, trace_of_oracle
from conformance.oracle.overlap import overlap, reaches

__all__ = ["explain_effective", "explain_geometry", "explain_overlap", "explain_taps",
           ]  # fmt: skip

_WIDEST = 40


def explain_geometry(case: Case) -> Iterator[str]:
    """Yield every rule that applies, with the numbers of this case filled in."""
    try:
        geometry = case.geometry()
    except DomainError as error:
        yield f"no expected output: {error}"
        return
    yield f"input {list(case.input_shape)}, weights {list(case.weight_shape)} as (Cin, Cout/G, *k)"
    for n, name in enumerate(axis_names(case.rank)):
        yield from _axis(case, geometry, geometry.axes[n], n, name)
    yield f"R3  {'bias added to every position, after the crop' if case.bias else 'the case has no bias'}"
    share_in, share_out = case.in_channels // case.groups, case.out_channels // case.groups
    yield f"R8  {case.groups} group(s) of {share_in} input and {share_out} output channels, contiguous"
    yield f"output {list(case.output_shape)} ({case.layout})"
    touched = policies(case)
    if touched:
        yield f"R12 an implementation may refuse: {', '.join(touched)}"


def _axis(case: Case, geometry: Geometry, axis: Axis, n: int, name: str) -> Iterator[str]:
    i, k, s, d = axis.input_size, axis.kernel_size, axis.stride, axis.dilation
    low, high = geometry.crop[n]
    e, full, length = axis.effective_kernel, axis.full_size, geometry.output_size[n]
    yield f"{name}: i={i} k={k} s={s} d={d}"
    yield f"  e = d(k-1)+1 = {d}*{k - 1}+1 = {e}"
    yield f"  R1  F = (i-1)s+e = {i - 1}*{s}+{e} = {full}; full[j*{s} + t*{d}] += x[j]*w[t]"
    yield f"  {geometry.rule:3} {_placement(case, n, e, full)}"
    yield f"  R2  crop ({low}, {high}): {full} - {low} - {high} = {length}; out[o] = full[o + {low}]"


def _placement(case: Case, n: int, e: int, full: int) -> str:
    i, s = case.input_size[n], case.stride[n]
    extra = None if case.output_padding is None else case.output_padding[n]
    if not isinstance(case.padding, str):
        low, high = case.padding[n]
        given = extra or 0
        return f"lo = {low}, hi = {high} - {given} = {high - given}; length F - lo - hi"
    low, length = case.geometry().crop[n][0], case.geometry().output_size[n]
    if case.given_output_size is not None:
        total = full + (extra or 0) - length
        return f"`{case.padding}`: length given as {length}, total F + o - length = {total}, lo = {low}"
    lines = {
        ("valid", False): f"length i*s + max(e-s, 0) = {i}*{s} + {max(e - s, 0)} = {length}, lo = 0",
        ("valid", True): f"length F + o = {full} + {extra} = {length}, lo = 0",
        ("same", False): f"length i*s = {i}*{s} = {length}, lo = max(e-s, 0)//2 = {max(e - s, 0)}//2 = {low}",
        (
            "same",
            True,
        ): f"length (i-1)s + e - 2(e//2) + o = {(i - 1) * s} + {e} - {2 * (e // 2)} + {extra} = {length}, "
        f"lo = max(F - length, 0)//2 = {low}",
    }
    return lines.get((case.padding, extra is not None), f"`{case.padding}`: length {length}, lo = {low}")


def explain_taps(case: Case) -> Iterator[str]:
    """Yield for each axis one row per input with the tap that reaches each output."""
    for axis, name in enumerate(axis_names(case.rank)):
        hit = reaches(case, axis)
        inputs, _, length = hit.shape
        if not inputs or not length:
            yield f"{name}: nothing reaches an output"
            continue
        shown = min(length, _WIDEST)
        width = max(len(str(shown - 1)), len(str(hit.shape[1] - 1))) + 1
        ending = f"  (first {shown} of {length} outputs)" if shown < length else ""
        yield f"{name}: the tap that reaches each output{ending}"
        yield "  out   " + "".join(f"{o:>{width}}" for o in range(shown))
        for j in range(min(inputs, 12)):
            taps = [int(np.argmax(hit[j, :, o])) if hit[j, :, o].any() else None for o in range(shown)]
            yield f"  in {j:<3}" + "".join(f"{'.' if t is None else t:>{width}}" for t in taps)
        if inputs > 12:
            yield f"  ... {inputs - 12} more inputs"


def explain_overlap(case: Case) -> Iterator[str]:
    """Yield the number of taps at each output, and the checkerboard measure."""
    taps = overlap(case)
    names = axis_names(case.rank)
    for name, s, phases in zip(names, case.stride, taps.phases, strict=True):
        even = "even" if len(set(phases)) == 1 else "uneven"
        yield f"{name}: number of taps at each output position modulo {s}: {list(phases)}, {even}"
    divisible = all(k % s == 0 for k, s in zip(case.kernel_size, case.stride, strict=True))
    yield (
        f"checkerboard measure {taps.measure:.2f}, which is (most - fewest) / most taps, away from the borders; "
        f"the kernel is {'' if divisible else 'not '}divisible by the stride"
    )
    # Of three axes the middle slice of the first is drawn.
    plane = taps.counts[len(taps.counts) // 2] if case.rank == 3 else taps.counts
    if case.rank == 3:
        yield f"number of taps, slice {len(taps.counts) // 2} of D"
    rows = np.atleast_2d(plane)
    if not rows.size:
        return
    width = len(str(int(rows.max()))) + 1
    for row in rows[:_WIDEST]:
        yield "  " + "".join(f"{int(n):>{width}}" for n in row[:_WIDEST])
    if rows.shape[0] > _WIDEST or rows.shape[1] > _WIDEST:
        yield f"  (the first {_WIDEST} of each axis)"


def explain_effective(case: Case, trace: Trace) -> Iterator[str]:
    """Yield what an implementation computes, by the index map of its products."""
    law, right = effective(trace), trace_of_oracle(case)
    if right is not None and trace.sums == 0 and np.array_equal(trace.links, right.links):
        yield f"all {len(trace.links)} products are where the rules say"
        return
    if law is None:
        yield "the products do not follow one stride, dilation and crop per axis"
        return
    names = axis_names(case.rank)
    for n, name in enumerate(names):
        d = law.dilation[n]
        stride = "?" if law.stride[n] is None else law.stride[n]
        dilation = "?" if d is None else abs(d)
        flip = ", kernel flipped" if d is not None and d < 0 else ""
        sources = {names[law.input_axis[n]], names[law.kernel_axis[n]]} - {name}
        swapped = f", taken from axis {' and '.join(sorted(sources))}" if sources else ""
        yield f"{name}: stride {stride}, dilation {dilation}, output starts at {law.low[n]}{flip}{swapped}"
    yield f"input and output channels {'' if law.channels_right else 'not '}connected as R8 and R9 say"
    yield (
        f"{law.missing} products are missing, {law.strange} are at places where the rules have none, "
        f"{trace.sums} output elements sum several products of one input element"
    )
