"""The body of an issue: summary, script, its output, versions, other implementations, condition."""

from __future__ import annotations

import itertools
import re
import shlex

from conformance.adapters.host.client import ProcessLimits
from conformance.adapters.node import npm
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

__all__ = ["build_issue", "fenced", "issue_text"]

STATUS_TEXT = {"pass": "right output", "crash": "crash", "timeout": "no output within the time limit"}
KIND_TEXT = {
    "values": "wrong values",
    "gradient": "wrong gradient",
    "shape": "wrong output shape",
    "dtype": "wrong dtype",
    "nonfinite": "NaN or infinity in the wrong places",
    "precision": "larger error than promised",
    "rejected": "valid arguments refused",
    "accepted": "invalid arguments accepted",
    "nondeterministic": "two runs on the same data give different outputs",
    "stateful": "wrong output after other calls",
    "inputs": "changes its inputs",
}
_LONGEST_CAUSE = 60
_MISTAKE = re.compile(r"equals the expected (?:output with the )?((?!output(?:,| with| except)).+)")
_NOTATION = (
    "On each axis i, k, s, d and o are input length, kernel length, stride, dilation and output_padding; "
    "e = d(k - 1) + 1 is the effective kernel, F = (i - 1)s + e the full length."
)
_SUITE = "conv-transpose-conformance"
_MOST_LINES = 40
_LOG = re.compile(r"[IW]\d{4} |WARNING")  # log lines of Google's libraries


def build_issue(observed: Observation, script: str, run: Run, timeout: float = 60.0) -> str:
    """Write the body in Markdown; runs every other installed adapter, and cases near this one.

    Parameters
    ----------
    observed : Observation
        The case and its outcome.
    script : str
        The script that shows it.
    run : Run
        What the script printed, run alone.
    timeout : float
        Seconds for one run.

    Returns
    -------
    str
        Title in the first line, then the sections.
    """
    limits = ProcessLimits(answer=timeout)
    return issue_text(
        observed,
        script,
        output=_output(observed, run),
        others=others(observed, limits),
        when=f"{neighbourhood(observed, limits)}\n\n{condition(observed, limits)}".strip(),
    )


def issue_text(observed: Observation, script: str, *, output: str, others: str, when: str) -> str:
    """Write the body from what was observed before; runs nothing.

    Parameters
    ----------
    observed : Observation
        The case and its outcome.
    script : str
        The script that shows it.
    output, others, when : str
        What the script prints, the outcomes of other implementations, and under which conditions it happens. A
        section without text is left out.

    Returns
    -------
    str
        Title in the first line, then the sections.
    """
    summary = f"{_summary(observed)}\n\n{_known(observed)}".strip()
    about = "The script exits with 1 while the problem is there, and with 0 once it is fixed."
    program = f"{about}\n\n{fenced(script, load(observed.spec.target).language)}"
    sections = {
        "Script": program,
        "Expected and actual": output,
        "Versions": _versions(observed),
        "Other implementations on the same case": others,
        "When it happens": when,
        "Definitions": _definitions(summary),
        "About this report": _about(observed),
    }
    parts = [f"## {title}\n\n{text}" for title, text in sections.items() if text]
    return "\n\n".join([f"# {_title(observed)}", summary, *parts]) + "\n"


