# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pool of multiprocessing, for programs that are written for it.

    from ferry.pool import Pool

    with Pool(4) as pool:
        print(pool.map(render, tiles))
"""

import builtins
import functools
import importlib
import itertools
import multiprocessing
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Self

from .. import _fault, _home, _message
from .._executor import ThreadExecutor
from .._home import Event
from .._map import Map, run_chunk
from .._names import UNSENT
from .._task import Task, make_call, name_of

__all__ = ["AsyncResult", "IMapIterator", "Pool", "TimeoutError"]

# Without a chunksize, a map has so many chunks for each process.
CHUNKS = 4


class TimeoutError(multiprocessing.TimeoutError, builtins.TimeoutError):
    """What a wait with a timeout raises."""


class AsyncResult:
    """What becomes of a call. It is waited for by get(), or awaited."""

    def __init__(self, callback: Callable[[Any], Any] | None = None,
                 error_callback: Callable[[BaseException], Any] | None = None) -> None:
        self._callback = callback
        self._error_callback = error_callback
        self._ended = Event()
        self._success = False
        self._value: Any = None

    def _set(self, success: bool, value: Any) -> None:
        self._success, self._value = success, value
        callback = self._callback if success else self._error_callback
        self._callback = self._error_callback = None
        try:
            if callback is not None:
                callback(value)
        except BaseException:
            # It is no business of what waits.
            sys.excepthook(*sys.exc_info())
        finally:
            self._ended.set()

    def _note_task(self, task: Task[Any]) -> None:
        self._set(*_outcome_of(task))

    def ready(self) -> bool:
        return self._ended.is_set()

    def successful(self) -> bool:
        if not self.ready():
            raise ValueError("The call is not over; wait for it first")
        return self._success

    def wait(self, timeout: float | None = None) -> None:
        """Waits for the end, for at most so many seconds."""
        self._ended.wait(_home.own_thread(), timeout)

    def get(self, timeout: float | None = None) -> Any:
        """Waits for the end, and returns what the function did, or raises what it raised."""
        self.wait(timeout)
        if not self.ready():
            raise TimeoutError("The call is not over yet; wait longer")
        if not self._success:
            raise self._value
        return self._value

    def __await__(self) -> Any:
        yield from self._ended.__await__()
        return self.get()


class _Text:
    """A value of a worker, of which there is a text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _convert(exception: BaseException) -> BaseException:
    """As programs expect it that know multiprocessing.Pool."""
    if exception.__cause__ is None:
        return exception
    pool: Any = importlib.import_module("multiprocessing.pool")
    _fault.convert_cause(exception, pool.RemoteTraceback)
    text = getattr(exception, UNSENT, None)
    if text is None:
        return exception
    converted: BaseException = pool.MaybeEncodingError(exception, _Text(text))
    converted.__cause__ = exception
    return converted


def _outcome_of(task: Task[Any]) -> tuple[bool, Any]:
    try:
        return True, task.result()
    except BaseException as exception:
        return False, _convert(exception)


class _MapResult(AsyncResult):
    """The results of all chunks, or the first failure. It ends with the last chunk."""

    def __init__(self, name: str, count: int, callback: Any, error_callback: Any) -> None:
        super().__init__(callback, error_callback)
        self._name = name
        self._parts: list[list[Any]] = [[]] * count
        self._failure: tuple[int, BaseException] | None = None
        self._left = count
        if count == 0:
            self._set(True, [])

    def _note_failure(self, index: int, failure: BaseException) -> None:
        if self._failure is None or index < self._failure[0]:
            self._failure = index, failure

    def _note_chunk(self, index: int, task: Task[Any]) -> None:
        success, value = _outcome_of(task)
        if success:
            _, self._parts[index], faults = value
            if faults:
                self._note_failure(index, _convert(_fault.restore(faults[min(faults)], self._name)))
        else:
            self._note_failure(index, value)
        self._left -= 1
        if self._left == 0:
            parts, self._parts = self._parts, []
            if self._failure is not None:
                self._set(False, self._failure[1])
            else:
                self._set(True, list(itertools.chain.from_iterable(parts)))


class IMapIterator:
    """Results one by one. next(timeout) waits for at most so many seconds."""

    def __init__(self, submit: Callable[[Task[Any]], Task[Any]], processes: int, function: Callable[..., Any],
                 iterable: Iterable[Any], chunksize: int, ordered: bool) -> None:
        self._failure: BaseException | None = None
        self._map: Map[Any] = Map(submit, processes, function, (self._items(iterable, chunksize),), ordered, chunksize)

    def _items(self, iterable: Iterable[Any], chunksize: int) -> Iterator[Any]:
        """The items by whole chunks. What the iterable raises is raised behind their results."""
        try:
            items = iter(iterable)
            while chunk := list(itertools.islice(items, chunksize)):
                yield from chunk
        except Exception as failure:
            self._failure = failure

    def _submit_rest(self) -> None:
        self._map._workers = sys.maxsize
        self._map._fill()

    def next(self, timeout: float | None = None) -> Any:
        while event := self._map._poll():
            if not event.wait(_home.own_thread(), timeout):
                raise TimeoutError("No result has come in time")
        try:
            return self._map._take()
        except _home.End:
            failure, self._failure = self._failure, None
        except Exception as exception:
            converted = _convert(exception)
            if converted is exception:
                raise
            raise converted from exception
        if failure is not None:
            raise failure
        raise StopIteration

    def __next__(self) -> Any:
        return self.next()

    def __iter__(self) -> Self:
        return self


