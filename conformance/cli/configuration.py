"""The settings of a project: ``conformance.toml``, or the table ``[tool.conformance]`` in ``pyproject.toml``.

Quick to import: `run` starts an adapter's process before it loads more.
"""

from __future__ import annotations

import tomllib
from dataclasses import Field, fields
from functools import cache
from pathlib import Path
from typing import Any

import click

from conformance.runner.options import RunOptions, configured_names, declaration_of

__all__ = ["ConfiguredOption", "settings"]

_NAMES = ("builtin", "none")  # of expectations, which are not paths


class ConfiguredOption(click.Option):
    """An option whose default is the setting of the project, if there is one."""

    def consume_value(self, ctx: click.Context, opts: Any) -> tuple[Any, click.core.ParameterSource]:
        """The value given, or else the setting."""
        value, source = super().consume_value(ctx, opts)
        if source is click.core.ParameterSource.DEFAULT and not ctx.resilient_parsing:
            found = settings(Path.cwd())
            if self.name in found:
                return found[self.name], click.core.ParameterSource.DEFAULT_MAP
        return value, source


@cache
def settings(folder: Path) -> dict[str, Any]:
    """The settings of the nearest project at or above a folder, by name in `RunOptions`.

    Raises
    ------
    click.UsageError
        The file is malformed, or has an unknown key or a value of the wrong type.
    """
    for parent in (folder, *folder.parents):
        for name in ("conformance.toml", "pyproject.toml"):
            path = parent / name
            if not path.is_file():
                continue
            try:
                content: Any = tomllib.loads(path.read_text("utf-8"))
            except (OSError, ValueError) as error:
                if name == "pyproject.toml":  # that of a project that may not use the suite at all
                    continue
                raise click.UsageError(f"{path}: {error}") from None
            if name == "pyproject.toml":
                content = content.get("tool", {}).get("conformance")
            if content is not None:
                return _read(content, path)
    return {}


def _read(content: Any, path: Path) -> dict[str, Any]:
    """Check the settings of a file, and take its paths from its folder."""
    names = configured_names()
    known = {item.name: item for item in fields(RunOptions) if item.name in names}
    if not isinstance(content, dict):
        raise click.UsageError(f"{path}: tool.conformance is not a table")
    for key, value in content.items():
        if key not in known:
            from conformance.cases.names import did_you_mean  # for the error only

            hint = did_you_mean(key, known)
            raise click.UsageError(f"{path}: unknown setting {key!r}{hint}; known are {', '.join(known)}")
        wanted = "a list of texts" if isinstance(known[key].default, tuple) else "a text"
        texts = value if isinstance(known[key].default, tuple) else [value]
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise click.UsageError(f"{path}: {key} is not {wanted}")
    return {key: _value(known[key], value, path.parent) for key, value in content.items()}


def _value(item: Field[Any], value: Any, folder: Path) -> Any:
    if declaration_of(item).folder:
        return folder / value
    if not isinstance(item.default, tuple):
        return value
    if item.name == "expectations":
        return tuple(text if text in _NAMES else str(folder / text) for text in value)
    return tuple(value)
