# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An exception on its way from a worker to the application."""

import os
import pickle
import traceback
from typing import Any

from .errors import RemoteError, RemoteTraceback, WorkerLost

# (the exception as a pickle, or None; the name of its class; its message; its traceback; the number of its process)
Fault = tuple[bytes | None, str, str, str, int]


def _pickled(exception: BaseException) -> bytes | None:
    try:
        return pickle.dumps(exception, 5)
    except Exception:
        return None


def describe(exception: BaseException, *inner: dict[str, Any]) -> Fault:
    """What is sent. The first frames, as long as they are of one of the inner modules, are left out."""
    frame = exception.__traceback__
    while frame is not None and any(frame.tb_frame.f_globals is module for module in inner):
        frame = frame.tb_next
    trace = "".join(traceback.format_exception(type(exception), exception, frame))
    message = "".join(traceback.format_exception_only(type(exception), exception)).strip()
    return _pickled(exception), type(exception).__qualname__, message, trace, os.getpid()


def restore(fault: Fault, name: str, where: str | None = None) -> Exception:
    """What is raised in the application: the exception itself, where that can be."""
    pickled, class_name, message, trace, process = fault
    exception: Any = None
    try:
        exception = pickle.loads(pickled) if pickled is not None else None
    except Exception:
        # Its class is not known here, or its constructor wants other arguments.
        pass
    if not isinstance(exception, Exception):
        original, exception = exception, RemoteError(message, class_name)
        exception.original = original
    place = "raised by %s %s" % (name, where or "in the worker with process number %d" % process)
    exception.__cause__ = RemoteTraceback(trace, place)
    exception.add_note(place[0].upper() + place[1:] + ":\n" + trace.rstrip())
    restored: Exception = exception
    return restored


def lost(name: str, end: Any) -> WorkerLost:
    """What is raised where a worker has ended, by its `Ferry.Exit`."""
    return WorkerLost("%s was lost: %s" % (name, end.get_message()), end.get_exit_status(), end.get_signal(),
                      tuple(end.props.last_lines or ()))
