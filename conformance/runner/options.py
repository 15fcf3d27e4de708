"""The options of a run, declared once: the command line, pytest and the code read them from `RunOptions`.

Quick to import: `conformance run` starts an adapter's process before it loads more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.adapters.devices import DEVICES

if TYPE_CHECKING:
    import pytest

__all__ = ["Declaration", "RunOptions", "add_to_pytest", "configured_names", "declaration_of"]

_DECLARATION = "declaration"
# Before the name of an option in pytest's namespace, which other plugins share.
_PREFIX = "conformance_"


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """How an option is written.

    Attributes
    ----------
    flags : tuple of str
        On the command line; empty for an option of pytest alone.
    help, metavar : str
        Its line in the help.
    pytest : str or None
        As an option of pytest; None: the last flag; empty: pytest has none, or has it from another plugin.
    choices : sequence of str
        The values it takes; empty for any.
    minimum : float or None
        The smallest number it takes.
    show_default : bool
        Whether the help of the command shows the default.
    folder : bool
        Whether it is the path of a folder.
    configured : bool
        Whether a project's configuration file can set it.
    """

    flags: tuple[str, ...]
    help: str
    metavar: str | None = None
    pytest: str | None = None
    choices: Sequence[str] = ()
    minimum: float | None = None
    show_default: bool = False
    folder: bool = False
    configured: bool = False

    @property
    def pytest_flag(self) -> str:
        """The name of the option in pytest; empty without one."""
        return self.flags[-1] if self.pytest is None else self.pytest


def _option(default: Any, *flags: str, **declaration: Any) -> Any:
    return field(default=default, metadata={_DECLARATION: Declaration(flags=flags, **declaration)})


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What to run, on what, and where to write it. A default says of which type an option is."""

    adapters: tuple[str, ...] = _option(
        (),
        "--adapter",
        configured=True,
        metavar="NAME",
        help="An adapter, a pattern such as 'torch*', file.py:Class, NAME@/path/to/python or NAME~MACHINE; may be "
        "repeated. Default: one or two interfaces of each installed framework; '*' runs all.",
    )
    machines: tuple[str, ...] = _option(
        (),
        "--machine",
        configured=True,
        pytest="",  # gets the names of adapters with their machines
        metavar="NAME",
        help="Run each adapter under a machine profile, such as avx2, one-thread or onednn-off; may be repeated. "
        "Default: native; `conformance machines` lists them.",
    )
    device: str = _option(
        "cpu",
        "--device",
        choices=DEVICES,
        help="Where to compute. With cuda, the name of an adapter stands for its CUDA variants: torch for "
        "torch-cuda and torch-cuda-tf32.",
    )
    tier: str | None = _option(
        None,
        "--tier",
        configured=True,
        metavar="TIER",
        help="smoke (default), gate, full, deploy, large, or corpus (the cases that users reported).",
    )
    case_ids: tuple[str, ...] = _option((), "--case", metavar="ID", help="A single case; may be repeated.")
    where: str | None = _option(
        None,
        "--where",
        metavar="EXPR",
        help="Run the cases that meet an SQL condition over their columns and over facts of the machine, such as "
        '"stride_h > 1" or fact_tensorflow_onednn.',
    )
    shard: str | None = _option(
        None,
        "--shard",
        metavar="I/M",
        help="Run only the I-th of M parts; `conformance merge` merges their records.",
    )
    durations_from: str | None = _option(
        None, "--durations-from", metavar="RESULTS", help="Balance the shards by the times of a recorded run."
    )
    resume: bool = _option(
        False, "--resume", help="Resume the interrupted run in --out, or the latest run in conformance-out."
    )
    overwrite: bool = _option(
        False,
        "--overwrite",
        help="Replace the record in --out even if it has a different selection; it stays in the folder earlier.",
    )
    expectations: tuple[str, ...] = _option(
        (),
        "--expectations",
        configured=True,
        metavar="DIR",
        help="Folder of known discrepancies; may be repeated. 'builtin' (default): the suite's own; 'none': none.",
    )
    baseline: str | None = _option(
        None,
        "--baseline",
        metavar="RESULTS",
        help="The record of an earlier run: its discrepancies count as known, lost precision as new.",
    )
    workers: str = _option(
        "0",
        "-n",
        pytest="",  # is an option of pytest-xdist
        metavar="N",
        help="Worker processes; 'auto': one per core.",
    )
    dask: str | None = _option(
        None,
        "--dask",
        metavar="ADDRESS",
        help="Run on the workers of a Dask cluster, such as tcp://scheduler:8786. They need the same version of "
        "the suite.",
    )
    out: Path | None = _option(  # noqa: RUF009 - a field, as the others; the check takes a Path for mutable
        None,
        "--out",
        folder=True,
        configured=True,
        metavar="DIR",
        help="Folder for the record (results.sqlite) and the report. Default: a new folder in conformance-out, to "
        "which conformance-out/latest leads.",
    )
    timeout: float = _option(
        60.0,
        "--timeout",
        pytest="--answer-timeout",  # pytest-timeout has a --timeout
        minimum=0.1,
        metavar="SECONDS",
        show_default=True,
        help="How long to wait for the output of one case.",
    )
    calls: int = _option(
        1,
        "--repeat",
        minimum=1,
        configured=True,
        metavar="N",
        help="Compute each case N times in its process, for at most half a minute, and compare the bits.",
    )
    at_once: int = _option(
        1,
        "--at-once",
        minimum=1,
        configured=True,
        metavar="T",
        help="Repeat from T threads at a time, at least T times.",
    )
    in_process: bool = _option(
        False,
        "--in-process",
        help="Run the adapter in this process, where breakpoint() works. A crash ends the command; nothing times "
        "out.",
    )
    quiet: bool = _option(
        False, "-q", "--quiet", pytest="--without-notes", help="Print results only, no progress and no notes."
    )
    no_report: bool = _option(False, pytest="--no-report", help="Write the record only.")
    unselected: bool = _option(
        False, pytest="--unselected", help="Internal: no -k or -m filter is active, so items are created lazily."
    )

    @classmethod
    def of(cls, config: pytest.Config) -> RunOptions:
        """The options that pytest has read."""
        values: dict[str, Any] = {}
        for item in _of_pytest():
            value = getattr(config.option, _PREFIX + item.name)
            # pytest's namespace holds plain values only, since it goes to pytest's workers.
            if isinstance(item.default, tuple):
                value = tuple(value)
            elif declaration_of(item).folder and value is not None:
                value = Path(value)
            values[item.name] = value
        return cls(**values)

    def pytest_arguments(self) -> list[str]:
        """The options that differ from their defaults, as arguments of pytest."""
        arguments: list[str] = []
        for item in _of_pytest():
            name, value = declaration_of(item).pytest_flag, getattr(self, item.name)
            if value == item.default:
                continue
            if isinstance(value, tuple):
                arguments += [f"{name}={one}" for one in value]
            else:
                arguments.append(name if value is True else f"{name}={value}")
        return arguments

    def command_arguments(self) -> list[str]:
        """The options that differ from their defaults, as arguments of the command."""
        arguments: list[str] = []
        for item in fields(self):
            flags, value = declaration_of(item).flags, getattr(self, item.name)
            if not flags or value == item.default:
                continue
            if value is True:
                arguments.append(flags[-1])
            else:
                for one in value if isinstance(value, tuple) else [value]:
                    arguments += [flags[-1], str(one)]
        return arguments


