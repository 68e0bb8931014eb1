# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ferry.Task: one call of a function in a worker, as the application holds it."""

import collections
import concurrent.futures
import os
import pickle
import threading
import weakref
from collections.abc import Callable, Generator
from typing import Any, TypeVar, cast

from . import _fault, _message, _notices, _pipe
from ._home import Event, Home
from ._library import PYTHON_ERROR, Ferry, GLib, is_cancel, is_error
from ._names import CALL, EXCEPTION, OWN
from ._outcome import Outcome
from .errors import Error, WorkerLost

T = TypeVar("T")


def name_of(function: Any) -> str:
    return str(getattr(function, "__qualname__", None) or type(function).__qualname__)


# The functions that have returned large results, and how often each was called. Large results of a function's first calls
# go through memory, and those of the functions that have returned one: a way for memory costs a call 60 µs.
_large: set[str] = set()
_calls: collections.Counter[str] = collections.Counter()
LARGE = 1 << 20
FIRST_CALLS = 64


class Task(Ferry.Task, Outcome[T]):  # type: ignore[misc]
    """One call. It is a GObject, whose properties and signals are those of `Ferry.Task`: fraction, text, state, done.

    `ferry.Task(function, *args, **kwargs)` makes one that Executor.submit() takes, for a task whose properties are set
    before: priority, retries, run-timeout.
    """

    __gtype_name__ = "FerryPythonTask"

    # How many bytes the larger message has, of the call and its result.
    _size = 0

    def __init__(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> None:
        self._prepare(CALL, Ferry.TaskKind.CALL, function, args, kwargs)

    def _prepare(self, remote: str, kind: Any, function: Any, args: Any, kwargs: Any) -> None:
        name = name_of(function)
        with _pipe.packing() as travellers:
            data, memory = _message.pack_call(function, args, kwargs)
        self._size = len(data)
        Ferry.Task.__init__(self, function=remote, kind=kind, arguments=_message.to_variant(data), name=name)
        self._begin(name)
        _calls[name] += 1
        if remote == CALL and (_calls[name] <= FIRST_CALLS or name in _large):
            self.props.max_returned_descriptors = 1
        if memory >= 0:
            try:
                self.add_descriptor(memory)
            finally:
                os.close(memory)
        receivers = [traveller._give_to(self) for traveller in travellers]
        self._receivers = [weakref.ref(receiver) for receiver in receivers if receiver is not None]

    def _begin(self, name: str) -> None:
        self._ended = Event()
        self._reading = threading.Lock()
        self._home: Home | None = None
        self._function_name = self._name = name
        self._progress: tuple[float, str | None] = (0.0, None)
        self._fault: _fault.Fault | None = None
        self._outcome: tuple[Any, Exception | None] | None = None

    def _keep(self, server: Any) -> None:
        """What answers the function, until the task ends."""
        self._ended.add_callback(server.close)

    # ---- on the home's thread ----

    def do_message(self, kind: str, value: Any) -> None:
        if kind == EXCEPTION:
            self._fault = pickle.loads(_message.from_variant(value))
        elif not (kind.startswith(OWN) and _notices.take(kind, _message.from_variant(value), self._name)):
            Ferry.Task.do_message(self, kind, value)

    def do_progress(self) -> None:
        self._progress = self.get_fraction(), self.get_text()

    def do_done(self) -> None:
        self._ended.set()

    def _submit_to(self, home: Home, is_new: bool) -> None:
        """Before the submission: what other threads cannot ask the library for later."""
        self._home = home
        if not is_new:
            self._name = self.get_name()

    # ---- on any thread ----

    def _translate(self, error: Any) -> Exception:
        if self._fault is not None and error.domain == PYTHON_ERROR:
            return _fault.restore(self._fault, self._name)
        if is_cancel(error):
            return concurrent.futures.CancelledError(error.message)
        if is_error(error, Ferry.Error.TIMED_OUT) or is_error(error, Ferry.Error.QUEUE_TIMED_OUT):
            return TimeoutError(error.message)
        if is_error(error, Ferry.Error.WORKER_LOST) or is_error(error, Ferry.Error.QUARANTINED):
            end = self.get_exit()
            return WorkerLost(error.message) if end is None else _fault.lost(self._name, end)
        return Error(error.message)

    def _open_memory(self) -> int:
        _large.add(self._function_name)
        return int(self.dup_descriptor(0))

    def _read(self) -> tuple[Any, Exception | None]:
        with self._reading:
            if self._outcome is None:
                try:
                    data = _message.from_variant(self.get_result())
                    self._size = max(self._size, len(data))
                    if len(data) > LARGE:
                        _large.add(self._function_name)
                    self._outcome = _message.unpack(data, self._open_memory), None
                except GLib.Error as error:
                    if is_error(error, Ferry.Error.TOO_LARGE):
                        _large.add(self._function_name)
                    self._outcome = None, self._translate(error)
                except BaseException as error:
                    fault = _fault.describe(error)
                    self._outcome = None, _fault.restore(fault, "the result of " + self._name, "here, as it was unpickled")
            return self._outcome

    def _check_submitted(self) -> None:
        if self._home is None:
            raise Error("Task '%s' was not submitted; give it to Executor.submit() first" % self._name)

    def _wait(self, timeout: float | None) -> None:
        self._check_submitted()
        if not self.done() and not self._ended.wait(self._home, timeout):
            raise TimeoutError("Task '%s' is not done yet; wait longer, or cancel it" % self._name)

    def result(self, timeout: float | None = None) -> T:
        """Waits for the end, for at most so many seconds, and returns what the function did, or raises what it raised.

        In a callback of the main loop that is the task's home, only a task that is done has a result: await the task
        there, or connect to `done`.
        """
        self._wait(timeout)
        value, exception = self._read()
        if exception is not None:
            try:
                raise exception
            finally:
                del exception
        return cast(T, value)

    def exception(self, timeout: float | None = None) -> Exception | None:
        """Waits as result() does, and returns the exception, or None. A task that was cancelled raises."""
        self._wait(timeout)
        _, exception = self._read()
        if isinstance(exception, concurrent.futures.CancelledError):
            raise exception
        return exception

    @property
    def progress(self) -> tuple[float, str | None]:
        """How far the function is, from 0 to 1, and what it does: the properties, for threads that are not the home's."""
        return self._progress

    def done(self) -> bool:
        # On another thread than the home's, the library may know the end before the last messages have come.
        return self._ended.is_set() or (self._home is not None and self._home.is_here() and bool(self.get_done()))

    def cancel(self) -> bool:
        """Ends the function, wherever it is. Returns whether the task was not done."""
        is_open = not self.done()
        Ferry.Task.cancel(self)
        return is_open

    def running(self) -> bool:
        return bool(self.get_state() == Ferry.TaskState.EXECUTING)

    def _is_brought_here(self) -> bool:
        self._check_submitted()
        return self._home is not None and self._home.is_here()

    def _describe_state(self) -> str:
        return str(self.get_state().value_nick) if self._home is not None else "not submitted"

    # The methods of GObject, and the library's, are before those of futures.
    __repr__ = Outcome.__repr__

    def __await__(self) -> Generator[Any, None, T]:
        self._check_submitted()
        return Outcome.__await__(self)
