"""The whole body of an issue: what happens, a script, expected and got, where, who else, and under what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from adapters.process import Host, Limits
from adapters.registry import expand, load, resolve
from cases import Case, CaseError, DomainError
from cases.dtypes import round_to
from conformance.check import ask
from conformance.reference import answer
from conformance.repro.script import Asked
from reports.outcome import Outcome
from reports.statuses import label

__all__ = ["build_issue", "neighbours"]


def build_issue(asked: Asked, script: str, timeout: float = 60.0) -> str:
    """Write the body in Markdown; asks every other installed adapter and the case's neighbours.

    Parameters
    ----------
    asked : Asked
        The question and its outcome.
    script : str
        The script that shows it.
    timeout : float
        Seconds for one answer.

    Returns
    -------
    str
        Title in the first line, then the sections.
    """
    limits = Limits(answer=timeout)
    sections = [
        f"# {_title(asked)}",
        _summary(asked),
        f"## Script\n\nExits 1 while the answer is wrong.\n\n```python\n{script}```",
        f"## Expected and actual\n\n{_values(asked)}",
        f"## Versions\n\n{_versions(asked)}",
        f"## Other implementations on the same question\n\n{_others(asked, limits)}",
        f"## When it happens\n\n{_predicate(asked, limits)}",
    ]
    return "\n\n".join(sections) + "\n"


def _title(asked: Asked) -> str:
    case, outcome = asked.case, asked.outcome
    package = load(asked.spec.target).packages[0]
    parts = [f"stride {_axes(case.stride)}", f"kernel {_axes(case.kernel_size)}"]
    if set(case.dilation) != {1}:
        parts.append(f"dilation {_axes(case.dilation)}")
    if case.groups != 1:
        parts.append(f"groups {case.groups}")
    parts.append(f"padding {case.padding}" if isinstance(case.padding, str) else "explicit padding")
    if case.output_padding is not None:
        parts.append(f"output_padding {_axes(case.output_padding)}")
    what = outcome.kind or STATUS_WORDS.get(outcome.status, outcome.status)
    return f"{package}: transposed convolution ({case.rank}D, {', '.join(parts)}): {KIND_WORDS.get(what, what)}"


STATUS_WORDS = {"pass": "right answer", "crash": "crash", "timeout": "no answer"}
KIND_WORDS = {
    "values": "wrong values",
    "gradient": "wrong gradient",
    "shape": "wrong output shape",
    "dtype": "wrong dtype",
    "nonfinite": "NaN or infinity in the wrong places",
    "precision": "larger error than promised",
    "rejected": "valid arguments refused",
    "accepted": "numbers for arguments that have no answer",
    "nondeterministic": "two answers to the same question",
}


def _axes(values: tuple[int, ...]) -> str:
    return str(values[0]) if len(set(values)) == 1 else "x".join(map(str, values))


def _summary(asked: Asked) -> str:
    diagnosis = asked.outcome.diagnosis
    lines = [f"{label(asked.outcome.status, asked.outcome.kind)}: {asked.outcome.detail}".strip()]
    if diagnosis:
        lines.append(f"Diagnosis: {diagnosis['text']}")
    lines.append(f"Question `{asked.case}`.")
    try:
        geometry = asked.case.geometry()
        lines.append(
            f"By the definition (each input element adds itself times the kernel; {geometry.rule}) the output is "
            f"{' x '.join(map(str, geometry.output_size))}: the full result of "
            f"{' x '.join(map(str, geometry.full_size))} without {list(map(list, geometry.crop))} (front, back)."
        )
    except DomainError as error:
        lines.append(f"There is no answer to give: {error}.")
    return "\n\n".join(lines)


def _values(asked: Asked) -> str:
    try:
        expected = answer(asked.case, asked.tensors)
    except DomainError as error:
        return f"Expected an error ({error}), got {', '.join(str(value.shape) for value in asked.got.values())}."
    blocks = []
    for name, wanted in expected.items():
        got = asked.got.get(name)
        with np.printoptions(threshold=200, edgeitems=4, linewidth=100, suppress=True):
            shown = asked.outcome.detail.splitlines()[0] if got is None and asked.outcome.detail else got
            right = round_to(asked.case.format, wanted)
            blocks.append(f"{name} expected, shape {wanted.shape}:\n{right}\n\n{name} got")
            blocks[-1] += f", shape {got.shape}:\n{got}" if got is not None else f":\n{shown}"
    return "```text\n" + "\n\n".join(blocks) + "\n```"


def _versions(asked: Asked) -> str:
    environment = asked.environment
    rows = [*environment.get("versions", {}).items(), ("python", environment.get("python", ""))]
    rows += [("platform", environment.get("platform", "")), ("cpu", environment.get("cpu", ""))]
    rows += [("cpu flags", ", ".join(environment.get("cpu_flags", [])))]
    rows += list(environment.get("variables", {}).items())
    return "\n".join(f"- {name}: {value}" for name, value in rows if value)


def _others(asked: Asked, limits: Limits) -> str:
    rows = ["| implementation | version | outcome |", "| --- | --- | --- |"]
    for name in expand([]):
        if name == asked.spec.name:
            continue
        with Host(resolve(name), limits) as host:
            outcome = ask(asked.case, host)
            version = next(iter(host.environment.get("versions", {}).values()), "")
        rows.append(f"| {name} | {version} | {label(outcome.status, outcome.kind)} |")
    return "\n".join(rows)


def neighbours(case: Case) -> Iterator[tuple[str, Case]]:
    """The case with one parameter at a time made plain (or another, where neither is), and what was changed."""
    plain: dict[str, Any] = {
        "batch": 1,
        "in_channels": 1,
        "out_channels": 1,
        "groups": 1,
        "stride": (1,),
        "dilation": (1,),
        "padding": "valid",
        "output_padding": None,
        "layout": "channels_last" if case.layout == "channels_first" else "channels_first",
        "dtype": "f64" if case.dtype == "f32" else "f32",
        "bias": False,
        "direction": "fwd",
        "data": "ints",
    }
    for name, value in plain.items():
        try:
            changed = replace(case, **{name: value})
            changed.geometry()
        except (CaseError, DomainError):
            continue
        if changed != case:
            shown = value[0] if isinstance(value, tuple) else "not given" if value is None else value
            yield f"{name} {shown}", changed


def _predicate(asked: Asked, limits: Limits) -> str:
    """Which single changes make the outcome go away, and which leave it."""
    gone: list[str] = []
    stays: list[str] = []
    silent: list[str] = []
    with Host(asked.spec, limits) as host:
        for words, case in neighbours(asked.case):
            outcome = ask(case, host)
            bucket = silent if outcome.status in ("unsupported", "inexpressible", "infra") else gone
            (stays if _alike(outcome, asked.outcome) else bucket).append(words)
    lines = [
        f"- it goes away with: {', '.join(gone) or 'no single change to a plainer parameter'}",
        f"- it stays with: {', '.join(stays) or 'none of them'}",
    ]
    if silent:
        lines.append(f"- not asked, being outside what the interface takes: {', '.join(silent)}")
    return "\n".join(["One parameter changed at a time:", "", *lines])


def _alike(first: Outcome, second: Outcome) -> bool:
    return (first.status, first.kind) == (second.status, second.kind)
