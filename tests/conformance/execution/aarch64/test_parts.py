"""The parts of the aarch64 build that need neither a network nor QEMU."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.execution.aarch64 import BuildError, build, commands, debian, interpreter, machine, packages

# Linux on a Neoverse N1 r4p1: AT_HWCAP as QEMU 7.2 gives it, and MIDR_EL1.
NEOVERSE_N1 = machine.Machine(
    cpu="neoverse-n1", architecture="aarch64", python=(3, 11), hwcap=0x119FFB, hwcap2=0, midr=0x414FD0C1
)


def test_features_are_named_by_their_bits() -> None:
    names = machine.features(NEOVERSE_N1)
    assert names == [
        "fp", "asimd", "aes", "pmull", "sha1", "sha2", "crc32", "atomics", "fphp", "asimdhp", "cpuid", "asimdrdm",
        "lrcpc", "dcpop", "asimddp",
    ]  # fmt: skip
    with_more = machine.Machine("max", "aarch64", (3, 11), hwcap=1 << 22, hwcap2=1 << 14 | 1, midr=0)
    assert machine.features(with_more) == ["sve", "dcpodp", "bf16"]


def test_every_processor_is_described_as_linux_does_and_as_emulated() -> None:
    blocks = machine.cpuinfo(NEOVERSE_N1, 3).strip().split("\n\n")
    assert [block.split("\n")[0] for block in blocks] == [f"processor\t: {number}" for number in range(3)]
    for block in blocks:
        lines = dict(line.split("\t: ") for line in block.split("\n"))
        # Arm's Neoverse N1 Technical Reference Manual: implementer 0x41, part 0xD0C.
        assert (lines["CPU implementer"], lines["CPU part"]) == ("0x41", "0xd0c")
        assert (lines["CPU variant"], lines["CPU revision"]) == ("0x4", "1")
        assert "asimd" in lines["Features"].split()
        assert lines["model name"] == "neoverse-n1, emulated by QEMU"


@pytest.mark.parametrize(("count", "listed"), [(1, "0\n"), (4, "0-3\n")])
def test_the_description_lies_below_the_root(tmp_path: Path, count: int, listed: str) -> None:
    machine.write(tmp_path, NEOVERSE_N1, count)
    for name in ("possible", "present", "online"):
        assert (tmp_path / "sys/devices/system/cpu" / name).read_text(encoding="ascii") == listed
    assert (tmp_path / "proc/cpuinfo").read_text(encoding="ascii").count("processor") == count


def test_an_interpreter_passes_its_arguments_on_as_they_are(tmp_path: Path) -> None:
    shown = ["-c", "import sys; print(sys.argv[1:])", "two words", "$HOME", "it's"]
    folder = tmp_path / "a folder's name"
    folder.mkdir()
    python = interpreter.write(folder, [sys.executable], tmp_path / "root", (3, 11))
    done = subprocess.run([str(python), *shown], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(shown[2:])
    assert (folder / "lib/python3.11/site-packages").is_dir()
    assert f"home = {tmp_path / 'root/usr/bin'}\n" in (folder / "pyvenv.cfg").read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("apt-config") is None, reason="not installed: apt")
def test_the_private_apt_keeps_to_its_folder(tmp_path: Path) -> None:
    settings = tmp_path / "apt.conf"
    settings.write_text(debian.configuration(tmp_path), encoding="utf-8")
    done = subprocess.run(["apt-config", "-c", str(settings), "dump"], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith("APT::Architectures::")] == ['APT::Architectures:: "arm64";']
    assert 'APT::Architecture "arm64";' in lines
    for name in ("State", "State::lists", "State::status", "Cache", "Cache::archives", "Log"):
        (value,) = [line for line in lines if line.startswith(f"Dir::{name} ")]
        assert f'"{tmp_path}' in value
    hooks = [line for line in lines if line.startswith("APT::Update::") and not line.endswith(' "";')]
    assert hooks == []


def test_other_sources_take_the_place_of_the_systems(tmp_path: Path) -> None:
    text = debian.configuration(tmp_path, tmp_path / "ports.sources")
    assert f'Dir::Etc::sourcelist "{tmp_path}/ports.sources";' in text
    assert "Dir::Etc::source" not in debian.configuration(tmp_path)


def test_packages_come_in_the_versions_that_are_here() -> None:
    declared = [
        "numpy>=1.26",
        "pytest>=8; extra == 'a'",
        "not-installed-anywhere>=2; extra == 'a'",
        "onnx>=1; extra == 'b'",
    ]
    wanted = packages.requirements(["a"], declared=declared)
    assert wanted == ["not-installed-anywhere>=2", f"pytest=={pytest.__version__}"]
    with pytest.raises(BuildError, match="no extra 'c'"):
        packages.requirements(["c"], declared=declared)


def test_what_is_missing_is_said_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match="apt-get install qemu-user-static"):
        build(tmp_path / "into", requirements=[])
    with pytest.raises(BuildError, match="apt-get is not on PATH"):
        debian.unpack(tmp_path / "root", tmp_path / "apt")
    assert not (tmp_path / "root").exists()


def test_the_command_says_it_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "conformance.execution.aarch64",
            "--into",
            str(tmp_path / "into"),
            "--extra",
            "onnx",
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: neither qemu-aarch64-static")


def test_a_failing_command_is_one_line_that_says_why() -> None:
    said = "Reading package lists...\nE: Unable to locate package python3\nE: a consequence\nW: something else\n"
    assert commands.last_error(said) == "E: Unable to locate package python3"
    assert commands.last_error("qemu: no such CPU\n\n") == "qemu: no such CPU"
    with pytest.raises(BuildError, match=r"^it cannot be done: E: reason$"):
        commands.run(["sh", "-c", "echo E: reason >&2; echo later >&2; exit 100"], purpose="it cannot be done")
    with pytest.raises(BuildError, match=r"^it cannot be done: /no/such cannot be started"):
        commands.run(["/no/such"], purpose="it cannot be done")


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="not installed: apt")
def test_sources_without_arm64_leave_no_root_behind(tmp_path: Path) -> None:
    empty = tmp_path / "none.list"
    empty.touch()
    with pytest.raises(BuildError, match=r"--sources\): E: .*python3"):
        debian.unpack(tmp_path / "root", tmp_path / "apt", empty)
    assert not (tmp_path / "root").exists()
