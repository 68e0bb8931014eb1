# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The calls of pprocess: a function in another process, and a channel to it.

    results = parallel.Map(limit=4)
    calculate = results.manage(parallel.MakeParallel(render))
    for tile in tiles:
        calculate(tile)
    print(results[0])

    BackgroundCallable("scene.socket", MakeParallel(render_all))("scene")      # in one run of the program
    for image in BackgroundQueue("scene.socket"): ...                          # in another

Functions run in workers that are used again. A send waits for no acknowledgement. An exception is raised where the value
would have come, and an exception may be a value.
"""

import os
import pickle
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, NoReturn, Self

from .. import _executor, _message, _pipe, _travel
from .._executor import ThreadExecutor
from .._home import Event
from .._library import Ferry
from .._task import Task, name_of
from . import _persistent
from ._persistent import start_persistent

__all__ = ["BackgroundCallable", "BackgroundQueue", "Channel", "Exchange", "MakeParallel", "MakeReusable", "ManagedCallable",
           "Map", "PersistentCallable", "PersistentChannel", "PersistentExchange", "PersistentQueue", "Queue",
           "connect_persistent", "create", "exit", "get_number_of_cores", "pmap", "start", "start_persistent"]

_SIZE = struct.Struct("<Q")


def get_number_of_cores() -> int:
    """How many cores this program may use."""
    return int(Ferry.get_n_usable_cores())


# ---- messages to a worker ----


def _write(descriptor: int, message: Any) -> None:
    data = pickle.dumps(message, 5)
    rest = memoryview(_SIZE.pack(len(data)) + data)
    while rest:
        rest = rest[os.write(descriptor, rest):]


def _read_bytes(descriptor: int, size: int) -> bytes:
    parts = []
    while size:
        part = os.read(descriptor, min(size, 1 << 20))
        if not part:
            raise EOFError("The other end of the channel was closed")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _read(descriptor: int) -> Any:
    return _message.loads(_read_bytes(descriptor, *_SIZE.unpack(_read_bytes(descriptor, _SIZE.size))))


class _End:
    """What both ends of a channel do."""

    def __init__(self) -> None:
        self._reading = threading.Lock()
        self._writing = threading.Lock()
        self._reader = self._writer = -1

    def send(self, message: Any) -> None:
        with self._writing:
            if self._writer < 0:
                raise BrokenPipeError("The channel was closed")
            _write(self._writer, message)

    def receive(self) -> Any:
        with self._reading:
            if self._reader < 0:
                raise EOFError("The channel was closed")
            return _read(self._reader)

    def close(self) -> None:
        descriptors = {self._reader, self._writer} - {-1}
        self._reader = self._writer = -1
        for descriptor in descriptors:
            os.close(descriptor)


class _Inlet(_travel.Traveller, _End):
    """Messages from the application to one worker. The reader travels."""

    def __init__(self) -> None:
        _End.__init__(self)
        self._reader, self._writer = os.pipe()

    def _give_to(self, task: Any) -> None:
        task.add_descriptor(self._reader)
        os.close(self._reader)
        self._reader = -1

    def _arrive(self, job: Any, handle: int, count: int) -> None:
        _End.__init__(self)
        self._reader = job.dup_descriptor(handle)

    def __del__(self) -> None:
        if "_reader" in self.__dict__:
            self.close()


class WorkerChannel:
    """A worker's end of a channel: the first argument of its function."""

    def __init__(self, sender: _pipe.Sender, inlet: _Inlet) -> None:
        self._sender = sender
        self._inlet = inlet

    def send(self, message: Any) -> None:
        """Sends what can be pickled. Waits where the application is far behind."""
        self._sender.send(message)

    def receive(self) -> Any:
        """Waits for a message. Raises EOFError where the application has closed the channel."""
        return self._inlet.receive()

    def close(self) -> None:
        self._sender.close()
        self._inlet.close()


def _serve(function: Callable[..., Any], sender: _pipe.Sender, inlet: _Inlet, args: tuple[Any, ...],
           kwargs: dict[str, Any]) -> None:
    channel = WorkerChannel(sender, inlet)
    try:
        function(channel, *args, **kwargs)
    finally:
        channel.close()


class _ApplicationEnd:
    """What the application's ends of channels do."""

    def receive(self, timeout: float | None = None) -> Any:
        raise NotImplementedError

    def wait(self, timeout: float | None = None) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def _poll(self) -> Event | None:
        """None where there is a message, or the end of the function."""
        raise NotImplementedError

    def _has_message(self) -> bool:
        """Whether there is a message, which is taken from the other end. Where _poll() has given None, else the end is."""
        raise NotImplementedError

    def _poll_to_take(self) -> Event | None:
        """As _poll(), for who takes the message at once."""
        return None if self._has_message() else self._poll()

    def _give_up(self) -> None:
        """Whoever has waited for the messages has failed."""
        self.close()

    def __iter__(self) -> Iterator[Any]:
        while True:
            try:
                message = self.receive()
            except EOFError:
                return
            yield message

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


