# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The executor of concurrent.futures, for programs that are written for it.

A future is that of concurrent.futures. So a future that runs cannot be cancelled, and knows no progress: `ferry.Executor`
is for that. A worker that is lost costs the future that it ran, and no other.
"""

import collections
import concurrent.futures
import functools
import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import _limit, _message
from ._names import PATHS

if TYPE_CHECKING:
    from ._concurrent import WorkerLost

__all__ = ["Executor", "WorkerLost"]


def __getattr__(name: str) -> Any:
    if name != "WorkerLost":
        raise AttributeError("module %r has no attribute %r" % (__name__, name))
    from . import _concurrent

    return _concurrent.WorkerLost


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
        from . import _concurrent

        # Not imported above, as workers import this where their program does.
        self._parts = _concurrent
        self._inner = _concurrent.ThreadExecutor(max_workers, initializer=initializer, initargs=initargs)
        if max_tasks_per_child is not None:
            self._inner.pool.props.max_tasks = max_tasks_per_child
        # Programs ask for it.
        self._max_workers = self._inner.workers
        self._lock = threading.Lock()
        self._is_shut_down = False
        _concurrent.register_end()
        _concurrent.executors.add(self)

    def __reduce__(self) -> Any:
        return self._inner.__reduce__()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "concurrent.futures.Future[Any]":
        _message.check_callable(fn)
        with self._lock:
            if self._is_shut_down:
                raise RuntimeError("cannot schedule new futures after shutdown")
            try:
                task = self._parts.make_call(fn, args, kwargs)
            except Exception as error:
                future: concurrent.futures.Future[Any] = concurrent.futures.Future()
                future.set_exception(error)
                return future
            called: concurrent.futures.Future[Any] = self._parts.Future(self._inner.submit(task), self._inner)
            return called

    def map(self, fn: Callable[..., Any], *iterables: Iterable[Any], timeout: float | None = None,
            chunksize: int = 1, buffersize: int | None = None) -> Iterator[Any]:
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        self._parts.check_buffersize(buffersize)
        _message.check_callable(fn)
        rows = zip(*iterables)
        if chunksize == 1 or isinstance(fn, _limit.Limited):
            return self._map(fn, rows, timeout, buffersize)
        chunks = iter(lambda: list(itertools.islice(rows, chunksize)), [])
        return self._parts.values(fn, self._map(self._parts.run_chunk, zip(itertools.repeat(fn), chunks), timeout, buffersize))

    def _map(self, fn: Callable[..., Any], rows: Iterator[tuple[Any, ...]], timeout: float | None,
             buffersize: int | None) -> Iterator[Any]:
        """At most so many calls are submitted and have no result that was taken: without a number, all are at once."""
        end = None if timeout is None else time.monotonic() + timeout
        futures = collections.deque(self.submit(fn, *row) for row in itertools.islice(rows, buffersize))
        return self._parts.results(futures, end,
                                   lambda: futures.extend(self.submit(fn, *row) for row in itertools.islice(rows, 1)))

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


if PATHS not in os.environ:
    from . import _concurrent  # noqa: F401
