# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ferry.pipe(): what a function sends beside its result, and the application reads or handles.

A sender of this module stands for any number of the library's pipes: each task that it is an argument of has one of its
own, and all of them end in one receiver. So an argument of a map is a sender as well. Beside each pipe of the library
there is one of the system, for credits: a byte for each message that may be sent.
"""

import collections
import itertools
import os
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any, NoReturn, Self

from . import _home, _job, _message
from ._library import Ferry, GLib, is_cancel, is_error
from ._travel import Traveller
from .errors import Cancelled, Error

# How many messages of one task may be on their way or wait for the reader. A function that is further ahead waits.
WINDOW = 1024
# A larger message waits for room in a way that a cancel ends, which takes longer. So many smaller ones always have room.
QUICK_SIZE = 256
# How many bytes of a credit pipe are read at once.
CREDITS = 4096


def _view(address: int, size: int, owner: Any) -> memoryview:
    """Memory of the library's, of an owner that is kept as long as something refers to the view."""
    import ctypes

    area = (ctypes.c_char * size).from_address(address)
    area.owner = owner  # type: ignore[attr-defined]
    return memoryview(area).cast("B")


class Sender(Traveller, _home.Closing):
    """The writing end of a pipe. An argument of submit(), stream() or map() that is a sender, or has one in it, goes to
    the worker. Threads of the application may send as well.
    """

    def __init__(self, receiver: "Receiver") -> None:
        self._prepare(None, -1)
        self._receiver: Callable[[], Receiver | None] = weakref.ref(receiver)
        self._n_handles = 1 if receiver._is_latest else 2

    def _prepare(self, core: Any, credit: int) -> None:
        self._core = core
        self._lock = threading.Lock()
        self._credit = credit
        self._credits = iter(b"")
        self._cancellable: Any = None
        self._is_started = self._is_closed = False
        self._receiver = lambda: None
        self._holds = 0

    def _find_receiver(self) -> "Receiver":
        receiver = self._receiver()
        if receiver is None:
            raise BrokenPipeError("Nothing has a reference to the receiver of the pipe any more; keep one")
        return receiver

    def _give_to(self, task: Any) -> "Receiver":
        receiver = self._find_receiver()
        receiver._home.call(lambda: receiver._give(task))
        return receiver

    def _arrive(self, job: Any, handle: int, count: int) -> None:
        core = job.gobject
        self._prepare(core.get_sender(handle), job.dup_descriptor(handle + 1) if count > 1 else -1)
        self._cancellable = core.get_cancellable()

    def _start(self) -> Any:
        """The library's sender, which can send."""
        if self._is_closed:
            raise Error("The sender was closed; make another pipe")
        with self._lock:
            if self._core is None:
                receiver = self._find_receiver()
                self._core = receiver._home.call(receiver._open)
            if not self._is_started:
                self._core.start()
                self._is_started = True
        return self._core

    def _take_credit(self) -> None:
        with self._lock:
            while next(self._credits, None) is None:
                credits = os.read(self._credit, CREDITS)
                if not credits:
                    raise BrokenPipeError("The receiver of the pipe was closed")
                self._credits = iter(credits)

    def _send(self, message: Any) -> None:
        data, parts = _message.pack_message(message)
        core = self._core if self._is_started else self._start()
        if core is None:
            raise Error("The sender was closed; make another pipe")
        if self._credit >= 0 and next(self._credits, None) is None:
            self._take_credit()
        if self._cancellable is not None and (parts or len(data) > QUICK_SIZE):
            core.props.cancellable, self._cancellable = self._cancellable, None
        if not parts:
            _job.call_whole(core.send_bytes, data)
            return
        buffer = _job.call_whole(core.create_buffer, _message.size_in_memory(parts))
        address, size = buffer.get_data()
        _message.put(_view(address, size, buffer), parts)
        _job.call_whole(core.send_buffer, _message.to_variant(data), buffer)

    def send(self, message: Any) -> None:
        """Sends what can be pickled. What was sent arrives, even if the process is killed then.

        It waits while the receiver is far behind, and raises BrokenPipeError where the receiver was closed.
        """
        try:
            self._send(message)
        except GLib.Error as error:
            _refuse(error)

    def close(self) -> None:
        """Sends no more. A task does so at its end by itself."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._is_started:
            try:
                self._core.stop()
            except GLib.Error:
                # The pipe was closed at its other end.
                pass
        self._core = None
        credit, self._credit = self._credit, -1
        if credit >= 0:
            os.close(credit)
        receiver = self._receiver()
        if receiver is not None:
            receiver._note_sender_gone(self._holds)
            self._holds = 0

    def __del__(self) -> None:
        # The end of the process is that of its senders, and calls of the library may import what is gone by then.
        if "_holds" in self.__dict__ and not sys.is_finalizing():
            self.close()

    def __enter__(self) -> Self:
        """In the application, the messages do not end before the block, whatever ends meanwhile."""
        receiver = self._receiver()
        if receiver is not None:
            receiver._hold()
            self._holds += 1
        return self


def _refuse(error: Any) -> NoReturn:
    if is_cancel(error) and _job.cancelled():
        raise Cancelled("The task was cancelled") from None
    if is_error(error, Ferry.Error.CLOSED):
        raise BrokenPipeError(error.message) from None
    raise Error(error.message) from None


class _Source:
    """One pipe of the library, as a receiver has it."""

    def __init__(self, home: _home.Home, core: Any, credit: int) -> None:
        self.core = core
        self._home = home
        home.receivers.add(core)
        self.handlers: list[int] = []
        self.is_handling = False
        # The other fields are changed with the lock.
        self._credit = credit
        self._lock = threading.Lock()
        self._owed = 0
        # How many messages the function may send in all. With this, GTK's inspector tells a function that waits.
        self._n_granted = WINDOW
        if credit >= 0:
            core.props.credit = WINDOW
        # How many of the messages that wait here have had their credit before they were taken.
        self._lent = 0

    def _give(self) -> None:
        """Credits go back by the half window: a call of the system is for many messages."""
        self._owed += 1
        if self._owed >= WINDOW // 2 and self._credit >= 0:
            try:
                os.write(self._credit, bytes(self._owed))
            except OSError:
                # The function has ended.
                pass
            self._n_granted += self._owed
            self._owed = 0
            core = self.core
            if core is not None:
                core.props.credit = self._n_granted

    def lend(self) -> None:
        with self._lock:
            self._lent += 1
            self._give()

    def note_taken(self) -> None:
        with self._lock:
            if self._lent:
                self._lent -= 1
            else:
                self._give()

    def end(self) -> None:
        """On the home's thread: there is no more to take."""
        core, self.core = self.core, None
        if core is not None:
            self._home.receivers.discard(core)
            # The handler refers to this object, and the bindings do not see such a circle. They free it at once, so not
            # while it runs.
            if self.is_handling:
                _home.post(self._home.context, lambda: core.set_handler(None))
            else:
                core.set_handler(None)
            for handler in self.handlers:
                core.disconnect(handler)
        with self._lock:
            credit, self._credit = self._credit, -1
        if credit >= 0:
            os.close(credit)


