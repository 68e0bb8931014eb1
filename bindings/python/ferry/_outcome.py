# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is waited for, by result() and by await: the base of tasks, and the calls of objects and of muxes.

Each is a future of concurrent.futures, which coroutines await as they await asyncio's own.
"""

import concurrent.futures
import functools
import sys
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any, Self, TypeVar, cast

from ._home import Event, Home, Staying, running_loop
from .errors import Error, WorkerLost

T = TypeVar("T")


class _Callback:
    """One of add_done_callback(). In a coroutine, it is for the loop that runs it, as those of asyncio's futures are."""

    def __init__(self, outcome: "Outcome[Any]", function: Callable[[Any], Any], context: Any) -> None:
        self._outcome: "Outcome[Any] | None" = outcome
        self.function: Callable[[Any], Any] | None = function
        self._loop = running_loop()
        self._context = context

    def _call(self) -> None:
        # What is over refers to itself no more, and needs no collector.
        (function, self.function), (outcome, self._outcome) = (self.function, None), (self._outcome, None)
        if function is not None and outcome is not None:
            outcome._call_back(function)

    def __call__(self) -> None:
        if self._loop is None:
            self._call()
            return
        try:
            self._loop.call_soon_threadsafe(self._call, context=self._context)
        except RuntimeError:
            # The loop was closed meanwhile.
            self._call()


def give(value: T, exception: BaseException | None) -> T:
    """Raises the exception, where there is one, without a circle of its traceback and this frame."""
    if exception is None:
        return value
    try:
        raise exception
    finally:
        del exception