def fenced(text: str, language: str = "text") -> str:
    """Return a code block, whose fence is longer than any row of backticks in the text."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _title(observed: Observation) -> str:
    case, outcome = observed.case, observed.outcome
    package = load(observed.spec.target).packages[0].removeprefix(npm.PREFIX)
    what = outcome.kind or outcome.status
    problem = KIND_TEXT.get(what) or STATUS_TEXT.get(what, what)
    if outcome.status in ("crash", "timeout") and case.direction != "fwd":
        problem += " in the gradient"
    cause = _cause(observed)
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
    return f"{package}: {_function_name(observed)}: {problem}{f', {cause}' if cause else ''} ({', '.join(parts)})"


def _function_name(observed: Observation) -> str:
    """Return the function or layer that is called, by its full name where it is known."""
    body = "\n".join(observed.body)
    call = re.search(r"[\w.]*conv\w*transpose\w*(?=\()", body, re.IGNORECASE)
    if call is None:
        return "ConvTranspose" if "ConvTranspose" in body else "transposed convolution"
    form = FORMS.get(call[0])
    return form.name if form else call[0]


def _cause(observed: Observation) -> str:
    """Return what is wrong, if a few words are enough."""
    if observed.outcome.kind == "accepted":
        try:
            observed.case.geometry()
        except DomainError as error:
            return error.reason.partition(";")[0]
    if observed.outcome.status == "crash":
        return observed.outcome.detail.partition("\n")[0]
    cause = _MISTAKE.fullmatch(observed.outcome.explanation or "")
    return cause[1] if cause and len(cause[1]) <= _LONGEST_CAUSE else ""


def _axes(values: tuple[int, ...]) -> str:
    return str(values[0]) if len(set(values)) == 1 else "x".join(map(str, values))


def _summary(observed: Observation) -> str:
    case, outcome = observed.case, observed.outcome
    what = STATUS_TEXT.get(outcome.status) or KIND_TEXT.get(
        outcome.kind or "", label(outcome.status, outcome.kind)
    )
    first = outcome.detail.partition("\n")[0]
    if outcome.status == "crash" and last_line(outcome.detail):
        first += f"\n\n> {last_line(outcome.detail)}"
    lines = [f"{what[:1].upper()}{what[1:]}: {first}".strip(": ")]
    try:
        geometry = case.geometry()
    except DomainError:
        return lines[0]  # which says why the case is invalid
    if outcome.status == "fail" and outcome.diagnosis and outcome.diagnosis.transform != "unexplained":
        cause, refusal = outcome.diagnosis.text, "refused: "
        before = (
            "The output "
            if cause.startswith("equals")
            else "Refused as "
            if cause.startswith(refusal)
            else "Cause: "
        )
        lines.append(f"{before}{cause.removeprefix(refusal)}.")
    output, full = (" x ".join(map(str, sizes)) for sizes in (geometry.output_size, geometry.full_size))
    lines.append(
        f"By the definition the output has size {output} ({geometry.rule}). The full output has size {full}, and "
        f"{', '.join(map(str, geometry.crop))} positions are cut at the front and the back of each axis (R2; a "
        "negative number adds zeros)."
    )
    return "\n\n".join(lines)


def _known(observed: Observation) -> str:
    """Return what the expectations say about it, and where it has been reported."""
    entries = matching_expectations(
        observed.case, observed.outcome, load_expectations(observed.spec.name), observed.environment
    )
    return "\n\n".join(
        " ".join(entry.reason.split()) + (f" See also {entry.upstream}." if entry.upstream else "")
        for entry in entries
    )


def _output(observed: Observation, run: Run) -> str:
    """Return what the script prints, with the part of stderr that shows a crash, an exception or a difference."""
    printed = run.stdout.strip().splitlines()[:_MOST_LINES]
    errors = [line for line in run.stderr.strip().splitlines() if not _LOG.match(line)]
    if observed.outcome.status == "crash":
        printed += errors[: _MOST_LINES // 2]
    if observed.outcome.kind == "rejected":
        printed += errors[-_MOST_LINES // 2 :]
    elif "Arrays are not equal" in errors:  # NumPy's statistics, between this line and the arrays
        compared = errors[errors.index("Arrays are not equal") + 1 :]
        printed += [
            "",
            *itertools.takewhile(lambda line: not line.lstrip().startswith("ACTUAL"), filter(None, compared)),
        ]
    return f"The script prints\n\n{fenced(chr(10).join(map(_plain, printed)))}"


def _plain(line: str) -> str:
    """Return a line without colours and without paths of this machine."""
    return re.sub(r"/[^\s\"']*/(?=site-packages/)", "", re.sub(r"\x1b\[[0-9;]*m", "", line))


def _versions(observed: Observation) -> str:
    environment = observed.environment
    rows = [*environment.get("versions", {}).items(), ("python", environment.get("python", ""))]
    rows += [("platform", environment.get("platform", "")), ("cpu", environment.get("cpu", ""))]
    rows += [("cpu flags", ", ".join(environment.get("cpu_flags", [])))]
    rows += list(environment.get("variables", {}).items())
    rows += [(f"measured {name}", shown(value)) for name, value in environment.get("facts", {}).items()]
    return "\n".join(f"- {name}: {value}" for name, value in rows if value)


def _definitions(text: str) -> str:
    """Return the rules that the text cites."""
    cited = dict.fromkeys(["R1", *re.findall(r"\bR\d+\b", text)])
    all_rules = rules()
    lines = [
        # Of each rule the first paragraph.
        f"- {rule.number}, {rule.title}: {' '.join(rule.text.partition(chr(10) * 2)[0].split())}"
        for rule in map(all_rules.get, cited)
        if rule is not None
    ]
    return "\n".join([_NOTATION, "", *lines])


def _about(observed: Observation) -> str:
    """Return what the suite is, how to get it, and the command that runs the case again."""
    command = f"conformance check {observed.case} --adapter {shlex.quote(observed.spec.name)}"
    return (
        f"It was written by {_SUITE}, a test suite that runs the same transposed convolution on many frameworks "
        "and compares each output with a reference in float64 that follows the definitions above. "
        f"`pip install {_SUITE}`, or `pip install .` in a checkout of it, installs the suite, and\n\n"
        f"{fenced(command, 'sh')}\n\n"
        "runs this case again. The script needs only the framework and NumPy."
    )
