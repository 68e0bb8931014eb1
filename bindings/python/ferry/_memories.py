# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memory that a worker sends by itself, for what is large of a result whose call has brought no memory along.

The program has a socket without a file. A worker connects, sends a descriptor with a token, and is done: the kernel keeps
both until the program hears of the token, by a message of the task.
"""

import functools
import os
import secrets
import socket
import struct

from .errors import Error

# How many descriptors may wait at the socket, and how many that no task has asked for are kept.
MAX_WAITING = 1024
TOKEN_SIZE = 16

# In a worker: the name of the program's socket.
name_in_worker: str | None = None


class Box:
    """The program's end."""

    def __init__(self) -> None:
        self.name = "ferry-" + secrets.token_hex(16)
        self._found: dict[bytes, int] = {}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.bind("\0" + self.name)
        self._socket.listen(MAX_WAITING)
        self._socket.setblocking(False)

    def _accept(self) -> None:
        connection, _ = self._socket.accept()
        with connection:
            connection.setblocking(False)
            _, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            if user != os.geteuid():
                return
            try:
                token, descriptors, *_ = socket.recv_fds(connection, TOKEN_SIZE, 1)
            except OSError:
                return
        for descriptor in descriptors:
            self._found[token] = descriptor
        if len(self._found) > MAX_WAITING:
            os.close(self._found.pop(next(iter(self._found))))

    def take(self, token: bytes) -> int:
        """The descriptor that was sent with the token."""
        try:
            while token not in self._found:
                self._accept()
        except BlockingIOError:
            raise Error("The memory of a result has not come with it") from None
        return self._found.pop(token)


@functools.cache
def _box_of(_process: int) -> Box:
    return Box()


def box() -> Box:
    # A forked process has workers of its own.
    return _box_of(os.getpid())


def send(descriptor: int) -> bytes | None:
    """In a worker: sends a descriptor, and returns its token. None where that cannot be, as in a sandbox."""
    if name_in_worker is None:
        return None
    token = secrets.token_bytes(TOKEN_SIZE)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.setblocking(False)
        try:
            connection.connect("\0" + name_in_worker)
            socket.send_fds(connection, [token], [descriptor])
        except OSError:
            return None
    return token
