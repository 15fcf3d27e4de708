"""Build the source archive and the wheel into ``dist/``, and test them: ``python -m tests.distribution``.

The wheel is built from the source archive, so a file that is missing there is missing in both. It is installed
with what it depends on into an empty environment, and every command is called there, outside the checkout.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
PACKAGES = ("adapters", "cases", "conformance", "reports")
PROJECT_FILES = ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "docs/compatibility.md")

# These serve the work on the scripts of the page and are of no use in an installation.
_FOR_DEVELOPMENT = (".d.ts", ".mjs")

_CASE = "1d-i5-k3"
_EXAMPLE = f"{ROOT / 'examples' / 'numpy_backend.py'}:NumpyBackend"


def main() -> None:
    """Build, then check both files and the installation."""
    wheel, archive = build()
    check_contents(wheel=_wheel_files(wheel), archive=_archive_files(archive), tracked=_tracked())
    with tempfile.TemporaryDirectory() as folder:
        check_installed(wheel, Path(folder))
    print(f"{wheel.name} and {archive.name} hold what they should, and every command works")


def build() -> tuple[Path, Path]:
    """The wheel and the source archive, built again."""
    shutil.rmtree(DIST, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "build", "--outdir", DIST, ROOT], check=True, stdout=subprocess.DEVNULL)
    (wheel,), (archive,) = DIST.glob("*.whl"), DIST.glob("*.tar.gz")
    return wheel, archive


def check_contents(
    *, wheel: Mapping[str, bytes], archive: Mapping[str, bytes], tracked: Mapping[str, bytes]
) -> None:
    """Both hold every file of the packages, wherever it was put; the wheel holds nothing else of the checkout."""
    of_packages = {name: content for name, content in tracked.items() if name.split("/")[0] in PACKAGES}
    needed = {name: content for name, content in of_packages.items() if not name.endswith(_FOR_DEVELOPMENT)}
    for kind, files in (("wheel", wheel), ("source archive", archive)):
        contents = {_digest(content) for content in files.values()}
        missing = [name for name, content in needed.items() if _digest(content) not in contents]
        _require(not missing, f"the {kind} lacks {missing}")
    for name in PROJECT_FILES:
        _require(archive.get(name) == tracked[name], f"the source archive lacks {name}")
    known = {_digest(content) for content in of_packages.values()}
    surplus = [
        name for name, content in wheel.items() if ".dist-info/" not in name and _digest(content) not in known
    ]
    _require(not surplus, f"the wheel holds {surplus}, which no package of the checkout has")


def check_installed(wheel: Path, folder: Path) -> None:
    """Every command works in an environment that holds the wheel and what it depends on, and no framework."""
    venv.create(folder / "env", with_pip=True)
    scripts = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()

    def run(name: str, *arguments: str, code: int = 0) -> str:
        env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        done = subprocess.run(
            [scripts / name, *arguments], cwd=elsewhere, env=env, capture_output=True, text=True, check=False
        )
        output = done.stdout + done.stderr
        _require(done.returncode == code, f"{name} {' '.join(arguments)}: exit code {done.returncode}\n{output}")
        return output

    run("python", "-m", "pip", "install", "--quiet", str(wheel))
    run("python", "-m", "pip", "check")
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    _require(version in run("conformance", "--version"), f"the command does not print version {version}")
    commands = re.findall(r"^  ([a-z]+)  ", run("conformance", "--help").partition("Commands:")[2], re.MULTILINE)
    _require("check" in commands, "the help lists no commands")
    for command in commands:
        _require("Usage:" in run("conformance", command, "--help"), f"{command} --help shows no usage")
    run("python", "-m", "conformance", "--help")
    run("python", "-c", "from conformance import Case, check, oracle")
    run("conformance", "cases", "--stats")
    for command in (("check", _CASE), ("run", "--tier", "smoke")):
        printed = run("conformance", *command, code=2)
        _require("Traceback" not in printed and "installed" in printed, f"without a framework:\n{printed}")
    run("conformance", "run", "--adapter", _EXAMPLE, "--where", "rank = 1", "-n", "0", "--out", "run")
    _require((elsewhere / "run" / "report" / "index.html").is_file(), "the run wrote no report")


def _tracked() -> dict[str, bytes]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {name: (ROOT / name).read_bytes() for name in names.split("\0") if (ROOT / name).is_file()}


def _wheel_files(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}


def _archive_files(path: Path) -> dict[str, bytes]:
    """Files by their names below the archive's one folder."""
    with tarfile.open(path) as archive:
        files = ((member.name.partition("/")[2], archive.extractfile(member)) for member in archive)
        return {name: file.read() for name, file in files if file is not None}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _require(holds: bool, complaint: str) -> None:
    if not holds:
        raise SystemExit(complaint)


if __name__ == "__main__":
    main()