class Pool:
    """Calls functions in workers of Ferry. The arguments are those of multiprocessing.Pool."""

    def __init__(self, processes: int | None = None, initializer: Callable[..., Any] | None = None,
                 initargs: Iterable[Any] = (), maxtasksperchild: int | None = None, context: Any = None) -> None:
        if processes is not None and processes < 1:
            raise ValueError("Number of processes must be at least 1")
        if maxtasksperchild is not None and (not isinstance(maxtasksperchild, int) or maxtasksperchild < 1):
            raise ValueError("maxtasksperchild must be a positive int or None")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        self._lock = threading.Lock()
        self._is_running = False
        self._maps: weakref.WeakSet[IMapIterator] = weakref.WeakSet()
        self._executor = ThreadExecutor(processes, initializer=initializer, initargs=tuple(initargs))
        if maxtasksperchild is not None:
            self._executor.pool.props.max_tasks = maxtasksperchild
        self._is_running = True

    def _check(self) -> None:
        if not self._is_running:
            raise ValueError("Pool not running")

    def _check_call(self, func: Callable[..., Any]) -> None:
        self._check()
        _message.check_callable(func)

    def apply(self, func: Callable[..., Any], args: Iterable[Any] = (), kwds: dict[str, Any] | None = None) -> Any:
        return self.apply_async(func, args, kwds).get()

    def apply_async(self, func: Callable[..., Any], args: Iterable[Any] = (), kwds: dict[str, Any] | None = None,
                    callback: Callable[[Any], Any] | None = None,
                    error_callback: Callable[[BaseException], Any] | None = None) -> AsyncResult:
        """Has a worker call func(*args, **kwds). Callbacks come on Ferry's thread, before the wait for the result ends."""
        self._check_call(func)
        result = AsyncResult(callback, error_callback)
        try:
            task: Task[Any] = self._executor.submit(func, *args, **(kwds or {}))
        except Exception as error:
            result._set(False, error)
        else:
            task._call_at_end(result._note_task)
        return result

    def _map_async(self, func: Callable[..., Any], rows: list[tuple[Any, ...]], chunksize: int | None, callback: Any,
                   error_callback: Any) -> AsyncResult:
        if chunksize is None:
            chunksize = -(-len(rows) // (CHUNKS * self._executor.workers))
        elif chunksize < 1:
            raise ValueError("Chunksize must be 1+, not %d" % chunksize)
        chunks = [rows[i:i + chunksize] for i in range(0, len(rows), max(chunksize, 1))]
        result = _MapResult(name_of(func), len(chunks), callback, error_callback)
        try:
            tasks = [make_call(run_chunk, (func, chunk), {}, result._name) for chunk in chunks]
        except Exception as error:
            result._set(False, error)
            return result
        for index, task in enumerate(tasks):
            self._executor.submit(task)
            task._call_at_end(functools.partial(result._note_chunk, index))
        return result

    def map(self, func: Callable[..., Any], iterable: Iterable[Any], chunksize: int | None = None) -> list[Any]:
        results: list[Any] = self.map_async(func, iterable, chunksize).get()
        return results

    def map_async(self, func: Callable[..., Any], iterable: Iterable[Any], chunksize: int | None = None,
                  callback: Callable[[Any], Any] | None = None,
                  error_callback: Callable[[BaseException], Any] | None = None) -> AsyncResult:
        self._check_call(func)
        return self._map_async(func, [(item,) for item in iterable], chunksize, callback, error_callback)

    def starmap(self, func: Callable[..., Any], iterable: Iterable[Iterable[Any]],
                chunksize: int | None = None) -> list[Any]:
        results: list[Any] = self.starmap_async(func, iterable, chunksize).get()
        return results

    def starmap_async(self, func: Callable[..., Any], iterable: Iterable[Iterable[Any]], chunksize: int | None = None,
                      callback: Callable[[Any], Any] | None = None,
                      error_callback: Callable[[BaseException], Any] | None = None) -> AsyncResult:
        self._check_call(func)
        return self._map_async(func, [tuple(item) for item in iterable], chunksize, callback, error_callback)

    def _imap(self, func: Callable[..., Any], iterable: Iterable[Any], chunksize: int, ordered: bool) -> IMapIterator:
        self._check_call(func)
        if chunksize < 1:
            raise ValueError("Chunksize must be 1+, not %d" % chunksize)
        results = IMapIterator(self._executor.submit, self._executor.workers, func, iterable, chunksize, ordered)
        self._maps.add(results)
        return results

    def imap(self, func: Callable[..., Any], iterable: Iterable[Any], chunksize: int = 1) -> IMapIterator:
        """The results in order. Items are taken as results are, some chunks ahead, so there may be no end of them."""
        return self._imap(func, iterable, chunksize, True)

    def imap_unordered(self, func: Callable[..., Any], iterable: Iterable[Any], chunksize: int = 1) -> IMapIterator:
        """The results as they come."""
        return self._imap(func, iterable, chunksize, False)

    def _end(self) -> bool:
        with self._lock:
            was_running, self._is_running = self._is_running, False
        return was_running

    def close(self) -> None:
        """Takes no more calls. What was asked for goes on to its end."""
        if self._end():
            for results in list(self._maps):
                results._submit_rest()
            self._executor.shutdown(wait=False)

    def terminate(self) -> None:
        """Ends all calls: what waits for them gets CancelledError."""
        self._end()
        self._executor.shutdown(wait=False, cancel=True)

    def join(self) -> None:
        """Waits for the end of all calls, behind close() or terminate()."""
        if self._is_running:
            raise ValueError("Pool is still running")
        self._executor.shutdown()

    def __del__(self) -> None:
        if getattr(self, "_is_running", False):
            warnings.warn("A pool was left open; end it by close() or terminate(), or use a 'with' block", ResourceWarning,
                          stacklevel=2, source=self)

    def __enter__(self) -> Self:
        self._check()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.terminate()
