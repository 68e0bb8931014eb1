# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The executor of concurrent.futures, for programs that are written for it.

A future is that of concurrent.futures. So a future that runs cannot be cancelled, and knows no progress: `ferry.Executor`
is for that. A worker that is lost costs the future that it ran, and no other.
"""

import asyncio
import atexit
import collections
import concurrent.futures
import concurrent.futures.process
import functools
import itertools
import logging
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any

from . import _executor, _fault, _home, _limit, _message, errors
from ._library import Ferry
from ._map import Outcomes, check_buffersize, run_chunk
from ._outcome import Outcome, give
from ._task import Task, make_call, name_of

__all__ = ["Executor", "WorkerLost"]


class WorkerLost(errors.WorkerLost, concurrent.futures.process.BrokenProcessPool):
    """A lost worker, as programs expect it that know ProcessPoolExecutor."""


# The executors whose futures the end of the program waits for.
_executors: "weakref.WeakSet[Executor]" = weakref.WeakSet()


@functools.cache
def _register_end() -> None:
    # Behind the registration of Ferry's thread, so before its end.
    _home.own_thread()
    atexit.register(_end_all)


def _end_all() -> None:
    # Ctrl-C on a terminal ends what ProcessPoolExecutor's workers run, and here too the program does not wait for it.
    was_interrupted = isinstance(getattr(sys, "last_value", None), KeyboardInterrupt)
    for executor in list(_executors):
        if was_interrupted:
            executor._cancel_all()
        executor.shutdown()


class _Future(Outcome[Any]):
    """A future whose call a task is. What the task knows, it asks for when a program does."""

    _outcome: tuple[Any, BaseException | None] | None = None

    def __init__(self, task: Task[Any], executor: _executor.Executor) -> None:
        self._task = task
        # Until the outcome is known: the workers end with it, while futures are kept.
        self._executor: _executor.Executor | None = executor
        self._ended = task._ended
        self._name = task._name

    def _convert(self, exception: BaseException | None) -> BaseException | None:
        """As programs expect it that know ProcessPoolExecutor."""
        if isinstance(exception, errors.WorkerLost):
            return WorkerLost(str(exception), exception.exit_status, exception.signal, exception.last_lines)
        if isinstance(exception, errors.RemoteError) and exception.original is not None and \
                not isinstance(exception.original, (concurrent.futures.CancelledError, asyncio.CancelledError)):
            return exception.original
        if type(exception) is errors.Error and self._executor is not None:
            if self._executor._is_broken():
                return WorkerLost(str(exception))
            if self._executor._has_ended:
                # Its worker had not begun it, and no other one comes.
                return WorkerLost("The workers were ended before one of them began '%s'" % self._name)
        return exception

    def _read(self, timeout: float | None) -> tuple[Any, BaseException | None]:
        self._task._wait(timeout)
        if self._outcome is None:
            value, exception = self._task._read()
            outcome = value, self._convert(exception)
            # Of two threads that read it, the one that comes late may find no executor.
            self._outcome = self._outcome or outcome
            self._executor = None
        return self._outcome

    def exception(self, timeout: float | None = None) -> BaseException | None:
        _, exception = self._read(timeout)
        if isinstance(exception, concurrent.futures.CancelledError):
            raise exception
        return exception

    def result(self, timeout: float | None = None) -> Any:
        return give(*self._read(timeout))

    def running(self) -> bool:
        return not self.done() and self._task.running()

    def cancel(self) -> bool:
        """Only what waits is cancelled."""
        if self.done():
            return self.cancelled()
        home = self._task._home
        return home is not None and home.is_of_this_process() and home.call(functools.partial(_withdraw, self._task))

    def _is_brought_here(self) -> bool:
        return self._task._is_brought_here()

    def _describe_state(self) -> str:
        return self._task._describe_state()

    def _call_back(self, function: Callable[[Any], Any]) -> None:
        try:
            function(self)
        except Exception:
            # As those of concurrent.futures do.
            logging.getLogger("concurrent.futures").exception("exception calling callback for %r", self)


# What programs know of it.
_Future.__name__ = "Future"


def _withdraw(task: Task[Any]) -> bool:
    """On the home's thread: cancels a task that waits for a worker. Returns whether it is cancelled."""
    if task.get_state() == Ferry.TaskState.WAITING:
        Ferry.Task.cancel(task)
    return bool(task.get_state() == Ferry.TaskState.CANCELLED)


