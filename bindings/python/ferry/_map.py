# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What Executor.map() does: one function for many items, which go to workers in chunks and come back in order."""

import collections
import itertools
import operator
import sys
import time
import types
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, Self, TypeVar, cast

from . import _fault, _job, _limit, _message
from ._home import End, Event, Home, Values
from ._pipe import Receiver
from ._task import Task, make_call, name_of
from .errors import CancelledError, Error

T = TypeVar("T")
# Chunks grow until each takes about so many seconds: the cost of a task is small beside that.
CHUNK_SECONDS = 0.005
MAX_CHUNK = 4096
# Chunks that are submitted for each worker: so many, and the larger number where little lies in them and in their results.
AHEAD = 3
MOST_AHEAD = 8
# And so many while chunks still grow: those that are too small are few then.
GROWING_AHEAD = 2
# By how many times a chunk grows at once.
GROWTH = 16
# Items beyond so many bytes go into the next chunk, and so do items whose results would be that large.
CHUNK_BYTES = 1 << 20
# How many items are taken, and how many results are made, before their size is looked at: the first one, and then more.
STEP = 512
# What takes so many bytes at most, and no look at each.
SMALL = {bool, float, int, type(None)}
SMALL_SIZE = 28


def _weigh(values: list[Any]) -> int:
    """About how many bytes values have, with what is in rows of arguments and in other containers."""
    kinds = set(map(type, values))
    if kinds <= SMALL:
        return SMALL_SIZE * len(values)
    size = sum(map(sys.getsizeof, values))
    if not kinds.isdisjoint((tuple, list, dict)):
        size += sum(sum(map(sys.getsizeof, value.values() if isinstance(value, dict) else value)) for value in values
                    if isinstance(value, (tuple, list, dict)))
    return size


def _next_step(count: int, so_far: int) -> int:
    return min(count - so_far, so_far + 1, STEP)


def check_buffersize(buffersize: int | None) -> None:
    """As Executor.map() of CPython 3.14 does."""
    if buffersize is not None and not isinstance(buffersize, int):
        raise TypeError("buffersize must be an integer or None")
    if buffersize is not None and buffersize < 1:
        raise ValueError("buffersize must be None or > 0")


# The seconds that it took; the values, with None where there is none; the faults, each by its place among the values.
Outcomes = tuple[float, list[Any], dict[int, _fault.Fault]]


def _finish_coroutines(values: list[Any], faults: dict[int, _fault.Fault]) -> None:
    for place, value in enumerate(values):
        try:
            values[place] = _job.finish(value)
        except Exception as exception:
            faults[place] = _fault.describe(exception, globals())
            values[place] = None


def _extend(values: list[Any], faults: dict[int, _fault.Fault], calls: Iterator[Any], count: int) -> None:
    """Makes calls, until there are so many values."""
    while len(values) < count:
        try:
            # The values before an exception stay, and the next call is that of the next row.
            values.extend(itertools.islice(calls, count - len(values)))
            if len(values) < count:
                raise StopIteration("The function has raised it")
        except Exception as exception:
            faults[len(values)] = _fault.describe(exception, globals())
            values.append(None)


def _run(calls: Iterator[Any], count: int, most: int | None) -> Outcomes:
    """Of fewer calls, where the first values have more than so many bytes."""
    began = time.monotonic()
    values: list[Any] = []
    faults: dict[int, _fault.Fault] = {}
    if most is None:
        _extend(values, faults, calls, count)
    size = 0
    while most is not None and len(values) < count and size < most:
        start = len(values)
        _extend(values, faults, calls, start + _next_step(count, start))
        size += _weigh(values[start:])
    if types.CoroutineType in set(map(type, values)):
        _finish_coroutines(values, faults)
    return time.monotonic() - began, values, faults


def run_chunk(function: Callable[..., Any], rows: list[tuple[Any, ...]], most: int | None = None) -> Outcomes:
    """In a worker: what became of each row of arguments, or of the first ones, if these have given `most` bytes."""
    return _run(itertools.starmap(function, rows), len(rows), most)


def run_items(function: Callable[..., Any], items: list[Any], most: int | None = None) -> Outcomes:
    """The same where each row is one argument."""
    return _run(map(function, items), len(items), most)


def without_unsent(outcomes: Outcomes, function: Callable[..., Any]) -> Outcomes:
    """The same with a fault for each value that cannot be sent."""
    _, values, faults = outcomes
    for place, value in enumerate(values):
        try:
            _message.pack_value(value)
        except Exception as exception:
            _fault.note_unsent(exception, value, function)
            faults[place] = _fault.describe(exception, globals())
            values[place] = None
    return outcomes


