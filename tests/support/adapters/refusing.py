"""Adapters that refuse cases, declare limits, or cannot be imported."""

from __future__ import annotations

from conformance.adapters.base import DocumentedRefusal, Limit, Program
from conformance.cases.case import Case
from tests.support.adapters.right import Right, Zeros


class Refuses(Right):
    """Raises for every case, with markup in the message."""

    name = "refuses"

    def program(self, case: Case) -> Program:
        """Write the call."""
        return Program((), ("raise RuntimeError('<script>alert(1)</script>')",))


class RefusesAtLength(Right):
    """Raises with a message longer than the buffer of a pipe."""

    name = "refuses-at-length"

    def program(self, case: Case) -> Program:
        """Write the call."""
        return Program((), ('raise RuntimeError("no " * 100_000)',))


class CannotImport(Right):
    """Its framework is not installed."""

    name = "cannot-import"

    def __init__(self) -> None:
        raise ModuleNotFoundError("No module named 'no_such_framework'")


class Limited(Right):
    """Declares a limit."""

    name = "limited"
    limits = (Limit("inexpressible", "groups", lambda case: case.groups > 1, "has no groups", "manual"),)


class NamedPaddingOnly(Right):
    """Takes no crop except those that `valid` and `same` name."""

    name = "named-padding-only"
    limits = (
        Limit(
            "inexpressible", "padding", lambda case: case.padding not in ("valid", "same"), "two names", "manual"
        ),
    )


class Declining(Zeros):
    """Declares limits, one of which was lifted: dilation works."""

    name = "declining"
    limits = (
        Limit(
            "unsupported", "dilation", lambda case: max(case.dilation) > 1, "no dilation", "https://example.org/d"
        ),
        Limit("unsupported", "groups", lambda case: case.groups > 1, "no groups", "https://example.org/g"),
        Limit("inexpressible", "dtype", lambda case: case.dtype != "f32", "only f32", "https://example.org/t"),
        Limit(
            "inexpressible",
            "direction",
            lambda case: case.direction != "fwd",
            "no gradient",
            "https://example.org",
        ),
        Limit(
            "inexpressible",
            "layout",
            lambda case: case.layout != "channels_first",
            "no NHWC",
            "https://example.org",
        ),
        Limit(
            "inexpressible",
            "data",
            lambda case: case.data not in ("ints", "normal"),
            "only numbers",
            "https://example.org",
        ),
    )

    def program(self, case: Case) -> Program:
        """Write the call, which is right except for groups."""
        arguments = f"stride={case.stride}, dilation={case.dilation}, crop={case.geometry().crop}"
        return Program(
            ("from conformance.oracle import by_zero_insertion",),
            (f"y = by_zero_insertion(x, w, bias, {arguments}).astype(x.dtype)",),
        )


class DocumentsDilation(Zeros):
    """Refuses dilation and groups with one message, which its documentation explains for dilation only."""

    name = "documents-dilation"
    refusals = (
        DocumentedRefusal(
            "dilation",
            r"no dilation on this processor",
            "some processors do not dilate",
            "https://example.org/dilation",
            lambda case: max(case.dilation) > 1,
        ),
    )

    def program(self, case: Case) -> Program:
        """Write the call."""
        refused = max(case.dilation) > 1 or case.groups > 1
        return Program((), ('raise ValueError("no dilation on this processor")' if refused else "y = w",))