_numbers = itertools.count(1)


class Receiver(_home.Values[Any], _home.Closing):
    """The reading end of a pipe: an iterator of the messages, by `for` and by `async for`, until no sender is left.

    Or messages are signals: once a handler of `message` is connected, they come on the home's thread, and are not
    kept. `closed` is emitted when no sender is left.
    """

    def __init__(self, home: _home.Home, latest: bool) -> None:
        self._home: _home.Home = home
        self._is_latest = latest
        self._messages: collections.deque[tuple[_Source, bytes, Any]] = collections.deque()
        self._news = _home.Event()
        # (number, handler, its further arguments) of each. A tuple stays as it is while it is emitted to.
        self._handlers: dict[str, tuple[tuple[int, Callable[..., Any], tuple[Any, ...]], ...]] = {"message": (), "closed": ()}
        # Changed on the home's thread.
        self._sources: set[_Source] = set()
        self._n_holds = 0
        self._was_used = False
        self._is_closed = False
        self._has_handler = False
        # Before a reader begins, as while a result is waited for, messages are kept without limit.
        self._is_read = False

    # ---- on the home's thread ----

    def _open(self, credit: int = -1) -> Any:
        """A sender of the library. The credit is closed with its pipe."""
        flags = Ferry.PipeFlags.LATEST if self._is_latest else Ferry.PipeFlags.QUEUED
        try:
            if self._is_closed:
                raise BrokenPipeError("The receiver of the pipe was closed; make another pipe")
            _, sender, core = self._home.router.pipe(flags)
        except BaseException:
            if credit >= 0:
                os.close(credit)
            raise
        source = _Source(self._home, core, credit)
        this = weakref.ref(self)

        def take(_core: Any, data: bytes, _size: int, _type: Any) -> None:
            receiver = this()
            if receiver is not None:
                source.is_handling = True
                receiver._take_in(source, data, None)
                source.is_handling = False

        def take_buffer(_core: Any, data: Any, memory: Any) -> None:
            receiver = this()
            if receiver is not None:
                receiver._take_in(source, _message.from_variant(data), memory)

        def end(_core: Any, _exit: Any) -> None:
            source.end()
            receiver = this()
            if receiver is not None:
                receiver._sources.discard(source)
                receiver._note_end()

        core.set_handler(take)
        source.handlers = [core.connect("buffer", take_buffer), core.connect("closed", end)]
        self._sources.add(source)
        self._was_used = True
        return sender

    def _give(self, task: Any) -> None:
        try:
            if self._is_latest:
                # Nothing waits, and so nothing has credits.
                task.add_sender(self._open())
                return
            reader, writer = os.pipe()
            try:
                os.write(writer, bytes(WINDOW))
                task.add_sender(self._open(writer))
                task.add_descriptor(reader)
            finally:
                os.close(reader)
        except GLib.Error as error:
            _refuse(error)

    def _take_in(self, source: _Source, data: bytes, memory: Any) -> None:
        if self._is_closed:
            return
        if not self._is_read:
            source.lend()
        self._messages.append((source, data, memory))
        if self._has_handler:
            self._emit_all()
        elif not self._news.is_set():
            self._news.set()

    def _emit(self, name: str, *values: Any) -> None:
        for _, handler, arguments in self._handlers[name]:
            try:
                handler(self, *values, *arguments)
            except Exception:
                sys.excepthook(*sys.exc_info())

    def _emit_all(self) -> None:
        while self._messages and not self._is_closed:
            try:
                message = self._take()
            except Exception:
                sys.excepthook(*sys.exc_info())
            else:
                self._emit("message", message)

    def _note_end(self) -> None:
        if self._is_at_end():
            self._news.set()
            _listening.discard(self)
            self._emit("closed")

    def _close_all(self) -> None:
        sources, self._sources = self._sources, set()
        _close_sources(self._home, sources)
        _listening.discard(self)
        self._news.set()

    # ---- on any thread ----

    def _hold(self, count: int = 1) -> None:
        self._n_holds += count
        self._was_used = True

    def _note_sender_gone(self, count: int) -> None:
        """A sender of the application ends, which was entered so many times."""
        this = weakref.ref(self)

        def note() -> None:
            receiver = this()
            if receiver is not None:
                receiver._hold(-count)
                receiver._note_end()

        _home.post(self._home.context, note)

    def _is_at_end(self) -> bool:
        return self._is_closed or (self._was_used and not self._sources and self._n_holds == 0)

    def connect(self, name: str, handler: Callable[..., Any], *arguments: Any) -> int:
        """Has `handler (receiver, message, …)` called for each `message`, or `handler (receiver, …)` where it is `closed`.

        Returns a number for disconnect().
        """
        if name not in self._handlers:
            raise TypeError("A receiver has the signals 'message' and 'closed', and no '%s'" % name)
        number = next(_numbers)
        self._handlers[name] += ((number, handler, arguments),)
        if name == "message" and not self._has_handler and not self._is_closed:
            self._has_handler = self._is_read = True
            _listening.add(self)
            _home.post(self._home.context, self._emit_all)
        return number

    def disconnect(self, number: int) -> None:
        for name, handlers in self._handlers.items():
            self._handlers[name] = tuple(handler for handler in handlers if handler[0] != number)

    def close(self) -> None:
        """Takes no more messages, and drops those that have come: what sends next gets BrokenPipeError, and a loop over the
        messages ends. Any thread.
        """
        if not self._is_closed:
            self._is_closed = True
            self._messages.clear()
            self._home.call(self._close_all)

    def __del__(self) -> None:
        sources = self.__dict__.get("_sources")
        if sources:
            home = self._home
            _home.post(home.context, lambda: _close_sources(home, sources or set()))

    def _poll(self) -> _home.Event | None:
        """What to wait for, or None where there is a message, or the end."""
        self._is_read = True
        if self._messages or self._is_at_end():
            return None
        news = self._news = _home.Event()
        return None if self._messages or self._is_at_end() else news

    def _take(self) -> Any:
        """A message. Raises End behind the last one."""
        if self._is_closed or not self._messages:
            # The reader goes, until it begins anew.
            self._is_read = self._has_handler
            raise _home.End
        source, data, memory = self._messages.popleft()
        source.note_taken()
        if memory is None:
            return _message.loads(data)
        size = memory.get_size()
        return _message.unpack_parts(data, _view(memory.get_region(1, 0, size), size, memory))

    def receive(self, timeout: float | None = None) -> Any:
        """Waits for a message, for at most so many seconds. Raises EOFError when no sender is left."""
        while event := self._poll():
            if not event.wait(self._home, timeout):
                raise TimeoutError("No message has come in time")
        try:
            return self._take()
        except _home.End:
            raise EOFError("The receiver was closed" if self._is_closed else "No sender of the pipe is left") from None


# The receivers that have handlers: they live as long as their senders do, as objects of GTK live while they are shown.
_listening: set[Receiver] = set()


def _close_sources(home: _home.Home, sources: set[_Source]) -> None:
    for source in sources:
        core = source.core
        source.end()
        try:
            if core is not None:
                home.router.close_pipe(core)
        except GLib.Error:
            # The router was stopped, and its pipes with it.
            pass


def make(home: _home.Home, latest: bool = False) -> tuple[Sender, Receiver]:
    receiver = Receiver(home, latest)
    return Sender(receiver), receiver


def pipe(*, latest: bool = False, context: Any = None) -> tuple[Sender, Receiver]:
    """Makes a sender and its receiver.

    The sender is an argument of functions, which send what they like. Signals of the receiver come as those of an
    executor that is made here. With latest=True only the newest message counts, for a preview: a newer one replaces
    one that was not delivered, a message has at most 4,000 bytes, and a sender never waits.
    """
    return make(_home.find(context), latest)