class _Failure:
    """In the place of a value: why there is none. An exception is that of the whole chunk."""

    __slots__ = ("fault",)

    def __init__(self, fault: Any) -> None:
        self.fault = fault


class _Waiting(Generic[T]):
    """What a loop takes from a map while no values are there in C: waits, and raises what became of items that failed."""

    def __init__(self, map_: "Map[T]") -> None:
        self._map = map_

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        return self._map._wait_and_take()


class _Parts(Generic[T]):
    """The parts that a loop over a map has, one after the other: values that are there, and what waits for more."""

    def __init__(self, map_: "Map[T]") -> None:
        self._map = map_
        self._waiting = _Waiting(map_)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Iterator[T]:
        self._map._check_open()
        if self._map._is_at_end():
            raise StopIteration
        return self._map._values if self._map._n_values() else self._waiting


class Map(Values[T]):
    """The results of a function for many items. It is an iterator, by `for` and by `async for`.

    Items are taken as there is room for them, by the loop over the results. An item that failed raises where its result
    would stand; the loop can go on behind it by next(). `index` says which item it was. With return_exceptions=True, the
    exception comes as a result.
    """

    def __init__(self, submit: Callable[[Task[Outcomes]], Task[Outcomes]], workers: int,
                 function: Callable[..., T], iterables: tuple[Iterable[Any], ...], ordered: bool,
                 chunksize: int | None, buffersize: int | None = None, timeout: float | None = None,
                 return_exceptions: bool = False) -> None:
        function, self._item_limit = _limit.split(function)
        if self._item_limit is not None:
            if chunksize not in (None, 1):
                raise ValueError("A limit of time is for one item; leave chunksize out")
            chunksize = 1
        self._timeout = timeout
        self._deadline = None if timeout is None else time.monotonic() + timeout
        # The function is an argument here, so Task does not look at it.
        _message.check(function)
        if chunksize is not None and chunksize < 1:
            raise ValueError("A chunk has at least one item, and not %d" % chunksize)
        check_buffersize(buffersize)
        self._submit = submit
        self._home: Home | None = None
        self._function = function
        # Of one iterable, the items themselves are the rows.
        self._is_plain = len(iterables) == 1
        self._rows: Iterator[Any] = iter(iterables[0]) if self._is_plain else zip(*iterables)
        # Whether there may be more items than were taken; and whether it was closed, which any thread may do at any time.
        self._has_rows = True
        self._is_closed = False
        self._returns_exceptions = return_exceptions
        self._ordered = ordered
        self._chunk = chunksize or 1
        self._fixed = chunksize is not None
        self._workers = workers
        # Whether the next chunks will be larger than those that are submitted.
        self._grows = not self._fixed
        # How many bytes an item has, and how many its result, as far as they are known.
        self._item_bytes = self._result_bytes = 0
        self._bytes_ahead = 0
        # How many items may be taken and not given, and how many are.
        self._buffersize = buffersize
        self._n_ahead = 0
        # What is submitted and was not taken in, with the index of its first item, the number of its items, how many bytes
        # they or their results may have, and the items, where a worker may return fewer results.
        self._tasks: collections.deque[Task[Outcomes]] = collections.deque()
        self._chunks: dict[Task[Outcomes], tuple[int, int, int, list[Any]]] = {}
        # The index of the item that is submitted next; that behind the last item of _ready.
        self._n_submitted = self._behind_ready = 0
        # Values, and failures, of one chunk.
        self._ready: collections.deque[Any] = collections.deque()
        # Takes the values of a chunk without failures, which are many, in C; and counts those that are left.
        self._values: Iterator[Any] = iter(())
        self._left: Any = itertools.repeat((), 0)
        # Happens when a chunk is done, or when the map is closed. Each chunk tells it where that need not be the first one,
        # or where the wait for it ends otherwise.
        self._by_news = not ordered or timeout is not None
        self._news = Event()
        self._held: set[weakref.ref[Receiver]] = set()
        self._fill()

    def _next_size(self) -> int:
        """How many items the next chunk has at most. 0: none is submitted now."""
        if len(self._tasks) >= (GROWING_AHEAD if self._grows else MOST_AHEAD) * self._workers:
            return 0
        few = AHEAD * self._workers
        if len(self._tasks) >= few and (not self._result_bytes or self._bytes_ahead >= few * CHUNK_BYTES):
            return 0
        # Each worker has a chunk, however large the items are that the program has put into one, or their results.
        if self._fixed and len(self._tasks) >= self._workers:
            if self._bytes_ahead >= few * CHUNK_BYTES:
                return 0
            if not self._result_bytes and self._chunk * len(self._tasks) >= few:
                return 0
        if self._buffersize is None:
            return self._chunk
        size = self._chunk if self._fixed else min(self._chunk, max(1, self._buffersize // few))
        room = self._buffersize - self._n_ahead
        return size if room >= size else 0 if self._tasks else room

    def _take_rows(self, count: int) -> tuple[list[Any], int]:
        """Up to so many items, and how many bytes they have."""
        if self._fixed:
            rows = list(itertools.islice(self._rows, count))
            return rows, _weigh(rows)
        rows = []
        taken = 0
        count = min(count, max(1, CHUNK_BYTES // max(1, self._item_bytes, self._result_bytes)))
        while len(rows) < count and taken < CHUNK_BYTES:
            more = list(itertools.islice(self._rows, _next_step(count, len(rows))))
            if not more:
                break
            taken += _weigh(more)
            rows += more
        return rows, taken

    def _fill(self) -> None:
        while not self._is_closed and (size := self._next_size()):
            rows, weight = self._take_rows(size)
            if not rows:
                # Of one that was closed meanwhile, there may be more.
                self._has_rows = self._is_closed
                self._let_go()
                return
            self._n_ahead += len(rows)
            self._tasks.append(self._submit_rows(self._n_submitted, rows, weight))
            self._n_submitted += len(rows)

    def _submit_rows(self, first: int, rows: list[Any], weight: int) -> Task[Outcomes]:
        run = run_items if self._is_plain else run_chunk
        task = make_call(run, (self._function, rows, None if self._fixed else CHUNK_BYTES), {}, name_of(self._function))
        if self._item_limit is not None:
            task._set_limit(self._item_limit)
        self._hold_receivers(task)
        try:
            self._submit(task)
        except Error as error:
            error.add_note("A map takes its items while its results are read: read them before the executor ends.")
            raise
        self._item_bytes = task._size // len(rows)
        # What is in several items has its bytes once in the task.
        size = max(task._size, weight, self._result_bytes * len(rows))
        self._chunks[task] = first, len(rows), size, [] if self._fixed else rows
        self._bytes_ahead += size
        self._home = task._home
        if self._by_news:
            task._ended.tell(self._news)
        if self._is_closed:
            # Behind the note of the chunk, which close() looks at behind its own.
            task.cancel()
            self._let_go()
        return task

    def _hold_receivers(self, task: Task[Outcomes]) -> None:
        """Messages of the map's functions do not end between two chunks."""
        for this in task._receivers:
            receiver = this()
            if receiver is not None and this not in self._held:
                receiver._hold()
                self._held.add(this)

    def _let_go(self) -> None:
        while self._held:
            try:
                receiver = self._held.pop()()
            except KeyError:
                # Another thread has taken the last one.
                return
            if receiver is not None:
                receiver._note_sender_gone(1)

    def _note_lost(self, task: Task[Outcomes], exception: Exception) -> None:
        """A chunk that was lost raises once, or is as many exceptions as it has items."""
        first, count, size, _ = self._chunks.pop(task)
        self._bytes_ahead -= size
        if task.cancelled():
            # By its row in a list, or with all others: the map has what would have been here, and goes no further.
            self._has_rows = True
            self.close()
            return
        if self._returns_exceptions:
            self._note_values([exception] * count)
        else:
            self._ready.append(_Failure(exception))
            self._n_ahead -= count - 1
        self._behind_ready = first + (count if self._returns_exceptions else 1)

    def _note_values(self, values: list[Any]) -> None:
        """Of a chunk without failures, as far as a loop sees it: they are taken in C, where that need not count them."""
        self._ready.extend(values)
        if self._buffersize is None:
            self._left = itertools.repeat((), len(values))
            self._values = itertools.starmap(self._ready.popleft, self._left)

    def _take_in(self, task: Task[Outcomes]) -> None:
        """What became of a chunk."""
        try:
            seconds, values, faults = task.result()
        except Exception as exception:
            self._note_lost(task, exception)
            return
        except BaseException:
            # Ctrl-C, which is no outcome of the chunk.
            self._tasks.appendleft(task)
            raise
        first, count, size, rows = self._chunks.pop(task)
        self._bytes_ahead -= size
        for place, fault in faults.items():
            values[place] = self._restore(fault) if self._returns_exceptions else _Failure(fault)
        if faults and not self._returns_exceptions:
            self._ready.extend(values)
        else:
            self._note_values(values)
        done = len(values)
        # The task may live for a moment, and they do not with it.
        values.clear()
        self._behind_ready = first + done
        self._result_bytes = max(1, task._size // done)
        if done < count:
            self._grows = False
            # The next results, where order counts.
            self._tasks.appendleft(self._submit_rows(first + done, rows[done:], size))
        elif not self._fixed:
            before = self._chunk
            if seconds < CHUNK_SECONDS / 2 and count >= self._chunk:
                fits = int(count * CHUNK_SECONDS / 2 / max(seconds, CHUNK_SECONDS / MAX_CHUNK))
                self._chunk = min(max(2 * self._chunk, min(fits, GROWTH * self._chunk)), MAX_CHUNK)
            elif seconds > 2 * CHUNK_SECONDS:
                self._chunk = max(self._chunk // 2, 1)
            # A chunk from before the last growth says nothing.
            if count >= before:
                self._grows = self._chunk > before

    def _next_task(self) -> Task[Outcomes] | None:
        """A chunk that is done, the first one of all if order counts."""
        if self._ordered:
            return self._tasks.popleft() if self._tasks and self._tasks[0].done() else None
        task = next((task for task in self._tasks if task.done()), None)
        if task is not None:
            self._tasks.remove(task)
        return task

    def _poll(self) -> Event | None:
        """What to wait for, or None where there is an outcome, or the end."""
        if self._is_closed:
            self._check_open()
        while not self._ready:
            self._news.clear()
            # What is closed from now on is news.
            self._check_open()
            task = self._next_task()
            if task is not None:
                self._take_in(task)
                self._fill()
            elif not self._tasks:
                return None
            else:
                if not self._by_news:
                    self._tasks[0]._ended.tell(self._news)
                return self._news
        return None

    def _give_up(self) -> TimeoutError:
        self.close()
        self._drop()
        assert self._timeout is not None
        return TimeoutError("A result of %s() did not come within the %g seconds of the map; allow more, or limit each item by "
                            "ferry.limited()" % (name_of(self._function), self._timeout))

    def _restore(self, fault: _fault.Fault) -> Exception:
        error = _fault.restore(fault, name_of(self._function))
        if isinstance(error, StopIteration):
            # It would end the loop over the results.
            told = RuntimeError("%s raised StopIteration" % name_of(self._function))
            told.__cause__ = error
            return told
        return error

    def _take(self) -> T:
        if not self._ready:
            raise End
        if self._buffersize is not None:
            self._n_ahead -= 1
            self._fill()
        # Where values are counted in C, these take it, unless it was closed just now.
        value = next(self._values, self._left) if self._n_values() else self._ready.popleft()
        if value is self._left:
            self._check_open()
        if value.__class__ is not _Failure:
            return cast(T, value)
        raise value.fault if isinstance(value.fault, BaseException) else self._restore(value.fault)

    @property
    def index(self) -> int:
        """The place of the item, from 0 on, whose result or exception came last; -1 before the first one.

        A chunk that was lost with its worker raises once, for its first item.
        """
        return self._behind_ready - len(self._ready) - 1

    def _n_values(self) -> int:
        """How many values are there that are taken in C."""
        return operator.length_hint(self._left)

    def _is_at_end(self) -> bool:
        return not self._ready and not self._tasks

    def _wait_and_take(self) -> T:
        """For a loop: an outcome, unless there are values that are taken in C, or the end."""
        while event := self._poll():
            if not event.wait(self._home, self._seconds_left()):
                raise self._give_up()
        if self._n_values() or self._is_at_end():
            raise StopIteration
        return self._take()

    def __iter__(self) -> Iterator[T]:
        # Results are many, so that a step of Python for each would be most of what a loop takes.
        if self._buffersize is not None:
            return self
        return itertools.chain.from_iterable(_Parts(self))

    def _check_open(self) -> None:
        """On the thread of the loop, before each step of it: raises what a loop over a map does that was closed."""
        if not self._is_closed or (self._is_at_end() and not self._has_rows):
            return
        # Once: who begins the loop anew behind each exception comes to an end.
        self._drop()
        raise CancelledError("The map of %s() was stopped before all results were taken; make a new one for all of them"
                             % name_of(self._function))

    def _drop(self) -> None:
        """What is closed is at its end."""
        self._behind_ready -= len(self._ready)
        self._ready.clear()
        self._tasks.clear()
        self._chunks.clear()
        self._has_rows = False

    def close(self) -> None:
        """Ends the map, from any thread: cancels what runs and waits, and drops results that have come.

        The next step of a loop over it raises CancelledError, unless the last result was taken before.
        """
        # First the note: the thread of the loop looks at it behind all that it does meanwhile.
        self._is_closed = True
        # In one step of the interpreter: the values that are taken in C come to their end.
        collections.deque(self._left, 0)
        self._rows = iter(())
        for task in list(self._chunks):
            task.cancel()
        self._let_go()
        self._news.set()

    def __del__(self) -> None:
        # One of arguments that were refused has nothing.
        if "_held" in self.__dict__ and not sys.is_finalizing():
            self.close()
