"""What a shell completes after an option."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

__all__ = ["completer"]


def _adapters() -> Iterable[str]:
    from conformance.adapters.registry import all_adapters

    return all_adapters()


def _machines() -> Iterable[str]:
    from conformance.adapters.machines import MACHINES

    return MACHINES


def _tiers() -> Iterable[str]:
    from conformance.runner.selection import SELECTIONS

    return SELECTIONS


# Functions, since a command that runs must not load what only a shell needs.
_NAMES: dict[str, Callable[[], Iterable[str]]] = {"adapters": _adapters, "machines": _machines, "tier": _tiers}


def completer(name: str) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]] | None:
    """The function that completes an option of `RunOptions`; None for one that takes any text."""
    names = _NAMES.get(name)
    if names is None:
        return None

    def complete(context: click.Context, parameter: click.Parameter, start: str) -> list[CompletionItem]:
        return [CompletionItem(item) for item in sorted(names()) if item.startswith(start)]

    return complete