class Channel(_ApplicationEnd):
    """The application's end of a channel to a function in a worker. start() makes it."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        _message.check(function)
        executor = _executor.shared()
        sender, self._receiver = executor.pipe()
        self._inlet = _Inlet()
        task: Task[None] = Task(_serve, function, sender, self._inlet, args, kwargs)
        task.props.name = name_of(function)
        self.task = executor.submit(task)

    def send(self, message: Any) -> None:
        """Sends to the function what can be pickled. Waits where the function does not take it."""
        self._inlet.send(message)

    def receive(self, timeout: float | None = None) -> Any:
        """Waits for a message, for at most so many seconds.

        Behind the last message, raises what the function raised, or EOFError.
        """
        try:
            return self._receiver.receive(timeout)
        except EOFError:
            self.task.result(timeout)
            raise

    def wait(self, timeout: float | None = None) -> None:
        """Waits for the end of the function, and raises what it raised."""
        self.task.result(timeout)

    def close(self) -> None:
        """The function can neither send nor receive any more: it gets BrokenPipeError or EOFError."""
        self._receiver.close()
        self._inlet.close()

    def cancel(self) -> None:
        """Ends the function, wherever it is."""
        self.task.cancel()

    def _poll(self) -> Event | None:
        event = self._receiver._poll()
        if event is None and not self._receiver._messages and not self.task.done():
            event = self.task._ended
        return event

    def _has_message(self) -> bool:
        return bool(self._receiver._messages)

    def _give_up(self) -> None:
        self.cancel()
        self.close()


def start(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Channel:
    """Has a worker call function(channel, *args, **kwargs), and returns the other end of the channel."""
    return Channel(function, args, kwargs)


# ---- a function in a process that outlives the application ----


class PersistentChannel(_ApplicationEnd):
    """The application's end of a channel to a function that start_persistent() has started. connect_persistent() makes it.

    A message is in the process until it is received here, so who leaves in between leaves the others for who comes next.
    """

    def __init__(self, address: str, timeout: float) -> None:
        self.address = address
        self._connection = _persistent.Connection(address, timeout)
        # What was taken from the process and not from here.
        self._taken: list[Any] = []
        self._failure: Exception | None = None

    def send(self, message: Any) -> None:
        """Sends to the function what can be pickled. Waits where the function is far behind."""
        self._connection.send(message)

    def receive(self, timeout: float | None = None) -> Any:
        """Waits for a message, for at most so many seconds.

        Behind the last message, raises what the function raised, or EOFError.
        """
        # The home tells when a message comes. What has come is taken without a way there and back.
        while not self._has_message() and (event := self._poll()):
            if not event.wait(self._connection.home, timeout):
                raise TimeoutError("No message has come in time")
        if self._has_message():
            return self._taken.pop()
        self.wait()
        raise EOFError("The function has ended, or the channel was closed")

    def wait(self, timeout: float | None = None) -> None:
        """Raises what the function raised, where that has come. Whether the function has ended shows behind its messages."""
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """Leaves. The function goes on, and what it sends waits for who comes next."""
        self._connection.close()

    def _poll(self) -> Event | None:
        return None if self._taken or self._failure else self._connection.poll()

    def _has_message(self) -> bool:
        if not self._taken and self._failure is None:
            try:
                has_value, value = self._connection.take()
            except Exception as failure:
                self._failure = failure
            else:
                if has_value:
                    self._taken.append(value)
        return bool(self._taken)


def connect_persistent(address: str, timeout: float = 0) -> PersistentChannel:
    """Finds a function that start_persistent() has started, in this program or in another one of the same user.

    ConnectionRefusedError where there is none within so many seconds. One application is there at a time.
    """
    return PersistentChannel(address, timeout)


class BackgroundCallable:
    """A function whose call is start_persistent()."""

    def __init__(self, address: str, function: Callable[..., Any]) -> None:
        _message.check(function)
        self.address = address
        self.function = function

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        start_persistent(self.address, self.function, *args, **kwargs)


# ---- functions whose result is a message ----


class MakeParallel:
    """Makes a function that sends its result over a channel of a function that returns it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        _message.check(function)
        self.function = function
        self.__qualname__ = name_of(function)

    def __call__(self, channel: WorkerChannel, /, *args: Any, **kwargs: Any) -> None:
        channel.send(self.function(*args, **kwargs))


