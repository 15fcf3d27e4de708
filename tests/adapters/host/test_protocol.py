"""The messages between the runner and an adapter's process."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from conformance.adapters.host.protocol import WireError, pack, unpack

DTYPES = ["<f8", "<f4", "<f2", "<c8", "<c16", "<i8", "|u1", "|b1"]
ARRAYS = st.sampled_from(DTYPES).flatmap(
    lambda dtype: hnp.arrays(np.dtype(dtype), hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4))
)
MESSAGES = st.dictionaries(
    st.text(max_size=8).filter(lambda key: key != "arrays"),
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    max_size=4,
)


def read(data: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    stream = io.BytesIO(data)

    def exactly(count: int) -> bytes:
        found = stream.read(count)
        if len(found) < count:
            raise EOFError
        return found

    result = unpack(exactly)
    assert not stream.read(), "a message is read to its end"
    return result


@given(MESSAGES, st.dictionaries(st.text(max_size=6), ARRAYS, max_size=4))
def test_what_is_packed_is_unpacked(message: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    found, tensors = read(pack(message, arrays))
    assert found == message
    assert tensors.keys() == arrays.keys()
    for name, array in arrays.items():
        assert tensors[name].dtype == array.dtype
        assert tensors[name].shape == array.shape
        assert tensors[name].tobytes() == array.tobytes()


@given(ARRAYS.filter(lambda array: array.ndim >= 2))
def test_strides_and_byte_order_do_not_cross(array: np.ndarray) -> None:
    sent = array.T.astype(array.dtype.newbyteorder(">"))[::-1]
    _, tensors = read(pack({}, {"a": sent}))
    np.testing.assert_array_equal(tensors["a"], sent)
    assert tensors["a"].dtype.byteorder in "<|="


@given(st.binary(max_size=300))
def test_bytes_that_are_not_a_message_are_refused(data: bytes) -> None:
    with pytest.raises((WireError, EOFError)):
        read(data)


@given(st.data())
def test_a_damaged_message_is_refused_or_harmless(data: st.DataObject) -> None:
    """Whatever one byte becomes, nothing but numbers in the sizes announced comes out, or an error."""
    packed = bytearray(pack({"reply": "answer"}, {"y": np.arange(6, dtype=np.float32).reshape(2, 3)}))
    place = data.draw(st.integers(16, len(packed) - 1))
    packed[place] = data.draw(st.integers(0, 255))
    try:
        _, arrays = read(bytes(packed))
    except (WireError, EOFError):
        return
    assert all(array.dtype.kind in "biufc" and array.nbytes <= 24 for array in arrays.values())


def _header(text: bytes, body: bytes = b"") -> bytes:
    return struct.pack("<4sIQ", b"CTC1", len(text), len(body)) + text + body


@pytest.mark.parametrize(
    "header",
    [
        b"[]",
        b"null",
        b"{}",
        b'{"arrays": 1}',
        b'{"arrays": [["y", "O", [1]]]}',
        b'{"arrays": [["y", "V8", [1]]]}',
        b'{"arrays": [["y", "<f4", [-1]]]}',
        b'{"arrays": [["y", "<f4", [99999999999999]]]}',
        b'{"arrays": [["y", "<f4", ["a"]]]}',
        b'{"arrays": [["y", "nonsense", [1]]]}',
        b'{"arrays": [["y", "<f4"]]}',
        b'{"arrays": []',
        b"\xff\xfe",
    ],
)
def test_hostile_headers_are_refused(header: bytes) -> None:
    with pytest.raises(WireError):
        read(_header(header, b"\0" * 8))


def test_objects_are_not_sent() -> None:
    with pytest.raises(WireError, match="not a numeric dtype"):
        pack({}, {"y": np.array([object()])})
