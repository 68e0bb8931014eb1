# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tasks of ferry.traits, which run in workers, and their futures, which are told of them.

A task sends pairs: what it says, and a value. A future gets them one by one, on the thread of its executor's router.
"""

import abc
import traceback
from collections.abc import Callable
from typing import Any

from .. import _message
from .._task import name_of
from ..errors import Cancelled
from ._observed import Enum, Event, Observed, Property

WAITING = "waiting"
EXECUTING = "executing"
CANCELLING = "cancelling"
COMPLETED = "completed"
FAILED = "failed"
CANCELLED = "cancelled"
FutureState = Enum(WAITING, EXECUTING, CANCELLING, COMPLETED, FAILED, CANCELLED)

_CANCELLABLE = (WAITING, EXECUTING)
_DONE = (COMPLETED, FAILED, CANCELLED)

# What a task says. Each of the last three is the last thing that it says.
STARTED, SENT = "started", "sent"
ABANDONED, RAISED, RETURNED = "abandoned", "raised", "returned"

# Raised in a function whose future was cancelled: by progress(), and wherever else the function is.
TaskCancelled = Cancelled


def marshal_exception(exception: BaseException) -> tuple[str, str, str]:
    """The class of an exception, its text and its traceback."""
    kind = type(exception)
    name = kind.__qualname__ if kind.__module__ == "builtins" else kind.__module__ + "." + kind.__qualname__
    return name, str(exception), "".join(traceback.format_exception(exception))


class IFuture(abc.ABC):
    """What an executor asks of a future."""

    @abc.abstractmethod
    def cancel(self) -> bool:
        """Asks the task to end. Returns whether it could be asked."""

    @abc.abstractmethod
    def receive(self, message: Any) -> bool:
        """Takes a message of the task. Returns whether it is the last one."""


class ITaskSpecification(abc.ABC):
    """What an executor submits."""

    @abc.abstractmethod
    def task(self) -> Callable[[Callable[[Any], None], Callable[[], bool]], Any]:
        """What a worker calls, with a function that sends a message, and one that says whether there was a cancel."""

    @abc.abstractmethod
    def future(self, cancel: Callable[[], Any]) -> Any:
        """An IFuture, which calls cancel() to ask the task to end."""


# ---- in workers ----


class BaseTask(abc.ABC):
    """A task. A subclass has run(), which may use send() and cancelled()."""

    __send: Callable[[Any], None]
    __cancelled: Callable[[], bool]

    @abc.abstractmethod
    def run(self) -> Any:
        """What is returned is the result of the future."""

    def send(self, message_type: str, message_arg: Any = None) -> None:
        """Has the future call its method of the name `_process_` and this type."""
        self.__send((SENT, (message_type, message_arg)))

    def cancelled(self) -> bool:
        """Whether the future was cancelled."""
        return self.__cancelled()

    def __call__(self, send: Callable[[Any], None], cancelled: Callable[[], bool]) -> None:
        if cancelled():
            send((ABANDONED, None))
            return
        self.__send, self.__cancelled = send, cancelled
        send((STARTED, None))
        try:
            end: tuple[str, Any] = RETURNED, self.run()
        except BaseException as exception:
            end = RAISED, marshal_exception(exception)
        finally:
            del self.__send, self.__cancelled
        send(end)


class FunctionTask(BaseTask):
    """A task that is a function. A cancel ends it wherever it is, as it knows of none."""

    def __init__(self, callable: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        _message.check(callable)
        self.callable = callable
        self.args = args
        self.kwargs = kwargs
        self.__qualname__ = name_of(callable)


class CallTask(FunctionTask):
    def run(self) -> Any:
        return self.callable(*self.args, **self.kwargs)


class IterationTask(FunctionTask):
    def run(self) -> Any:
        values = iter(self.callable(*self.args, **self.kwargs))
        while not self.cancelled():
            try:
                self.send("generated", next(values))
            except StopIteration as end:
                return end.value
        return None


class ProgressTask(FunctionTask):
    def run(self) -> Any:
        try:
            return self.callable(*self.args, **self.kwargs, progress=self._report)
        except TaskCancelled:
            return None

    def _report(self, progress_info: Any) -> None:
        if self.cancelled():
            raise TaskCancelled("The task was cancelled")
        self.send("progress", progress_info)


# ---- in the application ----


@IFuture.register
class BaseFuture(Observed):
    """A future. A subclass has a method `_process_NAME(value)` for each kind of message that its task sends."""

    _state = WAITING
    _cancel: Callable[[], Any] | None = None
    _result: Any = None
    _exception: tuple[str, str, str] | None = None

    @Property
    def state(self) -> str:
        """WAITING, EXECUTING, CANCELLING, COMPLETED, FAILED or CANCELLED. It may be observed, and so may the next two."""
        return self._state

    @Property
    def cancellable(self) -> bool:
        return self._state in _CANCELLABLE

    @Property
    def done(self) -> bool:
        return self._state in _DONE

    @Property
    def result(self) -> Any:
        """What the function has returned. AttributeError where the state is not COMPLETED."""
        if self._state != COMPLETED:
            raise AttributeError("There is no result, as the state is '%s'; observe 'done'" % self._state)
        return self._result

    @Property
    def exception(self) -> tuple[str, str, str]:
        """The class, the text and the traceback of what was raised. AttributeError where the state is not FAILED."""
        if self._state != FAILED or self._exception is None:
            raise AttributeError("There is no exception, as the state is '%s'; observe 'done'" % self._state)
        return self._exception

    def cancel(self) -> bool:
        """Asks the task to end. Returns False where it was asked before, or is done."""
        cancel = self._cancel
        if self._state not in _CANCELLABLE or cancel is None:
            return False
        self._change(CANCELLING)
        cancel()
        return True

    def receive(self, message: Any) -> bool:
        kind, value = message
        if kind == STARTED:
            if self._state == WAITING:
                self._change(EXECUTING)
        elif kind == SENT:
            # What comes behind a cancel is not wanted.
            if self._state == EXECUTING:
                self.dispatch(value)
        elif kind == RETURNED:
            self._result = value
            self._end(COMPLETED)
        elif kind == RAISED:
            self._exception = value
            self._end(FAILED)
        elif kind == ABANDONED:
            self._end(CANCELLED)
        else:
            raise ValueError("A task says '%s', which no future understands" % kind)
        return kind in (RETURNED, RAISED, ABANDONED)

    def dispatch(self, message: Any) -> None:
        """Takes what BaseTask.send() has sent. A subclass may do that in a way of its own."""
        kind, value = message
        getattr(self, "_process_" + kind)(value)

    def _end(self, state: str) -> None:
        self._cancel = None
        self._change(CANCELLED if self._state == CANCELLING else state)

    def _change(self, state: str) -> None:
        old, self._state = self._state, state
        self.trait_property_changed("state", old, state)
        for name, states in (("cancellable", _CANCELLABLE), ("done", _DONE)):
            if (old in states) != (state in states):
                self.trait_property_changed(name, old in states, state in states)


class CallFuture(BaseFuture):
    """The future of submit_call()."""


class IterationFuture(BaseFuture):
    """The future of submit_iteration(). `result_event` tells each value."""

    result_event = Event()

    def _process_generated(self, value: Any) -> None:
        self.result_event = value


class ProgressFuture(BaseFuture):
    """The future of submit_progress(). `progress` tells what the function has given to its argument of that name."""

    progress = Event()

    def _process_progress(self, value: Any) -> None:
        self.progress = value


@ITaskSpecification.register
class FunctionSpecification:
    """A task that is a function, and its future."""

    def __init__(self, task: FunctionTask, future: type[BaseFuture]) -> None:
        self._task = task
        self._future = future

    def task(self) -> FunctionTask:
        return self._task

    def future(self, cancel: Callable[[], Any]) -> BaseFuture:
        return self._future(_cancel=cancel)