class Executor(concurrent.futures.Executor):
    """Calls functions in workers of Ferry. The arguments are those of ProcessPoolExecutor."""

    def __init__(self, max_workers: int | None = None, mp_context: Any = None,
                 initializer: Callable[..., Any] | None = None, initargs: tuple[Any, ...] = (), *,
                 max_tasks_per_child: int | None = None) -> None:
        if max_workers is not None and max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        if max_tasks_per_child is not None and max_tasks_per_child <= 0:
            raise ValueError("max_tasks_per_child must be >= 1")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        self._inner = _executor.ThreadExecutor(max_workers, initializer=initializer, initargs=initargs)
        if max_tasks_per_child is not None:
            self._inner.pool.props.max_tasks = max_tasks_per_child
        # Programs ask for it.
        self._max_workers = self._inner.workers
        self._lock = threading.Lock()
        self._is_shut_down = False
        _register_end()
        _executors.add(self)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "concurrent.futures.Future[Any]":
        _message.check_callable(fn)
        with self._lock:
            if self._is_shut_down:
                raise RuntimeError("cannot schedule new futures after shutdown")
            try:
                task = make_call(fn, args, kwargs)
            except Exception as error:
                future: concurrent.futures.Future[Any] = concurrent.futures.Future()
                future.set_exception(error)
                return future
            return _Future(self._inner.submit(task), self._inner)

    def map(self, fn: Callable[..., Any], *iterables: Iterable[Any], timeout: float | None = None,
            chunksize: int = 1, buffersize: int | None = None) -> Iterator[Any]:
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        check_buffersize(buffersize)
        _message.check_callable(fn)
        rows = zip(*iterables)
        if chunksize == 1 or isinstance(fn, _limit.Limited):
            return self._map(fn, rows, timeout, buffersize)
        chunks = iter(lambda: list(itertools.islice(rows, chunksize)), [])
        return _values(fn, self._map(run_chunk, zip(itertools.repeat(fn), chunks), timeout, buffersize))

    def _map(self, fn: Callable[..., Any], rows: Iterator[tuple[Any, ...]], timeout: float | None,
             buffersize: int | None) -> Iterator[Any]:
        """At most so many calls are submitted and have no result that was taken: without a number, all are at once."""
        end = None if timeout is None else time.monotonic() + timeout
        futures = collections.deque(self.submit(fn, *row) for row in itertools.islice(rows, buffersize))
        return _results(futures, end, lambda: futures.extend(self.submit(fn, *row) for row in itertools.islice(rows, 1)))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if kind is not None and not issubclass(kind, Exception):
            # Ctrl-C ends the workers of ProcessPoolExecutor, too: those of a terminal have it as the program has.
            self._cancel_all()
        self.shutdown()

    def _cancel_all(self) -> None:
        """Ends what runs and what waits, and takes no more."""
        with self._lock:
            self._is_shut_down = True
        self._inner.cancel_all()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        with self._lock:
            self._is_shut_down = True
        self._inner.shutdown(wait=wait, cancel_futures=cancel_futures)

    def _end_workers(self, number: int) -> None:
        with self._lock:
            self._is_shut_down = True
        self._inner._home.call(functools.partial(self._inner._end_workers, number))
        self._inner.shutdown(wait=False)

    def terminate_workers(self) -> None:
        """Ends the workers by SIGTERM, and the executor. What runs is lost, and what waits is cancelled."""
        self._end_workers(signal.SIGTERM)

    def kill_workers(self) -> None:
        """Ends the workers by SIGKILL, and the executor. What runs is lost, and what waits is cancelled."""
        self._end_workers(signal.SIGKILL)


Futures = collections.deque["concurrent.futures.Future[Any]"]


def _take(futures: Futures, end: float | None) -> Any:
    future = futures.popleft()
    try:
        return future.result(None if end is None else end - time.monotonic())
    finally:
        future.cancel()


def _results(futures: Futures, end: float | None, submit: Callable[[], None]) -> Iterator[Any]:
    """The results of futures, in order, and to none a reference remains here. What is left of them is cancelled."""
    try:
        while futures:
            yield _take(futures, end)
            submit()
    finally:
        for future in futures:
            future.cancel()


def _values(function: Callable[..., Any], results: Iterable[Outcomes]) -> Iterator[Any]:
    for _, values, faults in results:
        for place, value in enumerate(values):
            if place in faults:
                raise _fault.restore(faults[place], name_of(function))
            yield value
