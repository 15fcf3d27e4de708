"""``conformance port``: the same question in another framework's words."""

from __future__ import annotations

import click
from rich import box
from rich.table import Table

from adapters.process import Host, Limits
from cases import DomainError
from cases.tiers import TIERS, load_tier
from conformance.cli.common import adapter_option, resolve_adapters
from conformance.cli.question import SHAPE, read_question
from conformance.exit_codes import DISCREPANCY
from conformance.port import find_port, verify
from conformance.port.table import KINDS, matrix
from conformance.port.text import port_text
from reports.terminal import console_for_tables

__all__ = ["command"]

# People port to a framework; these are the interfaces they mean.
_FRAMEWORKS = {
    "keras": "keras-tensorflow",
    "tensorflow": "tf-nn",
    "jax": "jax-lax",
    "flax": "flax-nnx",
    "onnx": "onnxruntime",
}


@click.command(
    "port",
    epilog="Example: conformance port \"keras.layers.Conv2DTranspose(64, 3, padding='same')\" --to torch",
)
@click.argument("case", required=False)
@click.option("--to", "target", metavar="NAME", help="The adapter, or the framework, to port to.")
@click.option("--input", "input_shape", type=SHAPE, help="Shape of a call's input, such as 20x16x50x100.")
@click.option("--weight", "weight_shape", type=SHAPE, help="Shape of a call's weights, in its own order.")
@click.option("--node", help="Name of the node, where CASE is a model.onnx.")
@click.option("--table", is_flag=True, help="Print how the cases of a tier port between every pair of adapters.")
@adapter_option
@click.option("--tier", type=click.Choice(list(TIERS)), default="smoke", help="The cases of --table.")
@click.option("--timeout", type=click.FloatRange(min=0.1), default=60.0, help="Seconds for one answer.")
def command(
    case: str | None,
    target: str | None,
    input_shape: tuple[int, ...] | None,
    weight_shape: tuple[int, ...] | None,
    node: str | None,
    table: bool,
    adapters: tuple[str, ...],
    tier: str,
    timeout: float,
) -> None:
    """Print the call CASE (a framework call, a case id or a model) in the words of another adapter.

    With the change of the weights and any step around the call, checked on random weights, forward and gradients;
    or the reason there is no such call.
    """
    limits = Limits(answer=timeout)
    if table:
        if case or target:
            raise click.UsageError("--table takes no CASE and no --to")
        _print_table(adapters, tier, limits)
        return
    if not case or not target:
        raise click.UsageError("give CASE and --to, or --table")
    meaning = read_question(case, input_shape, weight_shape, node)
    try:
        meaning.case.geometry()
    except DomainError as error:
        raise click.UsageError(f"{meaning.case} has no answer to port: {error}") from None
    (spec,) = resolve_adapters([_FRAMEWORKS.get(target, target)])
    with Host(spec, limits) as host:
        port = find_port(meaning.case, host)
        if isinstance(port, str):
            click.echo(f"# No call of {spec.name} asks {meaning.case}, and no step around one: {port}")
            raise click.exceptions.Exit(DISCREPANCY)
        problem = verify(port, host)
        click.echo(port_text(meaning, port, host, problem), nl=False)
    raise click.exceptions.Exit(DISCREPANCY if problem else 0)


def _print_table(adapters: tuple[str, ...], tier: str, limits: Limits) -> None:
    specs = resolve_adapters(adapters)
    if len(specs) < 2:
        raise click.UsageError("--table needs two adapters or more")
    found = matrix(specs, load_tier(tier), limits, lambda text: click.echo(text, err=True))
    names = [spec.name for spec in specs]
    shown = Table("from \\ to", *names, title=f"{tier}: {' / '.join(KINDS)}", box=box.SIMPLE)
    for source in names:
        cells = (
            "" if source == goal else " / ".join(str(found[source, goal][kind]) for kind in KINDS)
            for goal in names
        )
        shown.add_row(source, *cells)
    console_for_tables().print(shown)
