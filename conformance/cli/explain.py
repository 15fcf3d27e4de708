"""``conformance explain``: the geometry of a case, and why an output is wrong."""

from __future__ import annotations

from collections.abc import Iterable

import click

from conformance.adapters.host.client import AdapterProcess, ProcessLimits
from conformance.calls import Meaning
from conformance.cases import Case, DomainError
from conformance.cases.layouts import explain_layout, layout_doubt
from conformance.cli.case_argument import case_options
from conformance.cli.common import resolve_adapters
from conformance.cli.debug_options import log_options, program_text, require_in_process, show_program_option
from conformance.cli.next_step import say_next
from conformance.cli.options import in_process_option, quiet_option, run_option, timeout_option
from conformance.conditions import Alike, terms_of
from conformance.conditions import infer_condition as explain_condition
from conformance.diagnosis.index_map import trace
from conformance.execution.check import run_case
from conformance.reports.gate.exit_codes import exit_code
from conformance.reports.record.cut_text import cut
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.statuses import STATUSES, label
from conformance.runner.activity import Activity
from conformance.triage import explain

__all__ = ["command"]


@click.command(
    "explain",
    epilog="Examples: conformance explain 2d-i5x7-k3-s2-same; "
    "conformance explain 2d-i5x7-k3-s2-same --adapter torch --when",
)
@case_options
@run_option("adapters", configured=False)
@run_option("machines", configured=False)
@in_process_option
@show_program_option
@quiet_option
@log_options
@click.option(
    "--when",
    is_flag=True,
    help="With --adapter: run more cases to infer the condition under which the output is wrong.",
)
@timeout_option()
def command(
    meaning: Meaning,
    adapters: tuple[str, ...],
    machines: tuple[str, ...],
    in_process: bool,
    show_program: bool,
    quiet: bool,
    when: bool,
    timeout: float,
) -> None:
    """Explain the geometry of CASE rule by rule and, with --adapter, why an output is wrong.

    CASE is a case id, a framework call, or the path of an ONNX model.
    Without --adapter no framework runs; the command prints the geometry, a picture of the kernel's taps and the
    overlap map (how many input elements contribute to each output element).
    """
    if when and not adapters:
        raise click.UsageError("--when needs --adapter NAME, the adapter whose output is wrong")
    case = meaning.case
    click.echo(str(case))
    for note in meaning.notes:
        if note != layout_doubt(case):  # the layout has a section
            click.echo(f"note: {note}")
    _section("geometry", explain.explain_geometry(case))
    try:
        case.geometry()
        _section("layout", explain_layout(case))
        _section("taps", explain.explain_taps(case))
        _section("overlap", explain.explain_overlap(case))
    except DomainError:
        pass  # explain_geometry has printed why
    if adapters:
        specs = resolve_adapters(adapters, machines=machines, quiet=quiet)
        if in_process:
            require_in_process(specs)
        outcomes = []
        for spec in specs:
            with AdapterProcess(spec, ProcessLimits(answer=timeout), in_process=in_process) as host:
                outcomes.append(_adapter(case, host, when, quiet=quiet))
                if show_program:
                    _section(f"{spec.name} runs", program_text(case, host).splitlines())
        wrong = next((outcome for outcome in outcomes if outcome.gates), None)
        if wrong is not None:
            say_next("conformance", "repro", str(case), "--adapter", wrong.adapter, quiet=quiet, data=True)
        raise click.exceptions.Exit(exit_code(outcomes))


def _section(title: str, lines: Iterable[str]) -> None:
    lines = list(lines)
    if lines:
        click.echo(f"\n{title}")
        for line in lines:
            click.echo(f"  {line}")


def _adapter(case: Case, host: AdapterProcess, when: bool, *, quiet: bool) -> Outcome:
    name = host.spec.name
    index_map = None
    with Activity(f"running the case on {name}", quiet=quiet) as say:
        outcome = run_case(case, host)
        if outcome.status in ("pass", "fail") and case.is_valid:
            say(f"finding out which input elements {name} uses")
            index_map = trace(case, host)
    _section(name, _diagnosis(outcome))
    if index_map is not None:
        _section(f"what {name} computes", explain.explain_effective(case, index_map))
    if when and outcome.status in ("fail", "crash"):
        with Activity(f"running further cases on {name}", quiet=quiet):
            condition = _condition(case, outcome, host)
        _section(f"when {name} is wrong", [condition])
    return outcome


def _diagnosis(outcome: Outcome) -> Iterable[str]:
    yield f"{STATUSES[outcome.status].symbol} {label(outcome.status, outcome.kind)}"
    if outcome.message:
        yield cut(outcome.message, 400)
    if outcome.diagnosis is not None:
        yield f"diagnosis: {outcome.diagnosis.text}"
        for other in outcome.diagnosis.also:
            yield f"equally possible: {other.text}"


def _condition(case: Case, outcome: Outcome, host: AdapterProcess) -> str:
    """The smallest condition over case columns, found by running further cases."""
    terms = terms_of([outcome.explanation or ""])
    return explain_condition([case], [], Alike([outcome], host), terms=terms).text
