"""Objects with the options of a layer, each set by a method: ``ConvTranspose2dOptions(3, 4, 5).stride(2)``."""

from __future__ import annotations

from dataclasses import replace

from conformance.calls.values import Arguments, Layer, Value

__all__ = ["BUILDERS", "with_option", "with_options"]

BUILDERS = ("Options", "dConfig")
"""How their names end."""


def with_options(given: Arguments) -> Arguments:
    """The arguments of a call that is given an object with options, as ``ConvTranspose2dOptions(3, 4, 5)``."""
    for value in given.args:
        if isinstance(value, Layer) and value.call is not None and value.call.name.endswith(BUILDERS):
            value.applied = True
            others = tuple(other for other in given.args if other is not value)
            return Arguments(others, given.kwargs).over(value.call.arguments)
    return given


def with_option(given: Arguments, name: str, args: tuple[Value, ...]) -> Arguments:
    """The options after a method that sets one; any other method, such as ``init``, changes nothing."""
    if len(args) != 1 or name in ("init", "forward", "parameters"):
        return given
    return replace(given, kwargs={**given.kwargs, name.removeprefix("with_"): args[0]})
