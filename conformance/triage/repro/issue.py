"""The whole body of an issue: what happens, a script, expected and got, where, who else, and under what."""

from __future__ import annotations

import itertools
import re

from conformance.adapters.host.client import ProcessLimits
from conformance.adapters.registry import load
from conformance.calls.form import FORMS
from conformance.cases import DomainError
from conformance.cases.rules import rules
from conformance.reports.gate.assess import matching_expectations
from conformance.reports.gate.expectations import load as load_expectations
from conformance.reports.record.crash_text import last_line
from conformance.reports.record.fact_columns import shown
from conformance.reports.record.statuses import label
from conformance.triage.repro.context import condition, neighbourhood, others
from conformance.triage.repro.observation import Observation
from conformance.triage.repro.script import Run

__all__ = ["build_issue"]

STATUS_WORDS = {"pass": "right answer", "crash": "crash", "timeout": "no answer"}
KIND_WORDS = {
    "values": "wrong values",
    "gradient": "wrong gradient",
    "shape": "wrong output shape",
    "dtype": "wrong dtype",
    "nonfinite": "NaN or infinity in the wrong places",
    "precision": "larger error than promised",
    "rejected": "valid arguments refused",
    "accepted": "numbers where there is no answer",
    "nondeterministic": "two answers to the same question",
    "stateful": "wrong output after other calls",
}
_LONGEST_CAUSE = 60
_NOTATION = (
    "On each axis i, k, s, d and o are input length, kernel length, stride, dilation and output_padding; "
    "e = d(k - 1) + 1 is the effective kernel, F = (i - 1)s + e the full length."
)
_MOST_LINES = 40
_LOG = re.compile(r"[IW]\d{4} |WARNING")  # what Google's libraries note beside it


def build_issue(asked: Observation, script: str, run: Run, timeout: float = 60.0) -> str:
    """Write the body in Markdown; asks every other installed adapter and the case's neighbours.

    Parameters
    ----------
    asked : Observation
        The question and its outcome.
    script : str
        The script that shows it.
    run : Run
        What the script printed, run alone.
    timeout : float
        Seconds for one answer.

    Returns
    -------
    str
        Title in the first line, then the sections.
    """
    limits = ProcessLimits(answer=timeout)
    said = f"{_summary(asked)}\n\n{_known(asked)}".strip()
    sections = [
        f"# {_title(asked)}",
        said,
        f"## Script\n\nExits 1 while it is so, 0 once it is right.\n\n```python\n{script}```",
        f"## Expected and actual\n\n{_output(asked, run)}",
        f"## Versions\n\n{_versions(asked)}",
        f"## Other implementations on the same question\n\n{others(asked, limits)}",
        f"## When it happens\n\n{neighbourhood(asked, limits)}\n\n{condition(asked, limits)}".strip(),
        f"## Definitions\n\n{_definitions(asked, said)}",
    ]
    return "\n\n".join(sections) + "\n"


def _title(asked: Observation) -> str:
    case, outcome = asked.case, asked.outcome
    package = load(asked.spec.target).packages[0]
    what = outcome.kind or outcome.status
    said = KIND_WORDS.get(what) or STATUS_WORDS.get(what, what)
    if outcome.status in ("crash", "timeout") and case.direction != "fwd":
        said += " in the gradient"
    cause = _cause(asked)
    parts = [f"{case.rank}D", f"kernel {_axes(case.kernel_size)}"]
    plain = (("stride", case.stride), ("dilation", case.dilation), ("groups", (case.groups,)))
    parts += [f"{name} {_axes(value)}" for name, value in plain if set(value) != {1}]
    parts.append(f"padding {case.padding}" if isinstance(case.padding, str) else "explicit padding")
    if case.output_padding is not None:
        parts.append(f"output_padding {_axes(case.output_padding)}")
    if 0 in (case.batch, *case.input_size):
        parts.append("empty input")
    if case.dtype != "f32":
        parts.append(case.format.label)
    return f"{package}: {_called(asked)}: {said}{f', {cause}' if cause else ''} ({', '.join(parts)})"


def _called(asked: Observation) -> str:
    """The function or layer that was called, by its full name where it is known."""
    body = "\n".join(asked.body)
    found = re.search(r"[\w.]*conv\w*transpose\w*(?=\()", body, re.IGNORECASE)
    if found is None:
        return "ConvTranspose" if "ConvTranspose" in body else "transposed convolution"
    form = FORMS.get(found[0])
    return form.name if form else found[0]


