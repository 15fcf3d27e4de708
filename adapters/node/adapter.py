"""The base class of adapters whose programs are JavaScript, and what such programs have in common.

A program is the body of an asynchronous function. Its parameters are ``require`` and the tensors of the case, each
``{ data, shape }`` with a typed array. It assigns the tensors of ``Case.outputs`` in the same form.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from conformance.adapters.base import Adapter
from conformance.adapters.node import npm

__all__ = ["NodeAdapter", "javascript"]

_HOST = Path(__file__).with_name("host.js")


class NodeAdapter(Adapter):
    """Runs in Node; its packages are npm's."""

    language: ClassVar[str] = "javascript"
    environment: ClassVar[Mapping[str, str]] = {"MALLOC_PERTURB_": "165"}  # glibc fills fresh memory with junk

    def host_command(self) -> tuple[str, ...]:
        """Node, the host, the folder of the packages, and the packages to load."""
        names = (name.removeprefix(npm.PREFIX) for name in self.packages)
        return (npm.node() or "node", str(_HOST), str(npm.folder()), *names)


def javascript(value: Any) -> str:
    """A number, text or sequence of them as JavaScript."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(javascript, value))}]"
    return json.dumps(value)
