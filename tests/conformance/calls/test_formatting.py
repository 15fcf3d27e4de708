"""Lines filled and broken for people are the same program."""

from __future__ import annotations

import ast

import pytest

from conformance.calls.formatting import tidy

LONG = (
    "y = keras.ops.conv_transpose(x, keras.ops.transpose(w, (2, 3, 1, 0)), strides=(17, 2), padding='same', "
    "data_format='channels_last', dilation_rate=(1, 1)) + keras.ops.reshape(bias, (-1,))"
)


@pytest.mark.parametrize(
    "line",
    [
        LONG,
        f"    {LONG}",
        f"a, b, c = np.array({[list(range(100, 120))] * 3}), 1, 2",
        'print("what is said, and said, and said again, and again", x, "and, once more, and", y, "to, the, end")',
        f"far = {{{', '.join(f'(0, {n}, 2): (-1.199813336133957, 0.09462)' for n in range(4))}}}",
    ],
)
def test_a_long_line_is_broken_and_says_the_same(line: str) -> None:
    program = f"if True:\n{line}" if line.startswith(" ") else line
    broken = tidy([program])
    assert max(map(len, broken)) <= 110
    assert ast.dump(ast.parse("\n".join(broken))) == ast.dump(ast.parse(program))


def test_a_call_with_an_argument_a_line_is_filled() -> None:
    lines = ["y = f(", "    x,", "    stride=(2,),", ")", "z = y"]
    assert tidy(lines) == ["y = f(", "    x, stride=(2,),", ")", "z = y"]


def test_what_cannot_be_broken_is_left() -> None:
    for line in (f"a = 1  # {'why, ' * 40}", f"{', '.join(f'name{n}' for n in range(20))} = values"):
        assert tidy([line]) == [line]
