"""``--where`` with facts of the machine: they are measured first, and their values go into the condition."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from conformance.adapters.host.client import AdapterProcess
from conformance.adapters.registry import AdapterSpec
from conformance.cases import Case
from conformance.reports.record.fact_columns import fact_columns_in, fact_values, with_values
from conformance.runner.selection import SelectionError

__all__ = ["resolve_facts"]


def resolve_facts(
    where: str | None, specs: Sequence[AdapterSpec], choose: Callable[[str], list[Case]]
) -> tuple[str | None, list[AdapterSpec]]:
    """The condition without facts, and the adapters whose facts meet it for some case.

    Parameters
    ----------
    where : str or None
        A condition over the columns of a case and facts.
    specs : sequence of AdapterSpec
        The adapters of the run; each is started to measure its facts if the condition names any.
    choose : callable
        The cases that meet a condition; raises SelectionError where it is malformed or none does.

    Raises
    ------
    click.UsageError
        An adapter cannot be started, no adapter is left, or the adapters that are left would run different cases.
    SelectionError
        The condition is malformed.
    """
    facts = fact_columns_in(where or "")
    if where is None or not facts:
        return where, list(specs)
    chosen: dict[AdapterSpec, tuple[str, list[Case]]] = {}
    for spec in specs:
        condition = with_values(where, _facts(spec, facts))
        try:
            chosen[spec] = condition, choose(condition)
        except SelectionError as error:
            if "no case" not in str(error):
                raise
    if not chosen:
        raise click.UsageError(f"no adapter of the run has facts that meet {where!r} for any case")
    first, (condition, cases) = next(iter(chosen.items()))
    for spec, (_, others) in chosen.items():
        if others != cases:
            raise click.UsageError(
                f"the facts of {first.name} and {spec.name} select different cases; run the adapters one by one"
            )
    return condition, list(chosen)


def _facts(spec: AdapterSpec, columns: tuple[str, ...]) -> dict[str, object]:
    with AdapterProcess(spec) as host:
        failed = host.start()
        if failed is not None:
            raise click.UsageError(f"{spec.name}: {failed.detail}")
        return fact_values(host.environment, columns)
