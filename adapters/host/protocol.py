"""Messages between the runner and an adapter's process: a JSON header and raw array bytes.

No pickles: a process that runs foreign code sends data, which is checked before it is used. Every array is
C-ordered, little-endian, in a dtype that NumPy has had since 1.24.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

__all__ = ["STDERR_MARKER", "WireError", "pack", "unpack"]

MAGIC = b"CTC1"
# Written to standard error before each reply, to separate what is printed for each request.
STDERR_MARKER = b"\0-- next message --\0\n"
_HEAD = struct.Struct("<4sIQ")
_MAX_HEADER = 16 * 2**20
_KINDS = frozenset("biufc")
_DTYPE = re.compile(r"[<|][biufc][0-9]{1,2}")  # NumPy itself accepts far more
Message = dict[str, Any]


class WireError(Exception):
    """Bytes that are not a message."""


def pack(message: Message, arrays: Mapping[str, np.ndarray] | None = None) -> bytes:
    """Turn a message and its arrays into bytes."""
    bodies, table = [], []
    for name, array in (arrays or {}).items():
        array = np.asarray(array)
        if array.dtype.kind not in _KINDS:
            raise WireError(f"array {name} has dtype {array.dtype}, which is not a numeric dtype")
        array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).reshape(array.shape)
        table.append([name, array.dtype.str, list(array.shape)])
        bodies.append(array.tobytes())
    header = json.dumps({**message, "arrays": table}).encode()
    body = b"".join(bodies)
    return _HEAD.pack(MAGIC, len(header), len(body)) + header + body


def unpack(read: Callable[[int], bytes]) -> tuple[Message, dict[str, np.ndarray]]:
    """Read one message; ``read(n)`` returns exactly n bytes or raises.

    Raises
    ------
    WireError
        The bytes are not a message of this protocol.
    """
    magic, header_size, body_size = _HEAD.unpack(read(_HEAD.size))
    if magic != MAGIC or header_size > _MAX_HEADER:
        raise WireError("the bytes are not a message")
    try:
        message = json.loads(read(header_size))
        table = message.pop("arrays")
        body = read(body_size)
        arrays, offset = {}, 0
        for name, dtype_text, shape in table:
            if not _DTYPE.fullmatch(dtype_text) or any(size < 0 for size in shape):
                raise WireError(f"array {name} is not an array of numbers")
            dtype = np.dtype(dtype_text)
            count = math.prod(shape)
            arrays[name] = np.frombuffer(body, dtype, count, offset).reshape(shape)
            offset += count * dtype.itemsize
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise WireError(f"a malformed message: {error}") from error
    if offset != body_size:
        raise WireError("a message of the wrong length")
    return message, arrays
