"""Imports go one way: between the folders, between the rooms of ``conformance``, and without a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "conformance"
FOLDERS = ("adapters", "cases", "reports")

# Each room imports from those before it only.
ROOMS = (
    "oracle", "calls", "diagnosis", "conditions", "execution", "triage", "porting", "reporting", "cluster",
    "suite", "runner", "plugin", "contract", "cli", "__main__",
)  # fmt: skip
ALLOWED = {
    "cases": {"cases"},
    "adapters": {"adapters", "cases"},
    "reports": {"reports", "cases"},
    "calls": {"calls", "cases"},
    **{room: {*FOLDERS, *ROOMS[: place + 1]} for place, room in enumerate(ROOMS) if room != "calls"},
}
ALLOWED["runner"] -= {"cluster"}


@cache
def modules() -> dict[str, Path]:
    folders = [PACKAGE, *(PACKAGE / name for name in FOLDERS)]
    paths = {path for folder in folders for path in folder.rglob("*.py")}
    return {".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path for path in paths}


def imported(tree: ast.AST) -> Iterator[str]:
    """What a module imports when it runs, anywhere in it; imports for types alone are left out."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                yield module if module in modules() or f"{module}.__init__" in modules() else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        yield from imported(node)


@cache
def graph() -> dict[str, set[str]]:
    found = {}
    for name, path in modules().items():
        names = set(imported(ast.parse(path.read_text(encoding="utf-8"))))
        found[name] = {n if n in modules() else f"{n}.__init__" for n in names if n.split(".")[0] == "conformance"}
    return found


def room(module: str) -> str:
    return module.split(".")[1]


def test_rooms_import_from_the_rooms_below() -> None:
    wrong = [
        f"{module} imports {other}"
        for module, others in graph().items()
        for other in others
        if room(module) != "__init__" and room(other) not in {*ALLOWED[room(module)], "__init__"}
    ]
    assert not wrong


def test_no_circle() -> None:
    assert list(
        TopologicalSorter({module: others - {module} for module, others in graph().items()}).static_order()
    )


@pytest.mark.parametrize("name", FOLDERS)
def test_the_folders_are_imported_as_parts_of_the_package(name: str) -> None:
    folders = [PACKAGE.parent / top for top in (*FOLDERS, "conformance", "tests", "benchmarks")]
    for path in (path for folder in folders for path in folder.rglob("*.py")):
        for module in imported(ast.parse(path.read_text(encoding="utf-8"))):
            assert module.split(".")[0] != name, path


def test_test_modules_import_no_test_module() -> None:
    """What several of them share is in tests/support or in a conftest.py."""
    for path in (PACKAGE.parent / "tests").rglob("*.py"):
        shared = [
            module
            for module in imported(ast.parse(path.read_text(encoding="utf-8")))
            if module.startswith("tests.") and any(part.startswith("test_") for part in module.split("."))
        ]
        assert not shared, path


def test_the_rooms_can_be_counted() -> None:
    rooms = {room(module) for module in modules()} - set(FOLDERS)
    assert len(rooms) <= 16
    assert rooms == {*ROOMS, "__init__"}
