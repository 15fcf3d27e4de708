"""The program of a case as the client receives it."""

from __future__ import annotations

from pathlib import Path

from conformance.adapters.host.client import AdapterProcess, Reply
from conformance.adapters.registry import resolve
from conformance.cases import Case
from conformance.cases.program import Program

CASE = Case.parse("1d-i3-k2")
ADAPTERS = '''
from conformance.adapters.base import Adapter, Declined, Program

class Spaced(Adapter):
    """Its setup holds a blank line, and an entry of two lines."""

    packages = ("numpy",)

    def program(self, case):
        return Program(("import os", "", "if os.sep:\\n    import sys"), ("y = x",))

class Declines(Adapter):
    """Has no call."""

    packages = ("numpy",)

    def program(self, case):
        raise Declined("inexpressible", "there is no such call", "manual")
'''


def program(folder: Path, name: str) -> Program | Reply:
    path = folder / "spaced.py"
    path.write_text(ADAPTERS, encoding="utf-8")
    with AdapterProcess(resolve(f"{path}:{name}")) as host:
        return host.program(CASE)


def test_both_parts_arrive_as_they_are(tmp_path: Path) -> None:
    lines = ("import os", "", "if os.sep:", "    import sys")
    assert program(tmp_path, "Spaced") == Program(lines, ("y = x",))


def test_a_reply_says_why_there_is_no_program(tmp_path: Path) -> None:
    reply = program(tmp_path, "Declines")
    assert isinstance(reply, Reply)
    assert (reply.kind, reply.detail, reply.source) == ("inexpressible", "there is no such call", "manual")
