# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""In a worker: the object that Executor.create() has made, and others that its methods return.

The worker carries out what proxies ask, one request after the other, on its main thread. A coroutine of an object is a
task of the event loop of that thread, and goes on between requests. An object is known by a number. It is kept as long as
the application has a proxy of it.
"""

import asyncio
import collections
import contextvars
import functools
import inspect
import io
import itertools
import logging
import operator
import os
import pickle
import selectors
import signal
import socket
import struct
import threading
import time
import traceback
import types
from collections.abc import Callable, Coroutine, Generator, Iterator
from typing import Any

from . import _exports, _fault, _home, _job, _main, _message, _travel
from ._library import Ferry, GLib, GObject
from ._names import OBJECTS
from .errors import Cancelled, Error

# A change that comes while a method runs is told at once, if the last one was told so many seconds before.
TELL_INTERVAL = 0.01

# How many descriptors come with one message at most: the limit of the system.
MOST_DESCRIPTORS = 253

RETURNED, RAISED, CANCELLED = 0, 1, 2

# What the application iterates.
GENERATORS = types.GeneratorType, types.AsyncGeneratorType

# (the number of the object, the name of the property, the number of the change, a pickle of the value)
Change = tuple[int, str, int, bytes]
Step = tuple[Any, ...]


def _call(value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return value(*args, **kwargs)


def _pass_to(value: Any, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return function(value, *args, **kwargs)


async def _wait_for(value: Any) -> Any:
    return await value


def _next(generator: Any) -> Any:
    return _wait_for(anext(generator)) if inspect.isasyncgen(generator) else next(generator)


OPERATIONS: dict[str, Callable[..., Any]] = {
    "attribute": getattr,
    "begin": lambda state, *arguments: state.begin(*arguments),
    "call": _call,
    "contains": operator.contains,
    "delete": delattr,
    "delete_item": operator.delitem,
    "item": operator.getitem,
    "length": len,
    "next": _next,
    # The request is for what comes with each.
    "nothing": lambda state: None,
    "pass_to": _pass_to,
    "set": setattr,
    "set_item": operator.setitem,
    "tell_all": lambda state: state.note_all(),
}


class _Server(GObject.Object):  # type: ignore[misc]
    """What is exported. The two signals go to the application."""

    __gtype_name__ = "FerryPythonServer"
    __gsignals__ = {
        "changed": (GObject.SignalFlags.RUN_LAST, None, (GObject.TYPE_VARIANT,)),
        "noticed": (GObject.SignalFlags.RUN_LAST, None, (GObject.TYPE_VARIANT,)),
    }


class _Request:
    """A request, which is what _job knows as a job."""

    def __init__(self, number: int, data: bytes, invocation: Any) -> None:
        self.number = number
        self.data = data
        self.invocation = invocation
        self.task: asyncio.Task[Any] | None = None
        self._is_cancelled = False
        self._descriptors: list[int] = []

    def dup_descriptor(self, handle: int) -> int:
        self._descriptors = self._descriptors or _state.memories.take(self.number)
        return os.dup(self._descriptors[handle])

    def unpack(self) -> Any:
        try:
            return _travel.opening(self, _message.count_memories(self.data),
                                 lambda: _message.unpack(self.data, lambda: self.dup_descriptor(0)))
        finally:
            for descriptor in self._descriptors:
                os.close(descriptor)

    def is_cancelled(self) -> bool:
        return self._is_cancelled

    def cancel(self) -> None:
        self._is_cancelled = True
        if self.task is not None:
            _state.loop.call_soon_threadsafe(self.task.cancel)
        else:
            _job.send_interrupt(None, self)

    def report(self, _fraction: float, _text: str | None) -> None:
        """A call has no progress; a property can be that."""

    def report_amount(self, *_: Any) -> None:
        pass

    def begin_part(self, _weight: float) -> None:
        pass

    def end_part(self) -> None:
        pass

    def send(self, kind: str, data: bytes) -> None:
        _state.server.emit("noticed", GLib.Variant.new_tuple(GLib.Variant.new_string(kind), _message.to_variant(data)))


class _Pickler(pickle.Pickler):
    """Objects that stay here go as references."""

    def reducer_override(self, value: Any) -> Any:
        number = _state.number_of(value)
        if number is None:
            return NotImplemented
        class_ = Generator if isinstance(value, GENERATORS) else type(value)
        return _exports.resolve, (_state.token, number, class_, _state.describe(number))


def _pickled(value: Any, callback: Callable[[pickle.PickleBuffer], bool] | None = None) -> bytes:
    stream = io.BytesIO()
    _Pickler(stream, 5, buffer_callback=callback).dump(value)
    return stream.getvalue()


class Memories:
    """The socket over which memory goes that belongs to messages. Each is sent before its message, in their order."""

    NUMBER = struct.Struct("<Q")

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._descriptors: dict[int, list[int]] = {}

    def send(self, number: int, descriptors: list[int]) -> None:
        """Sends descriptors of a message, which stay open here."""
        socket.send_fds(self._end, [self.NUMBER.pack(number)], descriptors)

    def take(self, number: int) -> list[int]:
        """The descriptors of a message that is here already."""
        while number not in self._descriptors:
            data, descriptors, _, _ = socket.recv_fds(self._end, self.NUMBER.size, MOST_DESCRIPTORS)
            if not descriptors:
                raise Error("The memory of a message did not come with it")
            self._descriptors[self.NUMBER.unpack(data)[0]] = descriptors
        return self._descriptors.pop(number)

    def close(self) -> None:
        self._end.close()
        while self._descriptors:
            for descriptor in self._descriptors.popitem()[1]:
                os.close(descriptor)


class _Selector(selectors.EpollSelector):
    """What an event loop of asyncio waits with, and GLib's main context: it has its sources dispatched, too."""

    def __init__(self) -> None:
        super().__init__()
        self._context = GLib.MainContext.default()
        GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, self.fileno(), GLib.IOCondition.IN, lambda *_: True)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        may_wait = timeout is None or timeout > 0
        timer = _home.post(self._context, lambda: None, timeout) if timeout is not None and may_wait else None
        try:
            self._context.iteration(may_wait)
        finally:
            if timer is not None:
                timer.destroy()
        return super().select(0)


