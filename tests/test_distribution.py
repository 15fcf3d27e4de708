"""What the check of the built files notices."""

from __future__ import annotations

import pytest

from tests.distribution import PROJECT_FILES, check_contents

PROJECT = {name: name.encode() for name in PROJECT_FILES}
PACKAGES = {
    "cases/case.py": b"case",
    "reports/html/assets/style.css": b"style",
    "reports/html/vendor/d3.mjs": b"d3",
}
TRACKED = {**PROJECT, **PACKAGES, "tests/test_case.py": b"test"}
ARCHIVE = {**PROJECT, **PACKAGES}
WHEEL = {"cases/case.py": b"case", "reports/html/assets/style.css": b"style", "x-1.dist-info/METADATA": b"x"}


def without(files: dict[str, bytes], name: str) -> dict[str, bytes]:
    return {key: content for key, content in files.items() if key != name}


def test_complete_files_pass_wherever_a_file_was_put() -> None:
    check_contents(wheel=WHEEL, archive=ARCHIVE, tracked=TRACKED)
    moved = {f"conformance/{name}": content for name, content in WHEEL.items()}
    check_contents(wheel=moved, archive=ARCHIVE, tracked=TRACKED)


@pytest.mark.parametrize(
    ("wheel", "archive", "complaint"),
    [
        (without(WHEEL, "reports/html/assets/style.css"), ARCHIVE, "the wheel lacks"),
        ({**WHEEL, "cases/case.py": b"older"}, ARCHIVE, "the wheel lacks"),
        ({**WHEEL, "tests/test_case.py": b"test"}, ARCHIVE, "the wheel holds"),
        (WHEEL, without(ARCHIVE, "cases/case.py"), "the source archive lacks"),
        (WHEEL, without(ARCHIVE, "CHANGELOG.md"), "the source archive lacks"),
    ],
)
def test_a_missing_or_surplus_file_is_named(
    wheel: dict[str, bytes], archive: dict[str, bytes], complaint: str
) -> None:
    with pytest.raises(SystemExit, match=complaint):
        check_contents(wheel=wheel, archive=archive, tracked=TRACKED)
