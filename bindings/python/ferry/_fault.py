# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An exception on its way from a worker to the application: what is sent of it, and what is raised there."""

import concurrent.futures
import contextlib
import copyreg
import functools
import io
import os
import pickle
import re
import reprlib
import traceback
import types
from typing import Any

from . import _by_value
from ._names import UNSENT
from .errors import RemoteError, RemoteTraceback, WorkerLost

# (the exception as a pickle, or None; the name of its class; its message; its traceback; the number of its process)
Fault = tuple[bytes | None, str, str, str, int]


# In the flags of a class: it was made by a `class` statement, and not in C.
HEAP_TYPE = 1 << 9


def remake(kind: type[BaseException], args: tuple[Any, ...], state: dict[str, Any]) -> BaseException:
    """In the application: an exception as it was, whatever arguments the constructor of its class wants."""
    base: Any = next(parent for parent in kind.__mro__ if not parent.__flags__ & HEAP_TYPE)
    exception: BaseException = base.__new__(kind, *args)
    base.__init__(exception, *args)
    for name, value in state.items():
        _set(exception, name, value)
    return exception


def _set(exception: BaseException, name: str, value: Any) -> None:
    """Past a __setattr__ of its class: dataclasses that are frozen are exceptions, too."""
    BaseException.__setattr__(exception, name, value)


def _defined(kind: type) -> set[str]:
    """What the classes of a program have defined in it, and not those in C."""
    return {name for parent in kind.__mro__ if parent.__flags__ & HEAP_TYPE for name in vars(parent)}


def _reduce(value: Any) -> Any:
    """How an exception is pickled whose class has a constructor, which has got other arguments than `args` has."""
    if not isinstance(value, BaseException) or isinstance(value, type):
        return NotImplemented
    kind = type(value)
    defined = _defined(kind)
    if not defined & {"__init__", "__new__"} or defined & {"__reduce__", "__reduce_ex__"}:
        return NotImplemented
    _, args, *rest = value.__reduce__()[:3]  # type: ignore[misc]
    slots = {name: getattr(value, name) for name in copyreg._slotnames(kind)  # type: ignore[attr-defined]
             if hasattr(value, name)}
    return remake, (kind, args, {**slots, **(rest[0] if rest and rest[0] else {})})


class _Pickler(pickle.Pickler):
    """Sends exceptions without a call of their classes' constructors."""

    def reducer_override(self, value: Any) -> Any:
        return _reduce(value)


@functools.cache
def _find_pickler(by_value: Any) -> Any:
    """That of this module, and one for exceptions whose classes go by value."""
    if by_value is None:
        return _Pickler

    class Pickler(by_value):  # type: ignore[misc]
        def reducer_override(self, value: Any) -> Any:
            own = _reduce(value)
            return super().reducer_override(value) if own is NotImplemented else own

    return Pickler


def _pickled(exception: BaseException) -> bytes | None:
    stream = io.BytesIO()
    try:
        _find_pickler(_by_value.find_pickler())(stream, 5).dump(exception)
    except Exception:
        return None
    return stream.getvalue()


def say(exception: BaseException) -> str:
    """What people read of it, in a row of a list as well. Its class, its number and the traceback are in the details."""
    if isinstance(exception, OSError) and exception.strerror is not None:
        names = [os.fsdecode(name) for name in (exception.filename, exception.filename2) if isinstance(name, (str, bytes))]
        return ": ".join([exception.strerror, *filter(None, [" -> ".join(names)])])
    # That of others is no sentence.
    if isinstance(exception, Exception) and not isinstance(exception, KeyError):
        with contextlib.suppress(Exception):
            if text := str(exception):
                return text
    return _name_and_say(exception)


def _name_and_say(exception: BaseException) -> str:
    return "".join(traceback.format_exception_only(type(exception), exception)).strip()


def note_unsent(exception: Exception, value: Any, function: Any) -> None:
    """Of what was raised as a value was pickled."""
    exception.add_note("%s gave a value of type %s, which cannot be sent; give one that can be pickled"
                       % (getattr(function, "__qualname__", function), type(value).__qualname__))
    with contextlib.suppress(Exception):
        # For programs that know multiprocessing's error.
        setattr(exception, UNSENT, reprlib.repr(value))


