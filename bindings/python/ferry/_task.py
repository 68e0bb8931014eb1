# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ferry.Task: one call of a function in a worker, as the application holds it."""

import collections
import concurrent.futures
import os
import pickle
import threading
import weakref
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from . import _fault, _limit, _message, _native, _notices, _text, _travel
from ._home import Event, Home, Properties, post
from ._library import Ferry, GLib, is_cancel, is_error
from ._names import CALL, EXCEPTION, OWN, PART, PYTHON_ERROR
from ._outcome import Outcome, give
from .errors import Error, Interrupted, WorkerLost

if TYPE_CHECKING:
    from ._pipe import Receiver

T = TypeVar("T")


def name_of(function: Any) -> str:
    return str(getattr(function, "__qualname__", None) or type(function).__qualname__)


# The functions that have returned large results, and how often each was called. Large results of a function's first calls
# go through memory, and those of the functions that have returned one: a way for memory costs a call 60 µs.
_large: set[str] = set()
_calls: collections.Counter[str] = collections.Counter()
LARGE = _message.MAX_RESULT
FIRST_CALLS = 64


_reading = threading.Lock()


def _no_stop(error: Exception, name: str) -> Exception:
    """StopIteration would end a loop around the result, and no future of asyncio takes it."""
    if not isinstance(error, StopIteration):
        return error
    told = RuntimeError("%s raised StopIteration" % name)
    told.__cause__ = error
    return told


