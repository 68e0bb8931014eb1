# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ferry.Mux asks, and ferry.DeMux answers, over a pair of sockets: many questions at a time, each with its own answer.

Offers (_offer.py) ask by these, too.
"""

import collections
import os
import pickle
import socket
import threading
from collections.abc import Callable
from typing import Any

from . import _fault, _home, _job, _message, _travel
from ._home import Event
from ._library import Ferry, GLib, is_cancel, is_error
from ._outcome import Answer
from ._task import name_of
from .errors import CancelledError, Error

# The one method: what the other end does with a question is its own.
ASK = "ask"
# The first byte of an answer.
VALUE, FAULT = b"v", b"f"
# When a message is sent again that found no room, in seconds.
RETRY_TIME = 0.002
# Of a demux without a number of threads: each question has a thread, however many there are.
THREADS = 0x7fffffff


def open_transport(descriptor: int) -> Any:
    """A transport over a socket, which is its own from now on."""
    transport = Ferry.Transport.new_for_descriptors(descriptor, descriptor)
    transport.set_property("max-message-size", _home.MAX_MESSAGE)
    return transport


class MuxChannel(_travel.Traveller):
    """One end of a pair. It is for one Mux, one DeMux or both, here or in a worker that it is an argument for."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._core: Any = None

    def _give_to(self, task: Any) -> None:
        task.add_descriptor(self.fileno())
        os.close(self._descriptor)
        self._descriptor = -1

    def _arrive(self, job: Any, handle: int, count: int) -> None:
        self._core = None
        self._descriptor = job.dup_descriptor(handle)

    def fileno(self) -> int:
        if self._descriptor < 0:
            raise ValueError("The end of the pair is in use, was given to a task, or was closed; make another pair")
        return self._descriptor

    def _transport(self) -> Any:
        if self._core is None:
            descriptor = self.fileno()
            self._descriptor = -1
            self._core = open_transport(descriptor)
        return self._core

    def close(self) -> None:
        """The other end hears of it: what it has asked raises EOFError."""
        if self._core is not None:
            self._core.close()
        elif self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __del__(self) -> None:
        if getattr(self, "_descriptor", -1) >= 0:
            os.close(self._descriptor)


def ChannelPair() -> tuple[MuxChannel, MuxChannel]:
    """Makes two ends. Either may go to a worker, as an argument of submit()."""
    one, other = socket.socketpair()
    return MuxChannel(one.detach()), MuxChannel(other.detach())


def _transport_of(channel: Any) -> Any:
    if isinstance(channel, socket.socket):
        channel = MuxChannel(channel.detach())
    return channel._transport() if isinstance(channel, MuxChannel) else channel


class _Question(Answer[Any]):
    """What becomes of a question of a program's own."""

    # Nothing is printed of it.
    _is_retrieved = True

    def _wait(self, timeout: float | None) -> None:
        if not self.done() and GLib.main_depth() > 0:
            raise Error("A callback of a main loop does not wait for an answer, as its window would stand; await it")
        super()._wait(timeout)


def _take_answer(call: Answer[Any], place: str, data: bytes | None, error: Any) -> None:
    try:
        if error is not None:
            raise _translate(error)
        message = memoryview(data or b"")
        if message[:1] == FAULT:
            raise _fault.restore(pickle.loads(message[1:]), call._name, place)
        call._end(_message.unpack(message[1:]), None)
    except Exception as exception:
        call._end(None, exception)


def _translate(error: Any) -> Exception:
    if is_cancel(error):
        return CancelledError(error.message)
    if is_error(error, Ferry.Error.CLOSED):
        return EOFError(error.message)
    return Error(error.message)


def pack_answer(get: Callable[[], Any], function: Any, *inner: dict[str, Any]) -> bytes:
    """The value that get() returns, or what it raises."""
    try:
        value = get()
        try:
            return _message.pack_value(value, prefix=VALUE)
        except Exception as exception:
            exception.add_note("%s gave a value of type %s, which cannot be sent" % (name_of(function), type(value).__qualname__))
            raise
    except BaseException as exception:
        return FAULT + pickle.dumps(_fault.describe(exception, globals(), *inner), 5)