def describe(exception: BaseException, *inner: dict[str, Any]) -> Fault:
    """What is sent. The first frames, as long as they are of one of the inner modules, are left out."""
    frame = exception.__traceback__
    while frame is not None and any(frame.tb_frame.f_globals is module for module in inner):
        frame = frame.tb_next
    trace = "".join(traceback.format_exception(type(exception), exception, frame))
    return _pickled(exception), type(exception).__qualname__, _name_and_say(exception), trace, os.getpid()


def where(exception: BaseException, waited: list[tuple[types.FrameType, int]], *inner: dict[str, Any]) -> str:
    """Where a function was that an exception has ended: where its coroutine waited, or the frames that are of none of the
    inner modules."""
    frames = iter(waited or [(frame, line) for frame, line in traceback.walk_tb(exception.__traceback__)
                             if not any(frame.f_globals is module for module in inner)])
    lines = traceback.StackSummary.extract(frames).format()
    return "".join(["Most recent call last:\n", *lines]) if lines else ""


# What a traceback ends with, of an exception.
_LAST = re.compile(r"^([A-Za-z_][\w.]*)(?:: .*)?\Z", re.MULTILINE | re.DOTALL)


def stored(message: str, trace: str) -> Fault:
    """What a queue's file has of an exception: what people read of it, and its traceback."""
    lines = trace.rstrip().splitlines()
    # Behind the last frame, whose lines are indented.
    start = next((i + 1 for i in reversed(range(len(lines))) if lines[i].startswith("  ")), 0)
    found = _LAST.match("\n".join(lines[start:]))
    said = found[0] if found else message
    return None, found[1].rpartition(".")[2] if found else "", said, trace, 0


def restore(fault: Fault, name: str, where: str | None = None) -> Exception:
    """What is raised in the application: the exception itself, where that can be."""
    pickled, class_name, message, trace, process = fault
    exception: Any = None
    try:
        exception = pickle.loads(pickled) if pickled is not None else None
    except Exception:
        # Its class is not known here.
        pass
    # That of a future that the function had looks like a cancel of this call.
    if not isinstance(exception, Exception) or isinstance(exception, concurrent.futures.CancelledError):
        original, exception = exception, RemoteError(message, class_name)
        exception.original = original
    place = "raised by %s %s" % (name, where or "in the worker with process number %d" % process)
    _set(exception, "__cause__", RemoteTraceback(trace, place))
    note = place[0].upper() + place[1:] + ":\n" + trace.rstrip()
    _set(exception, "__notes__", [*getattr(exception, "__notes__", ()), note])
    restored: Exception = exception
    return restored


def convert_cause(exception: BaseException, kind: Any) -> None:
    """The cause becomes what programs know from another pool. It shows the traceback, so that no note has to."""
    cause = exception.__cause__
    if isinstance(cause, RemoteTraceback):
        _set(exception, "__cause__", kind("\n\"\"\"\n%s\"\"\"" % cause.tb))
        _set(exception, "__notes__", getattr(exception, "__notes__", [])[:-1])


def add_trace(exception: Any, trace: str | None) -> Any:
    """Adds where a worker crashed, or was when its time was over."""
    if trace:
        exception.add_note("Where the worker was:\n" + trace.rstrip())
    return exception


def lost(name: str, end: Any, said: str = "", trace: str | None = None) -> WorkerLost:
    """What is raised where a worker has ended, by its `Ferry.Exit`. said: the library's message, which has the files that
    programs of the function may have left incomplete. trace: of a task."""
    unfinished = re.search(r"\. Until then, .+ may be incomplete", said, re.DOTALL)
    error = WorkerLost("%s was lost: %s%s" % (name, end.get_message(), unfinished[0] if unfinished else ""),
                       end.get_exit_status(), end.get_signal(), tuple(end.props.last_lines or ()), end.props.backtrace)
    add_trace(error, trace or end.props.backtrace)
    return error
