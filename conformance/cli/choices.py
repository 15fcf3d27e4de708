"""An option that takes one of several names, and says which of them a wrong one resembles."""

from __future__ import annotations

from typing import Any

import click

from conformance.cases.names import did_you_mean

__all__ = ["NameChoice"]


class NameChoice(click.Choice):  # type: ignore[type-arg]  # generic only in newer click
    """One of several names."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The name, or an error with the similar ones."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            hint = did_you_mean(str(value), map(str, self.choices))
            raise click.BadParameter(f"{error.message.rstrip('.')}{hint}", ctx, param) from None
