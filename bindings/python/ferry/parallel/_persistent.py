# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A function in a process that outlives the application, and is found by the path of a socket.

What the function sends is kept in its process until an application has taken it. An application takes it, leaves, and
comes again, or another one does, of the same user. Only one is there at a time. Here is the application's end;
_process.py is the other one.
"""

import os
import pickle
import weakref
from collections.abc import Callable
from typing import Any

from .. import _executor, _fault, _home, _message
from .._home import Event
from .._library import Ferry, GLib, is_error
from ..errors import Error, WorkerLost

# The first byte of a message: it is a value, or what the function raised.
VALUE, FAULT = b"v", b"f"
# The message that comes behind all others.
END = b"e"
# What the process says once it listens.
READY = b"\nferry: ready\n"


def let_large_through(transport: Any) -> Any:
    transport.set_property("max-message-size", _home.MAX_MESSAGE)
    return transport


def _launch(address: str, call: bytes, output: int) -> str:
    launcher = _executor._make_launcher((), program="ferry.parallel._process")
    memory = _message.make_memory()
    _message._write(memory, memoryview(call))
    os.lseek(memory, 0, os.SEEK_SET)
    launcher.take_stream_fd(Ferry.Stream.STDIN, memory)
    launcher.take_stream_fd(Ferry.Stream.STDOUT, os.dup(output))
    launcher.take_stream_fd(Ferry.Stream.STDERR, os.dup(output))
    return str(launcher.spawn_persistent(address)[1])


def start_persistent(address: str, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> str:
    """Has a process of its own call function(channel, *args, **kwargs), and listen at the path of a socket.

    It returns the identifier of the process, its process id as text, once that listens, which takes as long as Python
    takes to start. The process ends when the function has, and all that it has sent was taken.
    """
    _message.check_importable(function)
    call = pickle.dumps((function, args, kwargs), 5)
    reader, writer = os.pipe()
    with open(reader, "rb") as file:
        try:
            process = _launch(address, call, writer)
        except GLib.Error as error:
            raise Error(error.message) from None
        finally:
            os.close(writer)
        said = file.read()
    if not said.endswith(READY):
        raise Error("The process for '%s' did not start: %s" % (address, said.decode(errors="replace").strip()))
    return process


def _translate(error: Any) -> Exception:
    if is_error(error, Ferry.Error.NOT_LISTENING):
        return ConnectionRefusedError(error.message)
    if is_error(error, Ferry.Error.NOT_ALLOWED):
        return PermissionError(error.message)
    if is_error(error, Ferry.Error.TIMED_OUT):
        return TimeoutError(error.message)
    if is_error(error, Ferry.Error.CLOSED):
        return WorkerLost(error.message)
    return Error(error.message)


class Connection:
    """The application's end, over the library's."""

    _core: Any

    def __init__(self, address: str, timeout: float) -> None:
        self._core = None
        self.home = _home.own_thread()
        self._ready: Event | None = None
        self._at_end = False
        connected = Event()
        outcome: list[Exception] = []

        def take(_: Any, result: Any) -> None:
            try:
                transport = let_large_through(Ferry.Transport.connect_to_finish(result))
                Ferry.Channel.new(transport).receive_async(None, greet)
            except GLib.Error as error:
                outcome.append(_translate(error))
                connected.set()

        def greet(core: Any, result: Any) -> None:
            try:
                core.receive_finish(result)
                self._open(core)
            except GLib.Error as error:
                outcome.append(ConnectionRefusedError(error.message))
            connected.set()

        def connect() -> None:
            microseconds = int(timeout * GLib.USEC_PER_SEC)
            Ferry.Transport.connect_to_async(address, microseconds, -1, None, take)

        self.home.call(connect)
        connected.wait(self.home, None)
        if outcome:
            raise outcome[0]

    def _open(self, core: Any) -> None:
        self._core = core
        core.connect("notify::readable", _tell, weakref.ref(self))

    def _look(self) -> Event | None:
        """On the home's thread. The library tells that there is a message, which stays in the process until it is taken."""
        if self._at_end or self._core is None or self._core.props.readable:
            return None
        if self._ready is None or self._ready.is_set():
            self._ready = Event()
        return self._ready

    def poll(self) -> Event | None:
        """What to wait for, or None where there is a message, or the end."""
        return self.home.call(self._look)

    def take(self) -> tuple[bool, Any]:
        """(whether there is a value, the value), without a wait. Raises what was raised."""
        core = self._core
        if self._at_end or core is None:
            return False, None
        try:
            value = core.receive(0, None)[1]
        except GLib.Error as error:
            if is_error(error, Ferry.Error.TIMED_OUT):
                return False, None
            self._at_end = True
            raise _translate(error) from None
        if value is None:
            self._at_end = True
            return False, None
        data = _message.from_variant(value)
        if data[:1] == END:
            self._at_end = True
            return False, None
        if data[:1] == FAULT:
            raise _fault.restore(pickle.loads(data[1:]), "the function")
        return True, _message.unpack(memoryview(data)[1:])

    def send(self, message: Any) -> None:
        if self._core is None:
            raise BrokenPipeError("The channel was closed")
        try:
            self._core.send(_message.to_variant(_message.pack_value(message)), -1, None)
        except GLib.Error as error:
            raise _translate(error) from None

    def close(self) -> None:
        core, self._core = self._core, None
        if core is not None:
            self.home.call(lambda: _leave(core))

    def __del__(self) -> None:
        core = self._core
        if core is not None:
            _home.post(self.home.context, lambda: _leave(core))


def _tell(core: Any, _: Any, connection: "weakref.ref[Connection]") -> None:
    here = connection()
    if here is not None and here._ready is not None and core.props.readable:
        here._ready.set()


def _leave(core: Any) -> None:
    core.close()
    core.props.transport.close()
