# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""In the application: Executor.stream(), the values that a function in a worker yields, as they come."""

import collections
import inspect
import sys
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator
from typing import Any, Generic, Self, TypeVar, cast

from . import _message
from ._home import End, Event, Home, Values, post, weakly
from ._library import Ferry, is_cancel
from ._names import STREAM
from ._task import Task, _Packed, name_of
from .errors import CancelledError, Error

T = TypeVar("T")
R = TypeVar("R")


# How many values may be on their way or wait here. A function that is further ahead waits.
WINDOW = 64
# The states of a task that was cancelled, of whose function nothing is told any more.
STOPPED = (Ferry.TaskState.CANCELLING, Ferry.TaskState.CANCELLED)


def _count_references(held: list[Any]) -> int:
    value = held.pop()
    return sys.getrefcount(value)


# Those to a stream that nothing has any more but the library, while its task runs.
OF_NOBODY = _count_references([object()]) + 1


def _close_if_left(held: "list[Yielding[Any]]") -> None:
    """On the home's thread: elsewhere, what is just told to the stream is a reference to it, too."""
    if _count_references(held[:]) - 1 <= OF_NOBODY:
        held[0].close()


def close_later_if_left(held: "list[Yielding[Any]]") -> None:
    """For a reader that is gone, which held the only one in this list."""
    home = held[0]._home
    if home is not None and not sys.is_finalizing() and not held[0].done():
        post(home.context, lambda: _close_if_left(held))


class _Reader(Generic[T]):
    """What a loop takes values from. A loop that is left, and alone has the stream, ends the function."""

    def __init__(self, stream: "Stream[T]") -> None:
        self._stream = stream

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        return self._stream.__next__()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        return await self._stream.__anext__()

    def __del__(self) -> None:
        # The list alone has it from now on: the home may look before this reader is gone.
        close_later_if_left([self.__dict__.pop("_stream")])