class Outcome(Staying, concurrent.futures.Future[T]):
    """What is waited for by result() and by await. `_ended` is set at the end.

    It is a future for whatever takes one, as asyncio.wrap_future() and concurrent.futures.wait() do.
    """

    _ended: Event
    _name: str
    _instead = "pass its result()"

    def _is_brought_here(self) -> bool:
        """Whether the end comes on this thread, so that who blocks it waits for ever."""
        return False

    def _describe_state(self) -> str:
        return "done" if self.done() else "waiting"

    def __repr__(self) -> str:
        # asyncio.create_task(), which takes coroutines alone, says this where it refuses.
        return "<ferry.%s %s, %s: a future, which is awaited as it is>" % (type(self).__name__, self._name,
                                                                          self._describe_state())

    def done(self) -> bool:
        return self._ended.is_set()

    def running(self) -> bool:
        return not self.done()

    def cancelled(self) -> bool:
        """Whether it has ended by a cancel."""
        if not self.done():
            return False
        try:
            return isinstance(self.exception(), concurrent.futures.CancelledError)
        except concurrent.futures.CancelledError:
            return True

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Waits as result() does, and returns what that raises, or None. What was cancelled raises."""
        try:
            self.result(timeout)
        except concurrent.futures.CancelledError:
            raise
        except Exception as error:
            if not self.done():
                raise
            return error
        return None

    def add_done_callback(self, callback: Callable[[Self], Any], *, context: Any = None) -> None:
        """Has it called with this object: on the thread where the end comes, or now where that is here.

        In a coroutine of asyncio the callback is for the loop, which calls it with the context, as long as it is open.
        """
        entry = _Callback(self, callback, context)
        self.__dict__.setdefault("_entries", []).append(entry)
        self._ended.add_callback(entry)

    def _call_back(self, function: Callable[[Self], Any]) -> None:
        function(self)

    def _call_at_end(self, function: Callable[[Self], Any]) -> None:
        """For the package itself: called on the thread where the end comes, whatever loop runs here."""
        self._ended.add_callback(functools.partial(function, self))

    def remove_done_callback(self, callback: Callable[[Self], Any]) -> int:
        """Takes a callback back that was not called. Returns how often it was there."""
        found = [entry for entry in self.__dict__.get("_entries", ()) if entry.function == callback]
        for entry in found:
            entry.function = None
            self.__dict__["_entries"].remove(entry)
        return len(found)

    def __await__(self) -> Generator[Any, None, T]:
        try:
            yield from self._ended.__await__()
        except BaseException:
            # What awaits is cancelled, and so is what it awaits, as with asyncio's own tasks.
            self.cancel()
            raise
        try:
            return self.result()
        except concurrent.futures.CancelledError as error:
            import asyncio

            raise asyncio.CancelledError(*error.args) from None

    # ---- what concurrent.futures.wait() and as_completed() look at, made for the one that they look at ----

    def _get_condition(self) -> threading.Condition:
        found: threading.Condition | None = self.__dict__.get("_lock_of_waiters")
        if found is None:
            # The list is there when another thread finds the lock.
            self.__dict__.setdefault("_list_of_waiters", [])
            found = self.__dict__.setdefault("_lock_of_waiters", threading.Condition())
            self._ended.add_callback(self._tell_waiters)
        return found

    def _tell_waiters(self) -> None:
        with self._get_condition():
            if "_is_told" in self.__dict__:
                return
            self.__dict__["_is_told"] = True
            waiters = self.__dict__["_list_of_waiters"]
            if not waiters:
                return
            tell = "add_cancelled" if self.cancelled() else "add_exception" if self.exception() else "add_result"
            for waiter in waiters:
                getattr(waiter, tell)(self)

    def _get_state(self) -> str:
        return "FINISHED" if "_is_told" in self.__dict__ else "RUNNING"

    def _get_waiters(self) -> list[Any]:
        if "_is_told" not in self.__dict__ and self._is_brought_here():
            raise Error("The main loop of this thread brings the end of '%s', and concurrent.futures would stand in its "
                        "way; call result(), await it, or connect to 'done'" % self._name)
        waiters: list[Any] = self.__dict__["_list_of_waiters"]
        return waiters

    # For newer versions of mypy they are fields, which a property may not replace.
    _condition: Any = property(_get_condition)
    _state: Any = property(_get_state)
    _waiters: Any = property(_get_waiters)


class Call(Outcome[T]):
    """What was asked of an object in another process. It is on its way already, whether it is waited for or not.

    An exception that nobody asks for is printed.
    """

    _is_retrieved = False

    def __init__(self, name: str, home: Home | None = None) -> None:
        self._name = name
        # None where another thread brings the end in any case.
        self._home = home
        self._ended = Event()
        self._value: Any = None
        self._exception: Exception | None = None
        # Has the other end hear of a cancel.
        self._cancel: Callable[[], Any] = lambda: None

    def _end(self, value: Any, exception: Exception | None) -> None:
        if not self.done():
            self._value, self._exception = value, exception
            self._ended.set()

    def __del__(self) -> None:
        if self._exception is None or self._is_retrieved or self.cancelled():
            return
        # The end of the program is that of its workers, and no failure of what was asked.
        if self._home is None or not self._home.is_over or not isinstance(self._exception, WorkerLost):
            sys.excepthook(type(self._exception), self._exception, self._exception.__traceback__)

    def cancel(self) -> bool:
        """Raises `ferry.Cancelled` in the method, if it runs. A call that waits for its turn is not begun.

        Returns whether the call was not done.
        """
        is_open = not self.done()
        if is_open:
            self._cancel()
        return is_open

    def cancelled(self) -> bool:
        return isinstance(self._exception, concurrent.futures.CancelledError)

    def _is_brought_here(self) -> bool:
        return self._home is not None and self._home.is_here()

    def _wait(self, timeout: float | None) -> None:
        self._is_retrieved = True
        if not self._ended.wait(self._home, timeout):
            raise TimeoutError("'%s' is not done yet; wait longer, or cancel it" % self._name)

    def result(self, timeout: float | None = None) -> T:
        """Waits for the answer, for at most so many seconds, and returns it, or raises what the method raised."""
        self._wait(timeout)
        if self._exception is not None:
            raise self._exception
        return cast(T, self._value)

    def exception(self, timeout: float | None = None) -> Exception | None:
        """Waits as result() does, and returns the exception, or None."""
        self._wait(timeout)
        return self._exception

    def __iter__(self) -> Iterator[Any]:
        """The values that a generator yields, or those of another result that can be iterated."""
        return iter(cast(Any, self.result()))

    async def __aiter__(self) -> AsyncIterator[Any]:
        async for value in cast(Any, await self):
            yield value


class Answer(Call[T]):
    """A call whose cancel the other end may hear, and nobody waits for."""

    def cancel(self) -> bool:
        """The answer is not wanted any more. The other end hears of it by `ferry.cancelled()`, and else goes on.

        Returns whether there was no answer yet.
        """
        is_open = super().cancel()
        self._end(None, concurrent.futures.CancelledError("'%s' was cancelled" % self._name))
        return is_open
