"""The parts of the names that adapters are recorded under: ``ADAPTER~MACHINE@PYTHON``."""

from __future__ import annotations

import re

__all__ = ["machine_of", "plain_name"]

_NAME = re.compile(r"(?P<adapter>.*?)(?:~(?P<machine>[A-Za-z0-9_-]+))?(?:@(?P<python>.*))?", re.DOTALL)


def _parts(name: str) -> dict[str, str | None]:
    match = _NAME.fullmatch(name)
    assert match is not None  # every part is optional
    return match.groupdict()


def plain_name(adapter: str) -> str:
    """The name of an adapter without its machine profile and its interpreter."""
    return _parts(adapter)["adapter"] or ""


def machine_of(adapter: str) -> str:
    """Machine profile and interpreter of an adapter, such as ``avx2`` or ``native@/path/to/python``."""
    parts = _parts(adapter)
    return (parts["machine"] or "native") + (f"@{parts['python']}" if parts["python"] else "")