class _Packed:
    """A call as it goes to a worker."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any],
                 name: str | None = None, pack: Callable[..., tuple[tuple[bytes, ...], int]] = _message.pack_call) -> None:
        function, self.limit = _limit.split(function)
        self.name = str(_text.display(name or name_of(function)))
        # What a host, which imports modules, does not have.
        self.is_of_program = getattr(_message.plain(function), "__module__", None) == "__main__"
        # The descriptor of memory is -1 where there is none.
        (self.parts, self.memory), self.travellers = _travel.collect(lambda: pack(function, args, kwargs))

    def count_returned(self) -> int:
        """How many descriptors the worker may give back with the result."""
        _calls[self.name] += 1
        return 1 if _calls[self.name] <= FIRST_CALLS or self.name in _large else 0


if TYPE_CHECKING:
    class _Task:
        """PyGObject has no types. Of a class with a base that may be anything, no checker knows what await gives."""

        def __getattr__(self, name: str) -> Any:
            ...
else:
    _Task = Ferry.Task


class Task(_Task, Outcome[T]):
    """One call. It is a GObject, whose properties and signals are those of `Ferry.Task`: fraction, text, state, done.

    `ferry.Task(function, *args, **kwargs)` makes one that Executor.submit() takes, for a task whose properties are set
    before: priority, retries, run-timeout.
    """

    __gtype_name__ = "FerryPythonTask"

    # What kind of task it is: a program; a function with a name and types, and if so, whether its worker is trusted; one whose
    # values are read.
    _is_program = _has_types = _yields_values = False
    _takes_pickles = True
    # How many bytes the larger one has, of the call and its result.
    _size = 0
    _home: Home | None = None
    _progress: tuple[float, str | None] = (0.0, None)
    _sent_fault: _fault.Fault | None = None
    # A descriptor of the memory of a large result that comes in parts.
    _parts = -1
    _outcome: tuple[Any, Exception | None] | None = None
    _receivers: "Sequence[weakref.ref[Receiver]]" = ()
    # In seconds.
    _limit: float | None = None
    # Whether it has memory or descriptors of this process.
    _takes_along = False
    # Whether its function is in the program itself.
    _is_of_program = False
    # What stores it.
    _queue: Any = None
    # Whether its queue was closed before its end.
    _is_parted = False

    def __init__(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> None:
        call = _Packed(function, args, kwargs)
        self._prepare(CALL, Ferry.TaskKind.CALL, call, max_returned_descriptors=call.count_returned())
        self._complete(call)

    def _prepare(self, remote: str, kind: Any, call: "_Packed", **properties: Any) -> None:
        Ferry.Task.__init__(self, function=remote, kind=kind, arguments=_message.to_variant(b"".join(call.parts)), name=call.name,
                            **properties)
        _native.show(self, call.name)

    def _complete(self, call: "_Packed") -> None:
        """Gives it what a call has besides its bytes."""
        self._size = sum(map(len, call.parts))
        self._begin(call.name)
        if call.limit is not None:
            self._set_limit(call.limit)
        self._takes_along = call.memory >= 0 or bool(call.travellers)
        self._is_of_program = call.is_of_program
        if call.memory >= 0:
            self._size = os.fstat(call.memory).st_size
            try:
                self.add_descriptor(call.memory)
            finally:
                os.close(call.memory)
        if call.travellers:
            receivers = [traveller._give_to(self) for traveller in call.travellers]
            self._receivers = [weakref.ref(receiver) for receiver in receivers if receiver is not None]

    def _begin(self, name: str) -> None:
        self._ended = Event()
        self._function_name = self._name = name
        _native.bind(self, self._ended)

    def _set_limit(self, seconds: float) -> None:
        self._limit = seconds
        _limit.set_limit(self, seconds)

    def _keep(self, server: Any) -> None:
        """What answers the function, until the task ends."""
        self._ended.add_callback(server.close)

    # ---- on the home's thread ----

    def do_message(self, kind: str, value: Any) -> None:
        if kind == EXCEPTION:
            self._sent_fault = pickle.loads(_message.from_variant(value))
        elif kind == PART:
            if self._parts < 0:
                self._parts = _message.make_memory()
                weakref.finalize(self, os.close, self._parts)
            _message.write_part(self._parts, _message.from_variant(value))
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

    def _part(self) -> None:
        """Its queue was closed, and has it in its file."""
        self._outcome = None, self._interrupted()
        self._ended.set()

    # ---- on any thread ----

    def _interrupted(self) -> Interrupted:
        return Interrupted("The queue was closed before '%s' was done; open it again, and the task goes on, or says that it "
                           "cannot" % self._name)

    def _add_trace(self, exception: Exception) -> Exception:
        """Where the function was that did not return in time."""
        trace = self.props.trace
        # One of a line has the function's name alone.
        return cast(Exception, _fault.add_trace(exception, trace if trace and "\n" in trace.rstrip() else None))

    def _translate(self, error: Any) -> Exception:
        if self._sent_fault is not None and error.domain == PYTHON_ERROR:
            return _no_stop(_fault.restore(self._sent_fault, self._name), self._name)
        if self._is_parted and is_cancel(error):
            return self._interrupted()
        if is_error(error, Ferry.Error.INTERRUPTED):
            return Interrupted(error.message)
        if self._limit is not None and is_error(error, Ferry.Error.TIMED_OUT):
            late = TimeoutError("%s() took longer than its limit of %g seconds, and was ended; give it more, or less to do"
                                % (self._function_name, self._limit))
            return self._add_trace(late)
        if is_cancel(error):
            return concurrent.futures.CancelledError(error.message)
        if is_error(error, Ferry.Error.TIMED_OUT) or is_error(error, Ferry.Error.QUEUE_TIMED_OUT):
            return self._add_trace(TimeoutError(error.message))
        if is_error(error, Ferry.Error.WORKER_LOST) or is_error(error, Ferry.Error.QUARANTINED):
            end = self.get_exit()
            return WorkerLost(error.message) if end is None else _fault.lost(self._name, end, error.message, self.props.trace)
        return Error(error.message)

    def _open_memory(self) -> int:
        _large.add(self._function_name)
        descriptor = int(self.dup_descriptor(0)) if self._parts < 0 else os.dup(self._parts)
        self._size = max(self._size, os.fstat(descriptor).st_size)
        return descriptor

    def _find_outcome(self) -> tuple[Any, Exception | None]:
        try:
            data = _native.take(self)
            if data is None:
                # Raises what is wrong.
                result = self.get_result()
                if result is None:
                    return None, Error("'%s' was done, and its result is not kept any more; forget its key, and submit it again"
                                       % self._name)
                data = _message.from_variant(result)
            if len(data) > self._size:
                self._size = len(data)
            if len(data) > LARGE:
                _large.add(self._function_name)
            return _message.unpack(data, self._open_memory), None
        except GLib.Error as error:
            if is_error(error, Ferry.Error.TOO_LARGE):
                _large.add(self._function_name)
            return None, self._translate(error)
        except KeyboardInterrupt:
            # Of this program, and no outcome of the task, which is read when it is asked for again.
            raise
        except BaseException as error:
            fault = _fault.describe(error)
            return None, _fault.restore(fault, "the result of " + self._name, "here, as it was unpickled")

    def _read(self) -> tuple[Any, Exception | None]:
        if self._outcome is None:
            outcome = self._find_outcome()
            with _reading:
                # Another thread may have read it meanwhile: all have the same value.
                if self._outcome is None:
                    self._outcome = outcome
        return self._outcome

    def _check_submitted(self) -> None:
        if self._home is None:
            raise Error("Task '%s' was not submitted; give it to Executor.submit() first" % self._name)

    def _wait(self, timeout: float | None) -> None:
        self._check_submitted()
        if not self.done() and not self._ended.wait(self._home, timeout):
            raise self._late(timeout)

    def _late(self, timeout: float | None) -> Exception:
        """What a wait raises that was too short."""
        return TimeoutError("Task '%s' is not done yet; wait longer, or cancel it" % self._name)

    @property
    def wait(self) -> Any:
        raise AttributeError("A task has no wait(); result() waits, for at most so many seconds")

    def connect(self, detailed_signal: str, handler: Callable[..., Any], *args: Any) -> int:
        """As that of any GObject. A handler of `asks` hears of what is asked by now as well.

        Signals come on the home's thread, and a program may have asked before this one goes on.
        """
        if detailed_signal != "asks" or self._home is None:
            return int(Ferry.Task.connect(self, detailed_signal, handler, *args))
        return self._home.call(lambda: self._connect_asks(handler, args))

    def _connect_asks(self, handler: Callable[..., Any], args: tuple[Any, ...]) -> int:
        question = self.get_property("question")
        # Before anything else comes.
        if question is not None and self._home is not None:
            post(self._home.context, lambda: handler(self, question, *args), priority=GLib.PRIORITY_HIGH)
        return int(Ferry.Task.connect(self, "asks", handler, *args))

    def result(self, timeout: float | None = None) -> T:
        """Waits for the end, for at most so many seconds, and returns what the function did, or raises what it raised.

        In a callback of the main loop that is the task's home, only a task that is done has a result: await the task
        there, or connect to `done`.
        """
        self._wait(timeout)
        return cast(T, give(*self._read()))

    def exception(self, timeout: float | None = None) -> Exception | None:
        """Waits as result() does, and returns the exception, or None. A task that was cancelled raises."""
        self._wait(timeout)
        _, exception = self._read()
        if isinstance(exception, concurrent.futures.CancelledError):
            raise exception
        return exception

    @property
    def props(self) -> Any:
        """The properties of the `Ferry.Task`, on any thread."""
        return Properties(self._home, cast(Any, super()).props)

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

    def _end(self) -> None:
        """Cancels it and waits for its end, for a wait that was ended by an exception."""
        self.cancel()
        self._ended.wait(self._home, None)

    def pause(self) -> bool:
        """Pauses the task, until resume(). Any thread. Returns whether it was not paused, cancelled or done.

        A task that waits is passed over. A function that runs waits in its next ferry.report(), or step of ferry.track().
        Where it has none within a second it goes on, or its process is stopped if the property `stoppable` was set.
        """
        return self._do(Ferry.Task.pause)

    def resume(self) -> bool:
        """Lets the task go on. Any thread. Returns whether it was paused."""
        return self._do(Ferry.Task.resume)

    def _do(self, function: Callable[[Any], bool]) -> bool:
        # On another thread the library would only be asked to.
        return bool(function(self) if self._home is None else self._home.call(lambda: function(self)))

    def answer(self, answer: str | bytes | None) -> None:
        """Answers what the task asks: see its signal `asks`, and its property `interactive`. Any thread.

        The answer has the "\\n" that a person would type; None is the end of the input.
        """
        data = os.fsencode(answer) if isinstance(answer, str) else answer
        try:
            self._do(lambda task: bool(Ferry.Task.answer(task, data)))
        except GLib.Error as error:
            raise Error(error.message) from None

    @property
    def is_paused(self) -> bool:
        """Whether the task is paused. Any thread."""
        return bool(self.props.is_paused)

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


_native.follow(Task)


class _Call(Task[T]):
    """One that was made for a submission, in the shortest way."""

    __gtype_name__ = "FerryPythonCall"

    # What has made the object has set all that it needs. No function of Python: what a signal raises in it would be printed,
    # as the object is made by the library, and Ctrl-C would be lost.
    __init__ = object.__init__  # type: ignore[assignment]


# What programs know of it.
_Call.__name__ = "Task"


def make_call(function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any], name: str | None = None) -> Task[T]:
    """A task that calls a function, by another name where that is given."""
    call = _Packed(function, args, kwargs, name)
    task: Task[T] = _native.make(_Call, CALL, call.name, call.parts, call.count_returned())
    task._complete(call)
    return task
