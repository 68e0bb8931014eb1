# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Locks, events and queues of multiprocessing, as arguments of initializers.

Processes of multiprocessing inherit them. A worker of Ferry is no child of the program: it opens their semaphores by
name, and their pipes in the program's folder of /proc.
"""

import fcntl
import importlib
import io
import os
import pickle
import stat
import sys
from collections.abc import Callable
from typing import Any

from . import _by_value
from .errors import Error


class _Descriptor:
    """A descriptor of this process, which workers open again, each for itself."""

    def __init__(self, descriptor: int) -> None:
        if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            raise pickle.PicklingError("A pipe with two directions cannot go to several workers; make it with "
                                       "multiprocessing.Pipe(duplex=False), or use a queue")
        self._mode = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE
        self._path = "/proc/%d/fd/%d" % (os.getpid(), descriptor)

    def detach(self) -> int:
        """In the worker. The name is that of multiprocessing."""
        return os.open(self._path, self._mode | os.O_CLOEXEC)


class _Process:
    """What multiprocessing takes for the process that it starts, while it is asked for the state of an object."""

    DupFd = _Descriptor

    @staticmethod
    def duplicate_for_child(descriptor: int) -> int:
        return descriptor


def _refuse(value: Any, reason: str) -> None:
    raise Error("A %s that was made for forked processes cannot go to workers, as %s; make it with "
                "multiprocessing.get_context(\"spawn\")" % (type(value).__name__, reason))


def _name(lock: Any) -> None:
    """Has a semaphore that only forked processes can inherit, as it has no name, replaced by one that has."""
    multiprocessing = sys.modules["multiprocessing"]
    synchronize: Any = sys.modules["multiprocessing.synchronize"]
    old = lock._semlock
    if old.name is not None:
        return
    if any(getattr(child._popen, "method", "") == "fork" for child in multiprocessing.active_children()):
        _refuse(lock, "forked processes may have it already")
    if old.maxvalue == 1 and old._is_zero():
        _refuse(lock, "it is held")
    new = synchronize.SemLock(old.kind, old._get_value(), old.maxvalue, ctx=multiprocessing.get_context("spawn"))
    # Its methods, too, and that it is of no fork, for which newer versions of Python look. The name lives as long as new.
    vars(lock).update(vars(new), _ferry_semaphore=new)


def _name_all(value: Any) -> None:
    """Before the state of an object of multiprocessing is asked for."""
    synchronize = sys.modules["multiprocessing.synchronize"]
    queues = sys.modules.get("multiprocessing.queues")
    if isinstance(value, synchronize.SemLock):
        _name(value)
    elif isinstance(value, synchronize.Condition):
        for part in (value._lock, value._sleeping_count, value._woken_count, value._wait_semaphore):
            _name(part)
        value._make_methods()
    elif queues is not None and isinstance(value, queues.Queue):
        if value._thread is not None and value._wlock._semlock.name is None:
            _refuse(value, "its thread has begun to write")


def pickled(value: Any, callback: Callable[[pickle.PickleBuffer], bool]) -> bytes:
    """As pickle.dumps() does it, and with what multiprocessing's own processes inherit."""
    if "multiprocessing.synchronize" not in sys.modules:
        stream = io.BytesIO()
        _by_value.pickler(stream, callback).dump(value)
        return stream.getvalue()
    reduction: Any = importlib.import_module("multiprocessing.reduction")
    context: Any = sys.modules["multiprocessing.context"]
    by_value = _by_value.find_pickler()
    stream = io.BytesIO()

    class Pickler(by_value or reduction.ForkingPickler):  # type: ignore[misc]
        def __init__(self) -> None:
            if by_value is None:
                super().__init__(stream, 5, True, callback)
                return
            super().__init__(stream, 5, buffer_callback=callback)
            self.dispatch_table = {**by_value.dispatch_table, **reduction.ForkingPickler._extra_reducers}

        def reducer_override(self, part: Any) -> Any:
            _name_all(part)
            return NotImplemented if by_value is None else super().reducer_override(part)

    context.set_spawning_popen(_Process)
    try:
        Pickler().dump(value)
    finally:
        context.set_spawning_popen(None)
    return stream.getvalue()
