"""Options that several commands share. Quick to import: `run` starts an adapter's process before it loads more."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from conformance.adapters.devices import DEVICES

if TYPE_CHECKING:
    from conformance.cases import Case

__all__ = [
    "CASE",
    "adapter_option",
    "after_option",
    "dask_option",
    "device_option",
    "expectations_option",
    "machine_option",
    "timeout_option",
]


class _CaseType(click.ParamType):  # type: ignore[type-arg]  # generic only in newer click
    """A case id, full or short."""

    name = "case"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Case:
        from conformance.cases import Case, CaseError

        if isinstance(value, Case):
            return value
        try:
            return Case.parse(value)
        except CaseError as error:
            raise click.UsageError(f"bad case id: {error}") from None


CASE = _CaseType()

adapter_option = click.option(
    "--adapter",
    "adapters",
    multiple=True,
    metavar="NAME",
    help="An adapter, a pattern such as 'torch*', file.py:Class, NAME@/path/to/python or NAME~MACHINE; may be "
    "repeated. Default: one or two interfaces of each installed framework; '*' runs all.",
)


machine_option = click.option(
    "--machine",
    "machines",
    multiple=True,
    metavar="NAME",
    help="Run each adapter under a machine profile, such as avx2, one-thread or onednn-off; may be repeated. "
    "Default: native; `conformance machines` lists them.",
)


after_option = click.option(
    "--after",
    multiple=True,
    type=CASE,
    metavar="CASE",
    help="A case that the same process runs first, as a full or short id; may be repeated, in order.",
)

device_option = click.option(
    "--device",
    type=click.Choice(DEVICES),
    default="cpu",
    help="Where to compute. With cuda, the name of an adapter stands for its CUDA variants: torch for torch-cuda "
    "and torch-cuda-tf32.",
)


dask_option = click.option(
    "--dask",
    metavar="ADDRESS",
    help="Run on the workers of a Dask cluster, such as tcp://scheduler:8786. They need the same version of the "
    "suite.",
)


def timeout_option(seconds: float = 60.0) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option ``--timeout`` with a default."""
    return click.option(
        "--timeout",
        type=click.FloatRange(min=0.1),
        default=seconds,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait for the output of one case.",
    )


expectations_option = click.option(
    "--expectations",
    multiple=True,
    metavar="DIR",
    help="Folder of known discrepancies; may be repeated. 'builtin' (default): the suite's own; 'none': none.",
)