def declaration_of(item: Field[Any]) -> Declaration:
    """The declaration of a field of `RunOptions`."""
    declaration: Declaration = item.metadata[_DECLARATION]
    return declaration


def configured_names() -> list[str]:
    """The options that a project's configuration file can set."""
    return [item.name for item in fields(RunOptions) if declaration_of(item).configured]


def _of_pytest() -> list[Field[Any]]:
    return [item for item in fields(RunOptions) if declaration_of(item).pytest_flag]


def add_to_pytest(parser: pytest.Parser, *, only: Sequence[str] = ()) -> None:
    """Declare the options, or only those with some names, to pytest."""
    group = parser.getgroup("conformance", "conformance suite for transposed convolutions")
    for item in _of_pytest():
        if not only or item.name in only:
            declaration = declaration_of(item)
            group.addoption(
                declaration.pytest_flag,
                dest=_PREFIX + item.name,
                help=declaration.help.replace("%", "%%"),
                **_pytest_settings(item.default, declaration.metavar),
            )


def _pytest_settings(default: Any, metavar: str | None) -> dict[str, Any]:
    """How pytest reads an option; the default says of which type it is."""
    if isinstance(default, bool):
        return {"action": "store_true"}
    if isinstance(default, tuple):
        return {"action": "append", "default": [], "metavar": metavar}
    return {"type": str if default is None else type(default), "default": default, "metavar": metavar}
