"""What an adapter declares its framework cannot do: limits checked before a call, refusals matched by message."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Callable
from dataclasses import dataclass

from conformance.cases.case import Case

__all__ = ["DocumentedRefusal", "Limit"]


@dataclass(frozen=True)
class Limit:
    """A declared limit of an implementation.

    Attributes
    ----------
    status : str
        ``unsupported`` or ``inexpressible``.
    parameter : str
        Name of the case field that the limit is about.
    applies : callable
        Whether a case meets the limit.
    reason, source : str
        A description of the limit, and the documentation that states it.
    """

    status: str
    parameter: str
    applies: Callable[[Case], bool]
    reason: str
    source: str


def _always(case: Case) -> bool:
    return True


@dataclass(frozen=True)
class DocumentedRefusal:
    """An error message by which a framework says that this CPU, layout, dtype or build is not supported.

    A `Limit` is checked before the call. Some limits depend on the machine or on the build, so that only the
    framework's own message shows them: an exception that matches here is ``unsupported``, on every machine.

    Attributes
    ----------
    parameter : str
        Name of the case field that the refusal is about.
    pattern : str
        Regular expression that is searched in the message. It must name what is not supported.
    applies : callable
        Whether a case has the property that the message names.
    reason, source : str
        A description of the limit, and the documentation that states it.
    before : pair of str
        A distribution and the first of its versions that no longer documents the limit; empty for none.
    """

    parameter: str
    pattern: str
    reason: str
    source: str
    applies: Callable[[Case], bool] = _always
    before: tuple[str, ...] = ()

    def explains(self, case: Case, message: str) -> bool:
        """Whether this is why the framework refused a case with a message."""
        return bool(self.applies(case) and re.search(self.pattern, message)) and self._is_current()

    def _is_current(self) -> bool:
        if not self.before:
            return True
        distribution, first = self.before
        return _numbers(importlib.metadata.version(distribution)) < _numbers(first)


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version, which are enough to order releases."""
    leading = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in leading[0].split(".")) if leading else ()