def _cause(asked: Observation) -> str:
    """What is wrong in a few words, if it takes no more."""
    if asked.outcome.kind == "accepted":
        try:
            asked.case.geometry()
        except DomainError as error:
            return error.reason.partition(";")[0]
    if asked.outcome.status == "crash":
        return asked.outcome.detail.partition("\n")[0]
    diagnosis = asked.outcome.diagnosis or {}
    begin, _, cause = diagnosis.get("text", "").partition("equals the oracle with the ")
    return cause if not begin and len(cause) <= _LONGEST_CAUSE else ""


def _axes(values: tuple[int, ...]) -> str:
    return str(values[0]) if len(set(values)) == 1 else "x".join(map(str, values))


def _summary(asked: Observation) -> str:
    case, outcome = asked.case, asked.outcome
    what = STATUS_WORDS.get(outcome.status) or KIND_WORDS.get(
        outcome.kind or "", label(outcome.status, outcome.kind)
    )
    first = outcome.detail.partition("\n")[0]
    if outcome.status == "crash" and last_line(outcome.detail):
        first += f"\n\n> {last_line(outcome.detail)}"
    lines = [f"{what[:1].upper()}{what[1:]}: {first}".strip(": ")]
    try:
        geometry = case.geometry()
    except DomainError:
        return lines[0]  # which says why there is no answer
    if outcome.status == "fail" and outcome.diagnosis and outcome.diagnosis["transform"] != "unexplained":
        cause = outcome.diagnosis["text"].replace("the oracle", "the definition")
        lines.append(f"What came {cause}." if cause.startswith("equals") else f"Cause: {cause}.")
    output, full = (" x ".join(map(str, sizes)) for sizes in (geometry.output_size, geometry.full_size))
    lines.append(
        f"By the definition the output is {output} ({geometry.rule}): the full result, {full}, less "
        f"{', '.join(map(str, geometry.crop))} at the front and the back of each axis (R2; below 0 adds zeros)."
    )
    return "\n\n".join(lines)


def _known(asked: Observation) -> str:
    """What is written down about it, and where it has been reported."""
    entries = matching_expectations(
        asked.case, asked.outcome, load_expectations(asked.spec.name), asked.environment
    )
    return "\n\n".join(
        " ".join(entry.reason.split()) + (f" See also {entry.upstream}." if entry.upstream else "")
        for entry in entries
    )


def _output(asked: Observation, run: Run) -> str:
    """What the script prints; and of stderr last words of a crash, the end of an exception, or what differs."""
    printed = run.stdout.strip().splitlines()[:_MOST_LINES]
    said = [line for line in run.stderr.strip().splitlines() if not _LOG.match(line)]
    if asked.outcome.status == "crash":
        printed += said[: _MOST_LINES // 2]
    if asked.outcome.kind == "rejected":
        printed += said[-_MOST_LINES // 2 :]
    elif "Arrays are not equal" in said:  # what lies between that and the arrays
        compared = said[said.index("Arrays are not equal") + 1 :]
        printed += [
            "",
            *itertools.takewhile(lambda line: not line.lstrip().startswith("ACTUAL"), filter(None, compared)),
        ]
    return "\n".join(["The script prints", "", "```text", *map(_plain, printed), "```"])


def _plain(line: str) -> str:
    """A line without colours and without where things lie on this machine."""
    return re.sub(r"/[^\s\"']*/(?=site-packages/)", "", re.sub(r"\x1b\[[0-9;]*m", "", line))


def _versions(asked: Observation) -> str:
    environment = asked.environment
    rows = [*environment.get("versions", {}).items(), ("python", environment.get("python", ""))]
    rows += [("platform", environment.get("platform", "")), ("cpu", environment.get("cpu", ""))]
    rows += [("cpu flags", ", ".join(environment.get("cpu_flags", [])))]
    rows += list(environment.get("variables", {}).items())
    rows += [(f"fact {name}", shown(value)) for name, value in environment.get("facts", {}).items()]
    return "\n".join(f"- {name}: {value}" for name, value in rows if value)


def _definitions(asked: Observation, said: str) -> str:
    """The rules that the text cites, and the question's id, by which the suite asks it again."""
    cited = dict.fromkeys(["R1", *re.findall(r"\bR\d+\b", said)])
    known = rules()
    lines = [
        f"- {number}, {known[number].title}: {' '.join(known[number].text.partition(chr(10) * 2)[0].split())}"
        for number in cited
        if number in known
    ]
    return "\n".join([_NOTATION, "", *lines, "", f"`conformance check {asked.case}` asks the question again."])
