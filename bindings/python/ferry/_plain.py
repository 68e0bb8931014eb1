# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the module _ferry does in C, for installations without it: the events that tasks tell of their end, and a call's way
to the library and back.
"""

import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from . import _message
from ._library import Ferry, GLib, GObject


class Event:
    """Something that happens once; threads wait for it, and callbacks are called."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] | None = []

    def is_set(self) -> bool:
        return self._callbacks is None

    def set(self) -> None:
        with self._lock:
            callbacks, self._callbacks = self._callbacks, None
        for callback in callbacks or ():
            try:
                callback()
            except BaseException:
                # It is no business of the others, nor of the loop.
                sys.excepthook(*sys.exc_info())

    def add_callback(self, callback: Callable[[], None]) -> None:
        """Calls it once, on the thread that sets the event, or now."""
        with self._lock:
            if self._callbacks is not None:
                self._callbacks.append(callback)
                return
        callback()

    def block(self, seconds: float) -> bool:
        """Waits for so many seconds at most, below 0 without end. Ctrl-C ends it. Returns whether it has happened."""
        lock = threading.Lock()
        lock.acquire()
        self.add_callback(lock.release)
        came = lock.acquire(timeout=-1 if seconds < 0 else min(seconds, threading.TIMEOUT_MAX))
        if not came:
            self._take_back(lock.release)
        return came or self.is_set()

    def _take_back(self, callback: Callable[[], None]) -> None:
        """For one that asks again and again, and has its time over each time."""
        with self._lock:
            if self._callbacks is not None:
                self._callbacks.remove(callback)


def follow(class_: type[Any]) -> None:
    """The tasks of a class tell their events of the end: here, by do_done()."""


def bind(task: Any, event: Event) -> None:
    """Which event a task tells of its end."""


def make(class_: Any, function: str, name: str, data: bytes, descriptors: int) -> Any:
    """A task of a class whose initialiser takes nothing. It takes back so many descriptors."""
    task = class_.__new__(class_)
    Ferry.Task.__init__(task, kind=Ferry.TaskKind.CALL, function=function, name=name,
                        arguments=_message.to_variant(data), max_returned_descriptors=descriptors)
    return task


def submit(executor: Any, task: Any, keeps: bool) -> str | None:
    """Returns what is wrong, if it cannot be submitted."""
    try:
        executor.submit_task(task)
    except GLib.Error as error:
        return str(error.message)
    return None


def take(task: Any) -> bytes | None:
    """The bytes of the result, or None where there are none."""
    try:
        return _message.from_variant(task.get_result())
    except GLib.Error:
        return None


def begin(job: Any, number: int) -> None:
    """In a worker: a function begins. When it is cancelled, a signal comes on this thread."""
    thread = threading.get_ident()

    def interrupt(*_: Any) -> None:
        # On the function's own thread, the call of the library that has heard of the cancel fails.
        if threading.get_ident() != thread:
            signal.pthread_kill(thread, number)

    # The method of that name is GCancellable's own, whose callback the bindings call without arguments.
    GObject.Object.connect(job.get_cancellable(), "cancelled", interrupt)


def end() -> None:
    """The function has ended."""
