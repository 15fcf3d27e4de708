"""How an adapter runs its programs: compiled once for those in the same words, and with their own lines."""

from __future__ import annotations

import pytest

from conformance.adapters.base import Program
from tests.support.adapters.right import Zeros

ADD = Program((), ("y = x + 1",))
TWICE = Program((), ("y = x * 2",))
DEFINES = Program((), ("def f(a):", "    return a + 1", "y = f(x)"))


@pytest.fixture
def adapter() -> Zeros:
    return Zeros()


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    sources: list[str] = []

    def note(source: str, *arguments: str) -> object:
        sources.append(source)
        return compile(source, *arguments)

    monkeypatch.setattr("conformance.adapters.base.compile", note, raising=False)
    return sources


def test_the_same_words_are_compiled_once(adapter: Zeros, compiled: list[str]) -> None:
    for program in (ADD, TWICE, ADD, TWICE):
        namespace: dict[str, int] = {"x": 5}
        exec(adapter._compiled(program), namespace)
        assert namespace["y"] == (6 if program is ADD else 10)
    assert compiled == ["y = x + 1", "y = x * 2"]


def test_a_program_with_functions_is_compiled_each_time(adapter: Zeros, compiled: list[str]) -> None:
    assert adapter._compiled(DEFINES) is not adapter._compiled(DEFINES)
    assert len(compiled) == 2


def test_what_is_kept_does_not_grow_without_end(adapter: Zeros) -> None:
    for number in range(1000):
        adapter._compiled(Program((), (f"y = {number}",)))
    assert 0 < len(adapter._codes) < 500
