"""What of a text is code: statements stay, and everything between them is left out, by line."""

from __future__ import annotations

import pytest

from conformance.calls import CallError, parse_call
from conformance.calls.cleaning import calls_in, clean
from conformance.calls.source import readings
from conformance.calls.stated_shapes import shapes_by_name, stated_shapes

LAYER = "m = nn.ConvTranspose2d(2, 3, 2)"


@pytest.mark.parametrize(
    ("text", "left_out"),
    [
        ("x = 1\ny = (2,\n     3)", []),
        ("Isn't it odd?\nx = 1", [0]),
        ("def f(x):\n    return x\n    -> it fails here\nf(1)", [2]),
        ("if a:\n    b\nelse:\n    c (see below\n", [3]),
        ("try:\n    f(x)\nIt raised an error", [2]),
        ("text = '''it's\n  not prose'''", []),
    ],
)
def test_only_lines_that_are_not_python_are_left_out(text: str, left_out: list[int]) -> None:
    assert clean(text.split("\n")).left_out == left_out


def test_calls_in_prose_are_found_and_other_calls_are_not() -> None:
    text = "I call nn.ConvTranspose2d(3,\n 4, 2)(x), then y = Conv2DTranspose(3) and nn.Conv2d(3, 4, 2) (see below"
    assert [source for _, source in calls_in(text)] == [
        "(nn.ConvTranspose2d(3,  4, 2)(x))", "y = (Conv2DTranspose(3))",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        f"Look:\n```python\n{LAYER}\n```\nand the log\n```\nnn.ConvTranspose2d(9, 9, 9) failed (\n```",
        f"It's this:\n\n    {LAYER}\n\nThanks (all",
        f"> {LAYER}".replace("> ", ">>> "),
        f"@@ -1,2 +1,2 @@\n-m = nn.ConvTranspose2d(1, 1, 1)\n+{LAYER}",
        f"---> 12 {LAYER}\n     13 print(m(x",
        f'File "train.py", line 3, in <module>\n    {LAYER}\nRuntimeError: no',
        f"I use `{LAYER}` (on the GPU.",
        f'code = "{LAYER}"\nexec(code)',
    ],
)
def test_a_layer_is_read_wherever_it_stands(text: str) -> None:
    case = parse_call(text).case
    assert (case.in_channels, case.out_channels, case.kernel_size) == (2, 3, (2, 2))


def test_a_note_lists_the_lines_that_are_left_out() -> None:
    first = next(iter(readings(f"a b\nc d\n{LAYER}\ne f")))
    assert first.notes == ("left out, since not Python: lines 1-2, 4 of the text",)


def test_a_broken_call_is_not_dropped_silently() -> None:
    with pytest.raises(CallError, match="is not a Python call"):
        parse_call("x = torch.rand(1, 2, 3, 4)\nnn.ConvTranspose2d(2, 3, 2")


@pytest.mark.parametrize(
    ("prose", "size"),
    [
        ("the input has shape (1, 2, 6, 8)", (6, 8)),
        ("x is torch.Size([4, 2, 6, 8])", (6, 8)),
        ("the weights have shape (2, 2, 6, 8)", None),  # not an input
        ("the input has shape (1, 7, 6, 8)", None),  # other channels
        ("either (1, 2, 6, 8) or (1, 2, 9, 9)", None),
        ("either (1, 2, 6, 8) or (1, 2, 9, 9) gave (1, 3, 7, 9)", (6, 8)),  # the output of the first
    ],
)
def test_a_shape_in_prose_is_the_input_if_nothing_contradicts(prose: str, size: tuple[int, ...] | None) -> None:
    read = parse_call(f"{prose} (\n{LAYER}")
    assert read.case.input_size == (size or (5, 7))
    assert any("a shape in the text" in note for note in read.notes) is (size is not None)


def test_a_shape_in_a_call_is_not_one_in_prose() -> None:
    assert stated_shapes("y = f((1, 2, 3, 4)) + g(1, 2, 3, 4)") == ()
    assert shapes_by_name("w.shape: (2, 3, 4, 4); print(x.size())  # torch.Size([1, 2, 8, 8])") == {
        "w": (2, 3, 4, 4), "x": (1, 2, 8, 8),
    }  # fmt: skip
