# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the executor of concurrent.py is made of in the application. A worker whose program imports that has no use for it."""

import atexit
import collections
import concurrent.futures
import concurrent.futures.process
import functools
import logging
import sys
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from . import _fault, _home, errors
from ._executor import Executor as OwnExecutor
from ._executor import ThreadExecutor
from ._library import Ferry
from ._map import Outcomes, check_buffersize, run_chunk
from ._outcome import Outcome, give
from ._task import Task, make_call, name_of

if TYPE_CHECKING:
    from .concurrent import Executor

__all__ = ["Future", "ThreadExecutor", "WorkerLost", "check_buffersize", "executors", "make_call", "register_end", "results",
           "run_chunk", "values"]


class WorkerLost(errors.WorkerLost, concurrent.futures.process.BrokenProcessPool):
    """A lost worker, as programs expect it that know ProcessPoolExecutor."""

    # Where programs and pickles find it.
    __module__ = "ferry.concurrent"


# The executors whose futures the end of the program waits for.
executors: "weakref.WeakSet[Executor]" = weakref.WeakSet()


@functools.cache
def register_end() -> None:
    # Behind the registration of Ferry's thread, so before its end.
    _home.own_thread()
    atexit.register(_end_all)


def _end_all() -> None:
    # Ctrl-C on a terminal ends what ProcessPoolExecutor's workers run, and here too the program does not wait for it.
    was_interrupted = isinstance(getattr(sys, "last_value", None), KeyboardInterrupt)
    for executor in list(executors):
        if was_interrupted:
            executor._cancel_all()
        executor.shutdown()


def _cancels() -> tuple[type[BaseException], ...]:
    """What would be taken for a cancel of the future itself. An exception of asyncio's has imported that."""
    asyncio = sys.modules.get("asyncio")
    return (concurrent.futures.CancelledError, *([] if asyncio is None else [asyncio.CancelledError]))


class Future(Outcome[Any]):
    """A future whose call a task is. What the task knows, it asks for when a program does."""

    _outcome: tuple[Any, BaseException | None] | None = None

    def __init__(self, task: Task[Any], executor: OwnExecutor) -> None:
        self._task = task
        # Until the outcome is known: the workers end with it, while futures are kept.
        self._executor: OwnExecutor | None = executor
        self._ended = task._ended
        self._name = task._name

    def _convert(self, exception: BaseException | None) -> BaseException | None:
        """As programs expect it that know ProcessPoolExecutor."""
        if isinstance(exception, errors.WorkerLost):
            lost = WorkerLost(str(exception), exception.exit_status, exception.signal, exception.last_lines,
                              exception.backtrace)
            lost.__notes__ = [*getattr(exception, "__notes__", ())]
            return lost
        if isinstance(exception, errors.RemoteError) and exception.original is not None and \
                not isinstance(exception.original, _cancels()):
            return exception.original
        if type(exception) is errors.Error and self._executor is not None:
            if self._executor._is_broken():
                return WorkerLost(str(exception))
            if self._executor._has_ended:
                # Its worker had not begun it, and no other one comes.
                return WorkerLost("The workers were ended before one of them began '%s'" % self._name)
        if exception is not None:
            _fault.convert_cause(exception, concurrent.futures.process._RemoteTraceback)
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


def _withdraw(task: Task[Any]) -> bool:
    """On the home's thread: cancels a task that waits for a worker. Returns whether it is cancelled."""
    if task.get_state() == Ferry.TaskState.WAITING:
        Ferry.Task.cancel(task)
    return bool(task.get_state() == Ferry.TaskState.CANCELLED)


Futures = collections.deque["concurrent.futures.Future[Any]"]


def _take(futures: Futures, end: float | None) -> Any:
    future = futures.popleft()
    try:
        return future.result(None if end is None else end - time.monotonic())
    finally:
        future.cancel()


def results(futures: Futures, end: float | None, submit: Callable[[], None]) -> Iterator[Any]:
    """The results of futures, in order, and to none a reference remains here. What is left of them is cancelled."""
    try:
        while futures:
            yield _take(futures, end)
            submit()
    finally:
        for future in futures:
            future.cancel()


def values(function: Callable[..., Any], outcomes: Iterable[Outcomes]) -> Iterator[Any]:
    for _, found, faults in outcomes:
        for place, value in enumerate(found):
            if place in faults:
                raise _fault.restore(faults[place], name_of(function))
            yield value
