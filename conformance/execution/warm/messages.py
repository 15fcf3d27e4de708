"""Messages between a command and the server: JSON, and the descriptors of a process beside it."""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Iterable
from typing import Any

__all__ = ["close_all", "peer_is_own_user", "receive", "send"]

_HEAD = struct.Struct("<I")
_MOST_BYTES = 16 << 20
_MOST_DESCRIPTORS = 3
_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid


def send(connection: socket.socket, message: dict[str, Any], descriptors: Iterable[int] = ()) -> None:
    """Send a message and copies of descriptors."""
    body = json.dumps(message).encode()
    socket.send_fds(connection, [_HEAD.pack(len(body))], list(descriptors))
    connection.sendall(body)


def receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """A message and its descriptors, which the caller owns.

    Raises
    ------
    OSError, ValueError
        The connection ends before the message does, or the bytes are not a message.
    """
    head, descriptors, _, _ = socket.recv_fds(connection, _HEAD.size, _MOST_DESCRIPTORS)
    try:
        if len(head) != _HEAD.size or (size := _HEAD.unpack(head)[0]) > _MOST_BYTES:
            raise ValueError("the bytes are not a message")
        with connection.makefile("rb") as stream:
            body = stream.read(size)
        message = json.loads(body)
        if not isinstance(message, dict):
            raise ValueError("the message is not an object")
    except BaseException:
        close_all(descriptors)
        raise
    return message, descriptors


def close_all(descriptors: Iterable[int]) -> None:
    """Close descriptors."""
    for descriptor in descriptors:
        os.close(descriptor)


def peer_is_own_user(connection: socket.socket) -> bool:
    """Whether the process at the other end belongs to the user of this one."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return bool(_CREDENTIALS.unpack(credentials)[1] == os.getuid())
