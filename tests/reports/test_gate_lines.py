"""The gate on a terminal: short lines, whole words, the cause and the command that explains it."""

from __future__ import annotations

import shlex

from conformance.cases import Case
from conformance.reports.formats.gate_lines import WIDTH, shell_lines, terminal_lines
from conformance.reports.gate.text import Line, Summary

LONG = str(
    Case.parse("3d-n2-c64x128-i5x7x11-k3x3x3-s2x2x2-d1x2x1-g2-p0.1x2.1x0.0-op1x1x1-cl-bf16-b1-normal.10-grad")
)


def summary(**more: str) -> Summary:
    return Summary(**{
        "name": "finding 6f6a808d", "counted": "mlx 15 cases: 8 rejected, 7 shape (9 f32, 6 bf16)",
        "cause": " ".join(["the crop beyond the effective kernel"] * 12), "adapter": "mlx", "smallest": LONG,
        **more,
    })  # fmt: skip


def test_a_finding_has_name_counts_cause_case_and_command() -> None:
    printed = terminal_lines(Line("new", "", True, summary()))
    assert max(map(len, printed)) <= WIDTH
    assert printed[0] == "  new: mlx 15 cases: 8 rejected, 7 shape (9 f32, 6 bf16), finding 6f6a808d"
    words = " ".join(line.strip().removesuffix(" \\") for line in printed)
    assert f"smallest case {LONG} conformance explain {LONG} --adapter mlx" in words
    assert {word for line in printed[1:] for word in line.split()} <= {
        *summary().cause.split(), "…", "smallest", "case", *summary().command, "\\",
    }  # fmt: skip


def test_a_known_one_has_its_reason_in_one_line_and_a_whole_link() -> None:
    link = "https://example.org/" + "x" * 200
    printed = terminal_lines(Line("known", "", False, summary(link=link, smallest="1d-i5-k3")))
    assert printed[1].endswith(" …")
    assert len(printed[1]) <= WIDTH
    assert printed[2:] == [f"    {link}", "    conformance explain 1d-i5-k3 --adapter mlx"]


def test_other_lines_are_wrapped_between_words() -> None:
    text = " ".join(f"word{number}" for number in range(60))
    printed = terminal_lines(Line("drift", text, True))
    assert len(printed) > 1
    assert max(map(len, printed)) <= WIDTH
    assert " ".join(line.strip() for line in printed) == f"drift: {text}"


def test_a_long_command_is_one_command_for_a_shell() -> None:
    words = ("conformance", "explain", LONG, "--adapter", "folder with blanks/adapters.py:Adapter~one-thread")
    printed = shell_lines(words)
    assert len(printed) > 1
    assert tuple(shlex.split("\n".join(printed).replace("\\\n", " "))) == words
