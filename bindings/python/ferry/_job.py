# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""In a worker: ferry.report(), track(), part(), scratch_folder() and cancelled(), and the interrupt that a cancel raises.

Where no task runs, nothing is said to anybody.
"""

import contextlib
import contextvars
import functools
import math
import signal
import sys
import threading
import time
import types
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Any, TypeVar

from . import _text
from ._native import Failure
from .errors import Cancelled, Error

T = TypeVar("T")

# The job whose function runs, and the one that a cancel may interrupt. A worker runs one function at a time.
current: Any = None
interruptible: Any = None

# What the function has asked the application, by a ferry.View, and has no answer yet.
unanswered: set[Any] = set()


class _Asked(threading.local):
    """The question that this thread answers."""

    invocation: Any = None


asked = _Asked()

# In the worker of an object: the request whose coroutine runs, also for the tasks and threads that the coroutine makes.
awaited: contextvars.ContextVar[Any] = contextvars.ContextVar("awaited", default=None)

# Interrupts the function of a cancelled task, also in a system call. Where it comes too late, nothing happens.
INTERRUPT = signal.SIGURG

# When an interrupt is sent again that has come at a bad moment, in seconds.
RETRY_TIME = 0.001

# The file of what imports modules. A package whose import has failed half-way keeps its modules, and cannot find them.
_IMPORT = "<frozen importlib._bootstrap>"

# How often track() reports, in seconds: as often as a window shows it.
TRACK_INTERVAL = 0.01


# Whether an interrupt waits until a call of the library is over, and whether one has.
_main_thread = threading.main_thread().ident
_is_whole = False
_was_late = False


def _is_bad_moment(frame: types.FrameType | None) -> bool:
    """Whether what is raised now would be ignored by the interpreter, or leave a package that cannot be imported again."""
    # The program may be a module that is being imported itself.
    while frame is not None and frame.f_code is not call.__code__:
        if frame.f_code.co_name == "__del__" or frame.f_code.co_filename == _IMPORT:
            return True
        frame = frame.f_back
    return False


# The coroutine that the function has returned, and its loop, while it runs, and where it waited when it was interrupted.
_coroutine: Any = None
_loop: Any = None
waited: list[tuple[types.FrameType, int]] = []


def _find_waits(coroutine: Any) -> Iterator[tuple[types.FrameType, int]]:
    """Where a coroutine waits, and those that it waits for."""
    while getattr(coroutine, "cr_frame", None) is not None and not coroutine.cr_running:
        yield coroutine.cr_frame, coroutine.cr_frame.f_lineno
        coroutine = coroutine.cr_await


def _raise(job: Any, frame: types.FrameType | None) -> None:
    if _is_bad_moment(frame):
        threading.Timer(RETRY_TIME, send_interrupt, (None, job)).start()
    else:
        waited[:] = _find_waits(_coroutine)
        raise Cancelled("The task was cancelled")


def call(job: Any, function: Callable[..., T], *arguments: Any) -> T:
    """Calls the function of a job. A cancel raises in it, wherever it is, and in whoever calls this as well."""
    global interruptible
    try:
        interruptible = job
        if job.is_cancelled():
            raise Cancelled("The task was cancelled")
        return function(*arguments)
    finally:
        interruptible = None


def call_whole(method: Any, *arguments: Any) -> Any:
    """Calls the library, which hears of a cancel by itself. What is raised while it makes its error would be lost."""
    global _is_whole, _was_late
    if interruptible is None or threading.get_ident() != _main_thread:
        return method(*arguments)
    _is_whole = True
    try:
        return method(*arguments)
    finally:
        _is_whole = False
        if _was_late:
            _was_late = False
            _raise(interruptible, sys._getframe())


def take_interrupt(_number: int, frame: types.FrameType | None) -> None:
    """In a worker: the handler of the signal."""
    global _was_late
    job = interruptible
    if job is None or not job.is_cancelled():
        return
    if _is_whole:
        _was_late = True
    else:
        _raise(job, frame)


def send_interrupt(_cancellable: Any, job: Any) -> None:
    """On the thread that hears of cancels. On the function's own thread, the call that heard of it fails with it."""
    main = threading.main_thread()
    if interruptible is job and threading.current_thread() is not main and main.ident is not None:
        signal.pthread_kill(main.ident, INTERRUPT)
        # A signal that comes just before the loop begins to wait does not wake it.
        loop = _loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # it is closed
                loop.call_soon_threadsafe(lambda: None)


def _call(method: Any, *arguments: Any) -> None:
    try:
        call_whole(method, *arguments)
    except Failure as failure:
        if cancelled():
            raise Cancelled(str(failure)) from None
        raise Error(str(failure)) from None


def wait_for_answers() -> None:
    """At the end of a function: what it has asked is carried out before its task ends."""
    for call in list(unanswered):
        call._ended.wait(None, None)


def finish(value: Any) -> Any:
    """What a function has returned, or what the coroutine gives that it has returned."""
    global _coroutine, _loop
    if type(value) is not types.CoroutineType:
        return value
    import asyncio

    _coroutine = value
    try:
        with asyncio.Runner() as runner:
            _loop = runner.get_loop()
            return runner.run(value)
    finally:
        _coroutine = _loop = None


def report(fraction: float | None, text: str | None = None) -> None:
    """Says how far the function is, from 0 to 1, and what it does. It waits while the task is paused, and raises after a cancel.

    A bar that was wrong is taken back by None: it pulses until the function returns, whatever is reported later.
    """
    if current is not None:
        _call(current.report, -math.inf if fraction is None else fraction, _text.display(text))


@contextlib.contextmanager
def part(weight: float) -> Iterator[None]:
    """Has what is reported, and what programs say of their progress, be of so much of the whole: `with ferry.part(0.3):`."""
    job = current
    if job is not None:
        job.begin_part(weight)
    try:
        yield
    finally:
        if job is not None:
            job.end_part()


@functools.cache
def _own_folder() -> Any:
    import tempfile

    return tempfile.TemporaryDirectory()


def scratch_folder() -> str:
    """The path of a folder that is removed with all in it when the function has returned, or was killed."""
    if current is None:
        return str(_own_folder().name)
    return str(call_whole(current.get_scratch_folder))


def commit() -> None:
    """Raises after a cancel, for the last time: for right before the function does what stays, such as moving a file.

    A cancel that comes later comes too late, and the task has what the function returns. In a map it is a check alone.
    """
    if current is not None:
        _call(current.commit)


def cancelled() -> bool:
    """Whether the task was cancelled: for a function that catches what the cancel raises, to end in its own way.

    On a thread of a DeMux: whether the question was cancelled, or its time is over.
    """
    job = asked.invocation or current or awaited.get()
    return job is not None and bool(job.is_cancelled())


def track(iterable: Iterable[T], total: int | None = None, text: str | None = None,
          unit: str | None = None) -> Iterator[T]:
    """The items of an iterable, with the progress of the task: how many there were, of how many, and of what."""
    if total is None:
        total = len(iterable) if isinstance(iterable, Sized) else 0
    shown = _text.display(unit), _text.display(text)
    told = 0.0
    done = 0
    for item in iterable:
        now = time.monotonic()
        if current is not None and now - told >= TRACK_INTERVAL:
            told = now
            _call(current.report_amount, done, total, *shown)
        yield item
        done += 1
    if current is not None:
        _call(current.report_amount, done, total, *shown)