class Yielding(Task[R]):
    """A task whose function yields, and waits for who reads."""

    __gtype_name__ = "FerryPythonYielding"

    _yields_values = True

    def _prepare_values(self, window: int) -> None:
        self._window = window
        self._values: collections.deque[bytes] = collections.deque()
        self._news = Event()
        # How many values may come yet, on the home's thread, and how many more may come that the library was not told of.
        self._room = window
        self._owed = 0
        self._counting = threading.Lock()
        # How many wait for the end, and so do not read, and how many values had room anew before they were taken.
        self._waiting = 0
        self._lent = 0
        self._is_left = self._is_cut = False
        # Whether it was cancelled, by whatever: no value is taken any more. And whether none was left by then.
        self._is_stopped = self._was_read = False

    def _submit_to(self, home: Home, is_new: bool) -> None:
        super()._submit_to(home, is_new)
        # What cancels it need not be of this package, as the button of a row.
        Ferry.Task.connect(self, "notify::state", weakly(self._note_state))

    def _note_state(self, *_: Any) -> None:
        if self.get_state() in STOPPED and not self._is_cut:
            self._stop()

    def _stop(self) -> None:
        if not self._is_stopped:
            self._was_read = self.done() and not self._values
            self._is_stopped = True
            self._news.set()

    def do_yielded(self, value: Any) -> None:
        self._room -= 1
        self._values.append(_message.from_variant(value))
        if self._waiting:
            self._lend(1)
        elif self._is_left:
            self._cut()
        self._news.set()

    def do_done(self) -> None:
        Task.do_done(self)
        self._news.set()

    def cancel(self) -> bool:
        """Ends the function, wherever it is, and the loop over its values: its next step raises CancelledError.

        Any thread. No value comes any more, and those that had arrived are dropped. Returns whether the task was not done.
        """
        self._stop()
        return super().cancel()

    def close(self) -> None:
        """Takes no more values: cancels the task."""
        self.cancel()

    def _allow(self, count: int) -> None:
        """Lets so many more values come. Half a window is told at once."""
        with self._counting:
            self._owed += count
            if self._home is None or self._owed < self._window // 2:
                return
            owed, self._owed = self._owed, 0
        if self._home.is_here():
            self._widen(owed)
        else:
            post(self._home.context, lambda: self._widen(owed))

    def _widen(self, count: int) -> None:
        """On the home's thread."""
        self._room += count
        self.consume(count)

    def _lend(self, count: int) -> None:
        """For values that were not taken."""
        with self._counting:
            self._lent += count
        self._allow(count)

    def _lift(self) -> None:
        """The program waits for the end, and does not read: values are kept without limit meanwhile."""
        with self._counting:
            self._waiting += 1
        if not self.done():
            self._lend(max(0, len(self._values) - self._lent))

    def _wait(self, timeout: float | None) -> None:
        self._lift()
        try:
            super()._wait(timeout)
        finally:
            with self._counting:
                self._waiting -= 1

    def __await__(self) -> Generator[Any, None, R]:
        self._lift()
        return super().__await__()

    def _leave(self) -> None:
        """On the home's thread, as the executor ends. What is yielded has room, but no more: else the end never comes."""
        self._is_left = True
        self._cut()

    def _cut(self) -> None:
        """Ends a function that waits for a reader."""
        if not self._waiting and not self.done() and self._room <= 0:
            self._is_cut = True
            Ferry.Task.cancel(self)

    def _translate(self, error: Any) -> Exception:
        if self._is_cut and is_cancel(error):
            return Error("The executor ended while '%s' waited for its reader; read the stream before that, or wait for its "
                         "result(), which keeps all values" % self._name)
        return super()._translate(error)

    def _poll_value(self) -> Event | None:
        """What to wait for, or None where there is a value, or the end."""
        if self._values or self._is_stopped or self._ended.is_set():
            return None
        news = self._news = Event()
        return None if self._values or self._is_stopped or self._ended.is_set() else news

    def _stopped(self) -> CancelledError:
        """What the loop raises after a cancel."""
        self._values.clear()
        return CancelledError("'%s' was cancelled before all its values were read; submit a new task for all of them" % self._name)

    def _take_value(self) -> bytes:
        """A value. At the end, raises what the function raised, or End."""
        if self._is_stopped and not self._was_read:
            raise self._stopped()
        data = self._values.popleft() if self._values else None
        if data is None:
            self.result()
            raise End
        with self._counting:
            is_lent = self._lent > 0
            self._lent -= is_lent
        if not is_lent:
            self._allow(1)
        return data


class Stream(Yielding[Any], Values[T]):
    """A task whose function yields. It is an iterator of the values, by `for` and by `async for`.

    What the function returns at its end is its result(). A worker is at most 64 values ahead of the loop. A loop over a
    stream that nothing else refers to ends the function where the loop is left.
    """

    __gtype_name__ = "FerryPythonStream"

    def __init__(self, function: Callable[..., Iterable[T]], /, *args: Any, **kwargs: Any) -> None:
        plain = getattr(function, "func", function)
        if inspect.isasyncgenfunction(plain) or inspect.iscoroutinefunction(plain):
            raise TypeError("A stream is of a function that yields, and '%s' is asynchronous; submit a coroutine function, "
                            "and have it send by executor.pipe()" % name_of(plain))
        self._prepare_values(WINDOW)
        call = _Packed(function, args, kwargs)
        self._prepare(STREAM, Ferry.TaskKind.ITERATION, call, window=WINDOW, holds_window=True)
        self._complete(call)

    def __iter__(self) -> Iterator[T]:
        return _Reader(self)

    def __aiter__(self) -> AsyncIterator[T]:
        return _Reader(self)

    def _poll(self) -> Event | None:
        return self._poll_value()

    def _take(self) -> T:
        return cast(T, _message.unpack(self._take_value()))