class _State:
    """The objects of this worker, and what the application is to be told of them."""

    def __init__(self, memories: Memories, loop: asyncio.AbstractEventLoop) -> None:
        self.memories = memories
        self.server = _Server()
        self.token = ""
        self.loop = loop
        # From the number of an object to the object and how often it was referred to.
        self.objects: dict[int, list[Any]] = {}
        self.numbers: dict[int, int] = {}
        self.requests: collections.deque[_Request] = collections.deque()
        self.present: dict[int, _Request] = {}
        self.failure: BaseException | None = None
        # Whether a coroutine is about to begin, for which later requests wait.
        self._is_beginning = False
        self._last_number = 0
        self._orders = itertools.count(1)
        self._changed: dict[tuple[int, str], None] = {}
        self._on_their_way: dict[tuple[int, str], None] = {}
        self._lock = threading.Lock()
        self._told = 0.0
        self._has_news = threading.Event()
        self._teller: threading.Thread | None = None

    # ---- objects ----

    def keep(self, value: Any) -> int:
        """The number of an object, which is kept from now on."""
        number = self.numbers.get(id(value))
        if number is None:
            self._last_number = number = self._last_number + 1
            self.objects[number] = [value, 0]
            self.numbers[id(value)] = number
            if isinstance(value, GObject.Object):
                value.connect("notify", lambda value, pspec: self.note(value, (pspec.name.replace("-", "_"),)))
        self.objects[number][1] += 1
        return number

    def number_of(self, value: Any) -> int | None:
        if id(value) in self.numbers or hasattr(type(value), _exports.PROPERTIES) or isinstance(value, GENERATORS):
            return self.keep(value)
        return None

    def _release(self, number: int, count: int) -> None:
        kept = self.objects.get(number)
        if kept is None:
            # The object could not be made.
            return
        kept[1] -= count
        if kept[1] <= 0:
            del self.numbers[id(kept[0])], self.objects[number]

    def find(self, number: int, *_: Any) -> Any:
        if number == 0:
            return self
        if self.failure is not None:
            raise self.failure
        return self.objects[number][0]

    def describe(self, number: int) -> list[Change]:
        return list(self._read([(number, name) for name in self._names(number)]))

    def _names(self, number: int) -> tuple[str, ...]:
        return tuple(getattr(type(self.objects[number][0]), _exports.PROPERTIES, ()))

    # ---- changes ----

    def note(self, value: Any, names: tuple[str, ...]) -> None:
        """Any thread: properties of an object have changed."""
        number = self.numbers.get(id(value))
        if number is None or not names:
            return
        with self._lock:
            self._changed.update(dict.fromkeys((number, name) for name in names))
        if threading.current_thread() is threading.main_thread() and time.monotonic() - self._told >= TELL_INTERVAL:
            self._tell()
        else:
            self._has_news.set()
            if self._teller is None:
                self._teller = threading.Thread(target=self._tell_for_ever, daemon=True)
                self._teller.start()

    def _tell_for_ever(self) -> None:
        """On a thread of its own, since the main thread may be busy."""
        while self._has_news.wait():
            self._has_news.clear()
            time.sleep(max(0, self._told + TELL_INTERVAL - time.monotonic()))
            self._tell()

    def note_all(self) -> None:
        """Changes were lost on their way: the next answer has all values."""
        with self._lock:
            self._changed.update(dict.fromkeys((number, name) for number in self.objects for name in self._names(number)))

    def _read(self, changed: list[tuple[int, str]]) -> Iterator[Change]:
        for number, name in changed:
            kept = self.objects.get(number)
            if kept is None:
                continue
            # The number is there before the value, so what is read later has a higher one.
            order = next(self._orders)
            try:
                yield number, name, order, _pickled(getattr(kept[0], name))
            except AttributeError:
                # It is annotated, and has no value yet.
                continue
            except Exception:
                logging.getLogger(__name__).warning("The property '%s' cannot be sent: %s", name, traceback.format_exc())

    def _take_changes(self) -> list[Change]:
        """For an answer: also what was told since the last one, since that may come later than the answer."""
        with self._lock:
            self._told = time.monotonic()
            changed = list(self._on_their_way | self._changed)
            self._changed, self._on_their_way = {}, {}
        return list(self._read(changed))

    def _tell(self) -> None:
        with self._lock:
            self._told = time.monotonic()
            changed, self._changed = list(self._changed), {}
            self._on_their_way.update(dict.fromkeys(changed))
        changes = list(self._read(changed))
        if changes:
            self.server.emit("changed", _message.to_variant(pickle.dumps(changes, 5)))

    # ---- requests ----

    def evaluate(self, request: _Request) -> Any:
        try:
            number, steps, released = request.unpack()
        except Exception as exception:
            if not self.token:
                # The first request is what makes the object.
                self.failure = exception
                _main.explain(exception)
            raise
        for dropped, count in released:
            self._release(dropped, count)
        value = self.find(number)
        for kind, *operands in steps:
            if kind == "set":
                # Also where that fails: the proxy has shown the new value.
                self.note(value, (operands[0],))
            value = OPERATIONS[kind](value, *operands)
        return value

    def carry_out(self) -> None:
        """On the main thread. Later requests wait until a coroutine waits for the first time, or ends."""
        while self.requests and not self._is_beginning:
            request = self.requests.popleft()
            reply = self._run(request)
            if reply is not None:
                self._answer(request, reply)

    def _answer(self, request: _Request, reply: bytes) -> None:
        self.present.pop(request.number, None)
        request.invocation.return_value(_message.to_variant(reply))

    def _run(self, request: _Request) -> bytes | None:
        """The reply, or None where a coroutine gives it later."""
        _job.current = request
        try:
            value = _job.call(request, self.evaluate, request)
            if inspect.iscoroutine(value):
                self._begin_task(request, value)
                return None
            return self._pack(request.number, (RETURNED, value, self._take_changes()))
        except BaseException as exception:
            _job.interruptible = None
            return self._pack_failure(request, exception)
        finally:
            _job.current = None

    def _begin_task(self, request: _Request, coroutine: Coroutine[Any, Any, Any]) -> None:
        context = contextvars.copy_context()
        context.run(_job.awaited.set, request)
        request.task = self.loop.create_task(coroutine, context=context)
        request.task.add_done_callback(functools.partial(self._end_task, request))
        if request.is_cancelled():
            request.task.cancel()
        self._is_beginning = True
        self.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        self._is_beginning = False
        self.carry_out()

    def _end_task(self, request: _Request, task: asyncio.Task[Any]) -> None:
        try:
            reply = self._pack(request.number, (RETURNED, task.result(), self._take_changes()))
        except BaseException as exception:
            reply = self._pack_failure(request, exception)
        self._answer(request, reply)

    def _pack_failure(self, request: _Request, exception: BaseException) -> bytes:
        if isinstance(exception, (Cancelled, asyncio.CancelledError)) and request.is_cancelled():
            return self._pack(request.number, (CANCELLED, None, self._take_changes()))
        return self._pack(request.number, (RAISED, _fault.describe(exception, globals(), vars(_job)), self._take_changes()))

    def _pack(self, number: int, reply: tuple[Any, ...]) -> bytes:
        data, memory = _message.pack(reply, _message.MAX_PICKLE, _pickled)
        if memory >= 0:
            try:
                self.memories.send(number, [memory])
            finally:
                os.close(memory)
        return data

    def begin(self, token: str, class_: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """The first request: makes the object. Where that fails, each further request fails so."""
        self.token = token
        _exports.finders[token] = self
        try:
            number = self.keep(class_(*args, **kwargs))
        except BaseException as exception:
            self.failure = exception
            raise
        self.failure = None
        self._changed.update(dict.fromkeys((number, name) for name in self._names(number)))


_state: _State


# ---- on the thread that receives: it may not wait ----


def _do(_server: Any, invocation: Any, _data: Any) -> None:
    arguments = invocation.get_arguments()
    request = _Request(arguments.get_child_value(0).get_uint64(), _message.from_variant(arguments.get_child_value(1)),
                       invocation)
    _state.present[request.number] = request
    _state.requests.append(request)
    _state.loop.call_soon_threadsafe(_state.carry_out)


def _cancel(_server: Any, invocation: Any, _data: Any) -> None:
    request = _state.present.get(invocation.get_arguments().get_child_value(0).get_uint64())
    if request is not None:
        request.cancel()
    invocation.return_value(None)


def _export(transport: Any) -> Any:
    interface = Ferry.Interface.new(OBJECTS, _Server.__gtype__)
    interface.add_method("do", "tay", "ay", _do, None)
    interface.add_method("cancel", "t", "", _cancel, None)
    interface.add_signal("changed")
    interface.add_signal("noticed")
    exporter = Ferry.Exporter.new()
    # Requests are taken in their order, while a method runs too: a cancel must be heard.
    exporter.props.threads = 0
    exporter.export(OBJECTS, _state.server, interface, Ferry.CallPolicy.CONCURRENT)
    exporter.add_transport(transport)
    exporter.start()
    return exporter


def serve() -> None:
    """Serves until the application closes the transport."""
    global _state
    # A function, as what the object executes would ignore the signal too.
    signal.signal(signal.SIGINT, lambda *_: None)
    # Standard input is the socket.
    memories = Memories(socket.socket(fileno=os.dup(0)))
    with open(os.devnull, encoding="utf-8") as nothing:
        os.dup2(nothing.fileno(), 0)
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(_Selector())) as runner:
        _state = _State(memories, runner.get_loop())
        _state.failure = Error("The object was not made yet")
        _exports.listener = _state.note
        transport = Ferry.Worker.get_transport(OBJECTS)
        exporter = _export(transport)
        _run_until_closed(_state.loop, transport)
        exporter.stop(Ferry.StopMode.REFUSE)


def _run_until_closed(loop: asyncio.AbstractEventLoop, transport: Any) -> None:
    closed = threading.Event()

    def wait() -> None:
        transport.wait_closed()
        closed.set()
        loop.call_soon_threadsafe(loop.stop)

    threading.Thread(target=wait, daemon=True).start()
    while not closed.is_set():
        try:
            loop.run_forever()
        except (KeyboardInterrupt, SystemExit):
            # A coroutine has raised it. The request is answered with that.
            pass
