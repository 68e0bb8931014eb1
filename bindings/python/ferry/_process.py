# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ferry.process(): one function in a worker, with the calls of remoteobj's process: start, join, result, iteration."""

import inspect
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from types import TracebackType
from typing import Any, Self

from . import _executor
from ._message import plain
from ._stream import Stream
from ._task import Task, name_of
from .errors import Error


def _yields(function: Any) -> bool:
    function = plain(function)
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


class Process:
    """A worker calls function(*args, **kwargs), from start() or the beginning of a `with` block on.

    The values that the function yields are iterated, by `for` and by `async for`. A function that is many values ahead of
    the loop waits, unless the program waits for the end.
    """

    def __init__(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> None:
        kind: type[Task[Any]] = Stream if _yields(function) else Task
        self.task: Task[Any] = kind(function, *args, **kwargs)
        self.name = name_of(function)
        self._is_started = False

    def start(self) -> Self:
        """Has a worker begin. A process is started once."""
        if self._is_started:
            raise Error("The process '%s' was started before; make another one" % self.name)
        self._is_started = True
        _executor.shared().submit(self.task)
        return self

    def is_alive(self) -> bool:
        return self._is_started and not self.task.done()

    def join(self, timeout: float | None = None, raises: bool = True) -> None:
        """Waits for the end, for at most so many seconds. Raises what the function raised, unless raises=False."""
        self.task._wait(timeout)
        if raises:
            self.task.result()

    @property
    def result(self) -> Any:
        """What the function has returned. Waits for that, and raises what the function raised."""
        return self.task.result()

    @property
    def exception(self) -> BaseException | None:
        """What the function raised, if it did. Waits for the end."""
        return self.task.exception()

    def terminate(self) -> None:
        """Ends the function, wherever it is: the result is CancelledError."""
        self.task.cancel()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if isinstance(self.task, Stream):
            return next(self.task)
        self.join()
        raise StopIteration

    async def __aiter__(self) -> AsyncIterator[Any]:
        if isinstance(self.task, Stream):
            async for value in self.task:
                yield value
        else:
            await self.task

    def __await__(self) -> Generator[Any, None, Any]:
        return self.task.__await__()

    def __enter__(self) -> Self:
        return self if self._is_started else self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        """Waits for the end, and raises what the function raised; ends it if the block raised."""
        if kind is None:
            self.join()
        else:
            self.terminate()


process = Process
