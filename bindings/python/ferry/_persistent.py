# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A function in a process that outlives the application, and is found by the path of a socket.

What the function sends is kept in its process until an application has taken it. An application takes it, leaves, and
comes again, or another one does, of the same user. Only one is there at a time.
"""

import collections
import os
import pickle
import queue
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

from . import _executor, _fault, _home, _message
from ._home import Event
from ._library import Ferry, Gio, GLib, is_error
from .errors import Error, WorkerLost

# How many messages wait in the process. A function that is further ahead waits.
WINDOW = 1024
# A message has its head and its name besides.
MAX_SIZE = _home.MAX_MESSAGE - 4096
# The first byte of a message: it is a value, or what the function raised.
VALUE, FAULT = b"v", b"f"
# The messages that come before and behind all others.
WELCOME, END = b"w", b"e"
# What the process says once it listens.
READY = b"\nferry: ready\n"


def _let_large_through(transport: Any) -> Any:
    transport.set_property("max-message-size", _home.MAX_MESSAGE)
    return transport


# ---- in the process ----


class _Kept:
    """Messages that wait for an application. A thread gives them, one after the other, and drops what was taken."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._messages: collections.deque[bytes] = collections.deque()
        self._finished = False
        self._giver: threading.Thread | None = None
        self._left = Gio.Cancellable()

    def put(self, message: bytes) -> None:
        with self._changed:
            self._changed.wait_for(lambda: len(self._messages) < WINDOW)
            self._messages.append(message)
            self._changed.notify_all()

    def give_to(self, channel: Any) -> None:
        """From now on to this application, and no more to the one before."""
        if self._giver is not None:
            with self._changed:
                self._left.cancel()
                self._changed.notify_all()
            self._giver.join()
        self._left = Gio.Cancellable()
        self._giver = threading.Thread(target=self._give, args=(channel, self._left), name="ferry giver", daemon=True)
        self._giver.start()

    def _give(self, channel: Any, left: Any) -> None:
        try:
            while (message := self._wait(left)) is not None:
                channel.send_acknowledged(_message.to_variant(message), -1, left)
                with self._changed:
                    self._messages.popleft()
                    self._changed.notify_all()
            if not left.is_cancelled():
                channel.send(_message.to_variant(END), -1, left)
        except GLib.Error:
            # It has left. What it has not taken waits for who comes next.
            pass

    def _wait(self, left: Any) -> bytes | None:
        """A message to give, or None behind the last one, or where the application is no more the one to give to."""
        with self._changed:
            self._changed.wait_for(lambda: self._messages or self._finished or left.is_cancelled())
            return None if left.is_cancelled() or not self._messages else self._messages[0]

    def finish(self) -> None:
        """Waits until all was taken, and the application that is there, if one is, has heard that it was all."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._messages)
        if self._giver is not None:
            self._giver.join()


class PersistentChannel:
    """The process's end of the channel: the first argument of its function. It is with whichever application is there."""

    def __init__(self, listener: Any) -> None:
        self._listener = listener
        self._kept = _Kept()
        self._messages: queue.Queue[bytes] = queue.Queue(WINDOW)
        self._acceptor = threading.Thread(target=self._accept, name="ferry acceptor", daemon=True)
        self._acceptor.start()

    def _accept(self) -> None:
        taker = None
        while True:
            try:
                channel = Ferry.Channel.new(_let_large_through(self._listener.accept(-1, None)))
            except GLib.Error:
                # The listener was closed.
                return
            try:
                # Whoever comes waits for this: what is sent before could be lost, if the sender leaves at once.
                channel.send(_message.to_variant(WELCOME), -1, None)
            except GLib.Error:
                continue
            self._kept.give_to(channel)
            taker = threading.Thread(target=self._take, args=(channel, taker), name="ferry messages", daemon=True)
            taker.start()

    def _take(self, channel: Any, before: threading.Thread | None) -> None:
        """Takes what an application sends, until it leaves, as the function may be busy until then; behind what the last
        one has sent.
        """
        if before is not None:
            before.join()
        try:
            while (value := channel.receive(-1, None)[1]) is not None:
                self._messages.put(_message.from_variant(value))
        except GLib.Error:
            # It did not say that it leaves.
            pass

    def _put(self, data: bytes) -> None:
        if len(data) > MAX_SIZE:
            raise ValueError("A message has at most %d bytes, and this one has %d; send parts of it, or the name of a file"
                             % (MAX_SIZE, len(data)))
        self._kept.put(data)

    def send(self, message: Any) -> None:
        """Keeps what can be pickled for the application. Waits where that has left many messages untaken."""
        self._put(_message.pack_value(message, prefix=VALUE))

    def receive(self) -> Any:
        """Waits for a message of an application, and for an application."""
        return _message.unpack(self._messages.get())

    def _fail(self, exception: BaseException) -> None:
        self._put(FAULT + pickle.dumps(_fault.describe(exception, globals()), 5))

    def _end(self) -> None:
        """Waits until all was taken."""
        self._kept.finish()
        self._listener.close()
        self._acceptor.join()


def serve(prepare: Callable[[], Any], failures: list[str]) -> None:
    """The whole of such a process. prepare() imports the program."""
    try:
        channel = PersistentChannel(Ferry.Listener.new_from_environment())
    except GLib.Error as error:
        sys.exit(error.message)
    call = sys.stdin.buffer.read()
    sys.stdout.buffer.write(READY)
    sys.stdout.flush()
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nothing, stream)
    prepare()
    try:
        function, args, kwargs = _message.loads(call)
        function(channel, *args, **kwargs)
    except BaseException as exception:
        for failure in failures:
            exception.add_note("The process could not import the program itself:\n" + failure)
        channel._fail(exception)
    channel._end()


# ---- in applications ----


def _launch(address: str, call: bytes, output: int) -> int:
    launcher = _executor._make_launcher((), "--persistent")
    memory = _message.make_memory()
    _message._write(memory, memoryview(call))
    os.lseek(memory, 0, os.SEEK_SET)
    launcher.take_stream_fd(Ferry.Stream.STDIN, memory)
    launcher.take_stream_fd(Ferry.Stream.STDOUT, os.dup(output))
    launcher.take_stream_fd(Ferry.Stream.STDERR, os.dup(output))
    return int(launcher.spawn_persistent(address)[1])


def start_persistent(address: str, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> int:
    """Has a process of its own call function(channel, *args, **kwargs), and listen at the path of a socket.

    It returns the number of the process once that listens, which takes as long as Python takes to start. The process
    ends when the function has, and all that it has sent was taken.
    """
    _message.check(function)
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
                transport = _let_large_through(Ferry.Transport.connect_to_finish(result))
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
            _home.post(self.home, lambda: _leave(core))


def _tell(core: Any, _: Any, connection: "weakref.ref[Connection]") -> None:
    here = connection()
    if here is not None and here._ready is not None and core.props.readable:
        here._ready.set()


def _leave(core: Any) -> None:
    core.close()
    core.props.transport.close()