class MakeReusable(MakeParallel):
    """The same: workers are used again in any case."""


# ---- many channels ----

AnyChannel = Channel | PersistentChannel


class ManagedCallable:
    """A function that an exchange starts."""

    def __init__(self, function: Callable[..., Any], exchange: "Exchange") -> None:
        self.function = function
        self.exchange = exchange

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        self.exchange.start(self.function, *args, **kwargs)


class Exchange:
    """Channels that are read as messages come. A subclass has store_data(channel), which takes one message.

    At most `limit` functions run at once: a further one waits until another has ended.
    """

    def __init__(self, channels: Iterable[AnyChannel] = (), limit: int | None = None, reuse: bool = False,
                 continuous: bool = False, autoclose: bool = True) -> None:
        if limit is not None and limit < 1:
            raise ValueError("limit must be at least 1")
        self.limit = limit
        self._channels: list[AnyChannel] = list(channels)
        self._failure: BaseException | None = None

    def add(self, channel: AnyChannel) -> None:
        self._channels.append(channel)

    def remove(self, channel: AnyChannel) -> None:
        self._channels.remove(channel)

    def active(self) -> list[AnyChannel]:
        """The channels whose functions have not ended, or whose messages were not taken."""
        return list(self._channels)

    def ready(self, timeout: float | None = None) -> list[AnyChannel]:
        """Waits, for at most so many seconds, and returns the channels with a message, or with an end."""
        return self._wait_for(timeout, lambda channel: channel._poll())

    def _wait_for(self, timeout: float | None, poll: Callable[[AnyChannel], Event | None]) -> list[AnyChannel]:
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            news = Event()
            found = []
            for channel in self._channels:
                event = poll(channel)
                if event is None:
                    found.append(channel)
                else:
                    event.add_callback(news.set)
            rest = None if deadline is None else deadline - time.monotonic()
            if found or not self._channels or (rest is not None and rest <= 0):
                return found
            news.wait(_executor.shared()._home, rest)

    def store_data(self, channel: AnyChannel) -> None:
        """Takes a message of a channel: `channel.receive()`."""
        raise NotImplementedError("A subclass of Exchange says what it does with a message: define store_data(channel)")

    def store_error(self, channel: AnyChannel, error: BaseException) -> None:
        """Takes what a function raised. finish() raises the first one."""
        self._failure = self._failure or error

    def _store(self, channel: AnyChannel) -> None:
        if channel._has_message():
            self.store_data(channel)
            return
        self.remove(channel)
        try:
            channel.wait()
        except Exception as error:
            self.store_error(channel, error)
        channel.close()

    def store(self, timeout: float | None = None) -> None:
        """Waits for messages, and takes one of each channel that has some."""
        for channel in self._wait_for(timeout, lambda channel: channel._poll_to_take()):
            self._store(channel)

    def wait(self) -> None:
        """Takes messages until one more function may run."""
        while self.limit is not None and len(self._channels) >= self.limit:
            self.store()

    def add_wait(self, channel: AnyChannel) -> None:
        self.wait()
        self.add(channel)

    def start(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> None:
        """Has a worker call function(channel, *args, **kwargs), when there is room for it."""
        self.wait()
        self.add(start(function, *args, **kwargs))

    def manage(self, function: Callable[..., Any]) -> ManagedCallable:
        """A function that starts this one when it is called."""
        _message.check(function)
        return ManagedCallable(function, self)

    def finish(self) -> None:
        """Takes messages until all functions have ended."""
        while self._channels:
            self.store()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        """Waits for all functions, or cancels them if the block raised."""
        if kind is None:
            self.finish()
            return
        for channel in self._channels:
            channel._give_up()
        self._channels.clear()


class Map(Exchange, Sequence[Any]):
    """Results in the order in which functions were started. An index, an iterator and a comparison wait for them."""

    def __init__(self, channels: Iterable[AnyChannel] = (), limit: int | None = None, reuse: bool = False,
                 continuous: bool = False, autoclose: bool = True) -> None:
        super().__init__((), limit)
        self._indices: dict[AnyChannel, int] = {}
        # (whether it is a value, the value or the exception) of each function.
        self._results: list[tuple[bool, Any] | None] = []
        for channel in channels:
            self.add(channel)

    def add(self, channel: AnyChannel) -> None:
        self._indices[channel] = len(self._results)
        self._results.append(None)
        super().add(channel)

    def store_data(self, channel: AnyChannel) -> None:
        self._results[self._indices[channel]] = True, channel.receive()

    def store_error(self, channel: AnyChannel, error: BaseException) -> None:
        self._results[self._indices[channel]] = False, error

    def remove(self, channel: AnyChannel) -> None:
        super().remove(channel)
        index = self._indices[channel]
        if self._results[index] is None:
            self._results[index] = False, EOFError("The function of this result has sent none")

    def _get(self, index: int) -> Any:
        while (result := self._results[index]) is None:
            self.store()
        is_value, value = result
        if not is_value:
            raise value
        return value

    def __len__(self) -> int:
        return len(self._results)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._get(i) for i in range(*index.indices(len(self)))]
        return self._get(range(len(self))[index])

    def __eq__(self, other: Any) -> bool:
        return len(self) == len(other) and all(one == two for one, two in zip(self, other))


