# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""One function, many items."""

import collections
import itertools
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar, cast

from . import _chunk, _fault, _message
from ._home import End, Event, Home, Values
from ._pipe import Receiver
from ._task import Task, name_of
from .errors import Error

T = TypeVar("T")
Outcomes = tuple[float, list[_chunk.Outcome]]

# Chunks grow until each takes about so many seconds: the cost of a task is small beside that.
CHUNK_SECONDS = 0.005
MAX_CHUNK = 4096
# Chunks that are submitted for each worker.
AHEAD = 3


class Map(Values[T]):
    """The results of a function for many items. It is an iterator, by `for` and by `async for`.

    Items are taken as there is room for them, by the loop over the results. An item that failed raises where its result
    would stand; the loop can go on behind it by next().
    """

    def __init__(self, submit: Callable[[Task[Outcomes]], Task[Outcomes]], workers: int, function: Callable[..., T],
                 iterables: tuple[Iterable[Any], ...], ordered: bool, chunksize: int | None) -> None:
        # The function is an argument here, so Task does not look at it.
        _message.check(function)
        if chunksize is not None and chunksize < 1:
            raise ValueError("A chunk has at least one item, and not %d" % chunksize)
        self._submit = submit
        self._home: Home | None = None
        self._function = function
        self._rows: Iterator[tuple[Any, ...]] = zip(*iterables)
        self._ordered = ordered
        self._chunk = chunksize or 1
        self._fixed = chunksize is not None
        self._limit = AHEAD * workers
        self._tasks: collections.deque[Task[Outcomes]] = collections.deque()
        self._ended: collections.deque[Task[Outcomes]] = collections.deque()
        self._ready: collections.deque[_chunk.Outcome] = collections.deque()
        self._news = Event()
        self._held: set[weakref.ref[Receiver]] = set()
        self._fill()

    def _tell(self, task: Task[Outcomes]) -> None:
        self._ended.append(task)
        self._news.set()

    def _fill(self) -> None:
        while len(self._tasks) < self._limit:
            rows = list(itertools.islice(self._rows, self._chunk))
            if not rows:
                self._let_go()
                return
            task = Task(_chunk.run, self._function, rows)
            task.props.name = name_of(self._function)
            self._hold_receivers(task)
            try:
                self._tasks.append(self._submit(task))
            except Error as error:
                error.add_note("A map takes its items while its results are read: read them before the executor ends.")
                raise
            self._home = task._home
            task._call_at_end(self._tell)

    def _hold_receivers(self, task: Task[Outcomes]) -> None:
        """Messages of the map's functions do not end between two chunks."""
        for this in task._receivers:
            receiver = this()
            if receiver is not None and this not in self._held:
                receiver._hold()
                self._held.add(this)

    def _let_go(self) -> None:
        while self._held:
            receiver = self._held.pop()()
            if receiver is not None:
                receiver._note_sender_gone(1)

    def _take_in(self, task: Task[Outcomes]) -> None:
        """What became of a chunk. A chunk that was lost raises once."""
        try:
            seconds, outcomes = task.result()
        except BaseException as exception:
            self._ready.append((False, exception))
            return
        self._ready.extend(outcomes)
        if not self._fixed:
            if seconds < CHUNK_SECONDS / 2:
                self._chunk = min(2 * self._chunk, MAX_CHUNK)
            elif seconds > 2 * CHUNK_SECONDS:
                self._chunk = max(self._chunk // 2, 1)

    def _next_task(self) -> Task[Outcomes] | None:
        """A chunk that is done, the first one of all if order counts."""
        if self._ordered:
            return self._tasks.popleft() if self._tasks and self._tasks[0].done() else None
        if not self._ended:
            return None
        task = self._ended.popleft()
        self._tasks.remove(task)
        return task

    def _poll(self) -> Event | None:
        """What to wait for, or None where there is an outcome, or the end."""
        while not self._ready:
            news = self._news = Event()
            task = self._next_task()
            if task is not None:
                self._take_in(task)
                self._fill()
            elif not self._tasks:
                return None
            else:
                return news
        return None

    def _take(self) -> T:
        if not self._ready:
            raise End
        is_value, outcome = self._ready.popleft()
        if is_value:
            return cast(T, outcome)
        if isinstance(outcome, BaseException):
            raise outcome
        raise _fault.restore(outcome, name_of(self._function))

    def close(self) -> None:
        """Takes no more results: cancels what runs and waits."""
        self._rows = iter(())
        for task in getattr(self, "_tasks", ()):
            task.cancel()
        if "_held" in self.__dict__:
            self._let_go()

    def __del__(self) -> None:
        if not sys.is_finalizing():
            self.close()