class Sending:
    """What sends messages where there is room for them, and else later, in their order."""

    def __init__(self, home: _home.Home | None = None) -> None:
        # Where it is sent later. None: on Ferry's thread.
        self._sends_at = home
        # What waits for room.
        self._blocked: collections.deque[Any] = collections.deque()
        self._lock = threading.RLock()

    def _send(self, message: Any) -> bool:
        """Whether there was room for it."""
        raise NotImplementedError

    def _send_in_turn(self, message: Any) -> None:
        with self._lock:
            if self._blocked or not self._send(message):
                self._blocked.append(message)
                if len(self._blocked) == 1:
                    self._send_later()

    def _send_later(self) -> None:
        """In a moment: no end of a transport says that it has room."""
        _home.post((self._sends_at or _home.own_thread()).context, self._send_blocked, RETRY_TIME)

    def _send_blocked(self) -> None:
        with self._lock:
            while self._blocked and self._send(self._blocked[0]):
                self._blocked.popleft()
            if self._blocked:
                self._send_later()


def _expire(call: Answer[Any]) -> None:
    call._end(None, TimeoutError("The question was not answered in time; allow more time, or find what delays the other end"))
    call._cancel()


class Mux(Sending, _home.Closing):
    """Asks. Any number of threads and coroutines may do so at once.

    With `timeout`, a question that is not answered within so many seconds raises TimeoutError, and the other end hears
    of it, as of a cancel.
    """

    def __init__(self, channel: Any, *, timeout: float | None = None) -> None:
        super().__init__()
        self._core = Ferry.Mux.new(_transport_of(channel))
        self._timeout = timeout

    def ask(self, *args: Any, **kwargs: Any) -> Answer[Any]:
        """Sends process_transaction(*args, **kwargs) to the other end, and returns the answer that will come."""
        return self._ask(_Question("the question"), "at the other end of the channel", args, kwargs)

    def _ask(self, call: Answer[Any], place: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Answer[Any]:
        data = pickle.dumps((args, kwargs), 5)
        if self._timeout is not None:
            timer = _home.post(_home.own_thread().context, lambda: _expire(call), self._timeout)
            call._ended.add_callback(timer.destroy)
        self._send_in_turn((call, place, data))
        return call

    def _send(self, message: Any) -> bool:
        call, place, data = message
        if call.done():
            return True
        try:
            number = self._core.transact_bytes_with_func(
                ASK, data, lambda data, _size, error, *_: _take_answer(call, place, data, error))
        except GLib.Error as error:
            if is_error(error, Ferry.Error.WOULD_BLOCK):
                return False
            call._end(None, _translate(error))
        else:
            call._cancel = lambda: self._core.cancel(number)
        return True

    def transaction(self, *args: Any, **kwargs: Any) -> Any:
        """Asks, waits for the answer, and returns it, or raises what the other end raised."""
        return self.ask(*args, **kwargs).result()

    def stop(self) -> None:
        """Asks no more: who waits for an answer gets EOFError."""
        self._core.stop()

    close = stop


class DeMux(_home.Closing):
    """Answers. A subclass has process_transaction(*args, **kwargs), or it is an argument.

    Answers are made on `nworkers` threads; without a number, each question has a thread. Questions are pickles, so they
    come from processes that the program trusts.
    """

    def __init__(self, channel: Any, nworkers: int | None = None, *, function: Callable[..., Any] | None = None) -> None:
        self._transport = _transport_of(channel)
        self._core = Ferry.Demux.new(self._transport)
        if nworkers is not None and nworkers < 1:
            raise ValueError("nworkers must be at least 1")
        self._core.set_threads(THREADS if nworkers is None else nworkers)
        self._function = function
        self._closed: Event | None = None
        self._core.add_handler(ASK, self._handle)
        self._core.start()

    def process_transaction(self, *args: Any, **kwargs: Any) -> Any:
        """What is returned is the answer. What is raised is raised where the question came from."""
        if self._function is None:
            raise NotImplementedError("A subclass of DeMux answers: define process_transaction(), or give a function")
        return self._function(*args, **kwargs)

    def _handle(self, invocation: Any, *_: Any) -> None:
        def answer() -> Any:
            args, kwargs = _message.loads(invocation.get_bytes() or _message.from_variant(invocation.get_arguments()))
            return self.process_transaction(*args, **kwargs)

        _job.asked.invocation = invocation
        try:
            data = pack_answer(answer, self._function or self)
        finally:
            _job.asked.invocation = None
        invocation.return_bytes(data)

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until the other end has closed the channel, for at most so many seconds. Returns whether it has."""
        if self._closed is None:
            closed = self._closed = Event()

            def wait_here() -> None:
                self._transport.wait_closed()
                closed.set()

            threading.Thread(target=wait_here, name="ferry demux", daemon=True).start()
        return self._closed.wait(None, timeout)

    def stop(self) -> None:
        """Answers no more. What waits is refused, and what runs goes on to its end."""
        self._core.stop()

    close = stop