class Queue(Exchange):
    """Results as they come. It is an iterator, which ends when all functions have ended."""

    def __init__(self, channels: Iterable[AnyChannel] = (), limit: int | None = None, reuse: bool = False,
                 continuous: bool = False, autoclose: bool = True) -> None:
        super().__init__(channels, limit)
        self._results: list[tuple[bool, Any]] = []

    def store_data(self, channel: AnyChannel) -> None:
        self._results.append((True, channel.receive()))

    def store_error(self, channel: AnyChannel, error: BaseException) -> None:
        self._results.append((False, error))

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        while not self._results:
            if not self._channels:
                raise StopIteration
            self.store()
        is_value, value = self._results.pop(0)
        if not is_value:
            raise value
        return value

    def __len__(self) -> int:
        """How many results are here."""
        return len(self._results)


# ---- many processes that outlive the application ----


class PersistentCallable:
    """A function that a persistent exchange starts."""

    def __init__(self, address: str, function: Callable[..., Any], exchange: "PersistentExchange | PersistentQueue") -> None:
        self.address = address
        self.function = function
        self.exchange = exchange

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        self.exchange.start(self.address, self.function, *args, **kwargs)


class PersistentExchange(Exchange):
    """An exchange whose functions have addresses. It starts them, and takes messages of those that it is connected to."""

    def start(self, address: str, function: Callable[..., Any], /,  # type: ignore[override]
              *args: Any, **kwargs: Any) -> None:
        """As start_persistent() does."""
        start_persistent(address, function, *args, **kwargs)

    def manage(self, address: str, function: Callable[..., Any]) -> PersistentCallable:  # type: ignore[override]
        """A function that starts this one when it is called."""
        _message.check(function)
        return PersistentCallable(address, function, self)

    def connect(self, address: str, timeout: float = 0) -> None:
        """Takes the messages of the function at this address, from now on."""
        self.add_wait(connect_persistent(address, timeout))


class PersistentQueue(PersistentExchange, Queue):
    """Results of such functions as they come."""


def BackgroundQueue(address: str, timeout: float = 0) -> PersistentQueue:
    """The results of the function at this address."""
    queue = PersistentQueue()
    queue.connect(address, timeout)
    return queue


def pmap(function: Callable[..., Any], sequence: Iterable[Any], limit: int | None = None) -> list[Any]:
    """The results of a function for each item, in order, by at most `limit` workers; as many as there are cores."""
    with ThreadExecutor(limit or get_number_of_cores()) as executor:
        return list(executor.map(function, sequence))


# ---- a fork of this process ----


class ForkedChannel(_End):
    """An end of the channel between a process and its child.

    `identifier` is the child's process id as text, and None in the child: so that tells which of the two this is.
    """

    def __init__(self, child: int | None, reader: int, writer: int) -> None:
        super().__init__()
        self.identifier = None if child is None else str(child)
        self._child = child
        self._reader, self._writer = reader, writer

    def wait(self) -> int:
        """Waits for the end of the child, and returns its exit status, which is negative after a signal."""
        if self._child is None:
            raise RuntimeError("This is the child, which has no process to wait for; call wait() in the parent")
        return os.waitstatus_to_exitcode(os.waitpid(self._child, 0)[1])


def create() -> ForkedChannel:
    """Forks this process: returns in both. The child ends by exit(channel).

    The child has a copy of all that is here, but for the threads. It cannot use Ferry, nor a window.
    """
    here, from_child = os.pipe()
    from_parent, there = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(here)
        os.close(there)
        return ForkedChannel(None, from_parent, from_child)
    os.close(from_child)
    os.close(from_parent)
    return ForkedChannel(pid, here, there)


def exit(channel: ForkedChannel, status: int = 0) -> NoReturn:
    """Ends the child of create(), without what the parent has registered for its end."""
    channel.close()
    os._exit(status)
