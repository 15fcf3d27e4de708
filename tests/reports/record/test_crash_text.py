"""The framework's own last line is found among stacks and logs."""

from __future__ import annotations

import pytest

from conformance.reports.record.crash_text import last_line, own_lines

FAULTHANDLER = """Fatal Python error: Aborted

Thread 0x00007f25a973f6c0 (most recent call first):
  File "/suite/adapters/host.py", line 239 in read

Extension modules: numpy._core._multiarray_umath (total: 12)"""

XLA = f"""SIGABRT
F1130 06:12:19.584315   21029 algebraic_simplifier.cc:586] Check failed: computation->Accept(this) is OK \
(INVALID_ARGUMENT: Window dimensions do not match RHS shape:
\tRHS shape: f32[1,2,3,1]
\tWindow: {{goo.gle/debugproto    dimensions {{ size: 2 }}}}.)
*** Check failure stack trace: ***
    @     0x7f25b1440634  absl::lts_20260107::log_internal::LogMessage::SendToLog()
    @     0x7f25c6ca71f5  (unknown)
{FAULTHANDLER}"""


@pytest.mark.parametrize(
    ("detail", "line"),
    [
        (
            XLA,
            "algebraic_simplifier.cc:586] Check failed: computation->Accept(this) is OK (INVALID_ARGUMENT: Window "
            "dimensions do not match RHS shape:",
        ),
        (
            "SIGABRT\n2026-11-30 06:12:19.584315: W tensorflow/core/a.cc:1] slow\n2026-11-30 06:12:19.584315: F "
            "tensorflow/core/kernels/conv_2d.h:44] Check failed: size >= 0 (-1 vs. 0)\n"
            f"{FAULTHANDLER}",
            "tensorflow/core/kernels/conv_2d.h:44] Check failed: size >= 0 (-1 vs. 0)",
        ),
        (f"SIGABRT\nfree(): invalid next size (fast)\n{FAULTHANDLER}", "free(): invalid next size (fast)"),
        (f"SIGABRT\nmalloc(): corrupted top size\n{FAULTHANDLER}", "malloc(): corrupted top size"),
        (
            "SIGABRT\nterminate called after throwing an instance of 'std::out_of_range'\n  what():  vector::at\n"
            f"{FAULTHANDLER}",
            "what():  vector::at",
        ),
        (
            f"SIGABRT\npython: a.cpp:12: void f(): Assertion `n > 0' failed.\nsome more\n{FAULTHANDLER}",
            "python: a.cpp:12: void f(): Assertion `n > 0' failed.",
        ),
        ("SIGABRT\nthe last line", "the last line"),
        (f"SIGSEGV\n{FAULTHANDLER}", ""),
        (f"SIGSEGV\nI1130 06:12:19.584315 21029 a.cc:5] compiling\n{FAULTHANDLER}", ""),
        ("exit status 7", ""),
        ("", ""),
    ],
)
def test_the_last_line_says_why(detail: str, line: str) -> None:
    assert last_line(detail) == line


def test_the_same_crash_has_the_same_line_at_a_different_time() -> None:
    later = XLA.replace("F1130 06:12:19.584315   21029", "F1201 23:00:00.000001     7")
    assert later != XLA
    assert last_line(later) == last_line(XLA)


def test_the_frameworks_lines_are_kept_without_stacks() -> None:
    assert own_lines(XLA)[1:] == [
        "\tRHS shape: f32[1,2,3,1]",
        "\tWindow: {goo.gle/debugproto    dimensions { size: 2 }}.)",
    ]
