"""Random damage to good input, from a seed."""

from __future__ import annotations

import random

import numpy as np

_TOKENS = (
    *"'\"\\\0\n;(){}=-mx.\r\x7f\u0661\ud800\U0001f600\u202e", "--", "/*", "[[", "]]", "1e999", "nan",
    "9" * 20, "-1", "0x10", "<script>", "../", "%s", "{0}", "__import__('os').system('touch /tmp/pwned')",
    "case_id", "select", "null",
)  # fmt: skip


def text(chance: random.Random, good: str, times: int = 3) -> str:
    """A text with a few characters or tokens replaced, inserted, removed, doubled or swapped."""
    letters = list(good)
    for _ in range(chance.randint(1, times)):
        place = chance.randrange(len(letters) + 1)
        until = min(len(letters), place + chance.choice([0, 0, 1, 1, 2, 8]))
        new = chance.choice(
            [
                [chance.choice(_TOKENS)],
                [chr(chance.randrange(0x20, 0x7F))],
                [],
                letters[place:until] * 2,
                ["9" * 25],
            ]
        )
        letters[place:until] = new
    return "".join(letters)


def data(chance: random.Random, good: bytes) -> bytes:
    """Bytes with some flipped, cut off, zeroed or repeated."""
    found = bytearray(good)
    for _ in range(chance.randint(1, 4)):
        if not found:
            break
        place = chance.randrange(len(found))
        kind = chance.randrange(4)
        if kind == 0:
            found[place] ^= 1 << chance.randrange(8)
        elif kind == 1:
            found[place : place + chance.randrange(64)] = bytes(chance.randrange(64))
        elif kind == 2:
            found[place:place] = found[: chance.randrange(64)]
        elif chance.random() < 0.2:
            del found[place:]
    return bytes(found)


def value(chance: random.Random) -> object:
    """Anything that a column of a database can hold."""
    return chance.choice(
        [None, 0, -1, 2**63 - 1, 1.5, float("inf"), "", "x", "3x", "{}", "[1]", '"', "pass", "fail", "0",
         b"\x00\xff", "<b>", "9" * 5000, "[" * 3000, "1x2x3", "1d-i5-k3", '{"transform": 3}', "nan", "\ud7ff"]
    )  # fmt: skip


def array(chance: random.Random, good: np.ndarray) -> np.ndarray:
    """An output that an adapter should not give, or gives in an unusual form."""
    odd = [
        lambda a: a[::-1],
        lambda a: np.asfortranarray(a),
        lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
        lambda a: a.astype(">f8"),
        lambda a: a.astype(object),
        lambda a: a.astype(complex),
        lambda a: a.astype(bool),
        lambda a: a.astype("S8"),
        lambda a: a.astype([("f", "f4")]),
        lambda a: a.astype("datetime64[s]"),
        lambda a: np.full_like(a, np.nan),
        lambda a: np.full_like(a, chance.choice([np.inf, -np.inf, 1e300, 5e-324])),
        lambda a: a.reshape(-1),
        lambda a: a[None],
        lambda a: a[..., :0],
        lambda a: np.float64(3),
        lambda a: np.broadcast_to(a.ravel()[:1], a.shape) if a.size else a,
        lambda a: np.lib.stride_tricks.as_strided(a, a.shape, [0] * a.ndim) if a.size else a,
        lambda a: np.ma.masked_array(a),
        lambda a: a.astype(chance.choice(["f2", "f4", "f8", "i1", "u8", "c8"])),
        lambda a: a + chance.choice([0, 1e-7, 1]),
        lambda a: np.zeros((0, 2**40)),
    ]
    with np.errstate(all="ignore"):
        return chance.choice(odd)(good.astype(np.float64))
