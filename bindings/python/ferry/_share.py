# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ferry.share(): an array or bytes for many calls, in memory that each worker maps once.

The memory is a file without a name: a page of Ferry's own, and the content behind it. The first byte says whether the
application still has the `Shared`. A worker keeps what it has mapped as long as that says so.
"""

import fcntl
import importlib
import math
import mmap
import os
import sys
import uuid
import weakref
from typing import Any, Generic, TypeVar, cast

from . import _message, _travel

T = TypeVar("T")

# Where the content begins.
START = mmap.PAGESIZE

# Linux has it since 5.1, and the module fcntl since Python 3.13: what is mapped from now on cannot be written to.
F_SEAL_FUTURE_WRITE = 0x10

# In a worker: what it has mapped, by the tokens of the application.
mapped: dict[str, tuple[mmap.mmap, Any]] = {}

# ("array", type, shape, order) of an array of numpy, ("memory", format, shape) of other buffers.
Layout = tuple[Any, ...]


def _open(memory: mmap.mmap, layout: Layout) -> Any:
    """What is in memory, without a copy."""
    kind, *details = layout
    content = memoryview(memory)[START:]
    if kind == "array":
        dtype, shape, order = details
        numpy = importlib.import_module("numpy")
        return numpy.ndarray(shape, dtype, content, order=order)
    format_, shape = details
    return content.cast(format_, shape) if math.prod(shape) else content[:0]


def _is_array(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray)


def _describe_array(array: Any) -> tuple[int, Layout]:
    if array.dtype.hasobject:
        raise TypeError("An array of objects cannot be shared, as it has but their places in this process; make one of numbers")
    return array.nbytes, ("array", array.dtype, array.shape, "F" if array.flags.fnc else "C")


def _describe_memory(content: Any) -> tuple[int, Layout]:
    try:
        view = memoryview(content)
    except TypeError:
        raise TypeError("What is shared is bytes, an array of numpy or another buffer, and no '%s'"
                        % type(content).__qualname__) from None
    # Newer versions of mypy take no format that they cannot read.
    memory: Any = memoryview(b"")
    try:
        # What memory of bytes can be seen as.
        memory.cast(view.format)
    except ValueError:
        raise TypeError("Memory with elements of the format '%s' cannot be shared; cast it to bytes, or make it an array of numpy"
                        % view.format) from None
    return view.nbytes, ("memory", view.format, tuple(view.shape or ()))


def _let_go(memory: mmap.mmap, descriptor: int) -> None:
    memory[0] = 0
    os.close(descriptor)


class Shared(_travel.Traveller, Generic[T]):
    """An array, or bytes, that workers have in common: see share()."""

    _needs_task = False

    def __init__(self, content: Any, writable: bool) -> None:
        is_array = _is_array(content)
        size, self._layout = _describe_array(content) if is_array else _describe_memory(content)
        self._token = uuid.uuid4().hex
        self._is_writable = writable
        self._descriptor = _message.make_memory()
        try:
            os.ftruncate(self._descriptor, START + size)
            memory = mmap.mmap(self._descriptor, START + size)
            self._fill(memory, content, is_array)
            seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
            fcntl.fcntl(self._descriptor, fcntl.F_ADD_SEALS, seals if writable else seals | F_SEAL_FUTURE_WRITE)
        except BaseException:
            os.close(self._descriptor)
            raise
        weakref.finalize(self, _let_go, memory, self._descriptor)
        own = memory if writable else mmap.mmap(self._descriptor, START + size, prot=mmap.PROT_READ)
        # As functions have it, here.
        self.value: T = _open(own, self._layout)

    def _fill(self, memory: mmap.mmap, content: Any, is_array: bool) -> None:
        memory[0] = 1
        if is_array:
            _open(memory, self._layout)[...] = content
        else:
            view = memoryview(content)
            memory[START:] = view.cast("B") if view.c_contiguous and view.nbytes else view.tobytes()

    def __repr__(self) -> str:
        return "<ferry.Shared %s, %s>" % (self._layout, "writable" if self._is_writable else "read-only")

    def __reduce__(self) -> Any:
        about = self._token, self._layout, self._is_writable
        if _travel.is_packing():
            _, arguments = super().__reduce__()
            return _open_sent, (arguments, *about)
        # As the argument of an initializer, or in a message, which has no descriptors.
        return _open_named, ("/proc/%d/fd/%d" % (os.getpid(), self._descriptor), *about)

    def _give_to(self, task: Any) -> None:
        task.add_descriptor(self._descriptor)
        # The function may come to it when nothing else here has it any more.
        task._call_at_end(self._note_end)

    def _note_end(self, _task: Any) -> None:
        """The task has needed it until now."""

    def _arrive(self, job: Any, handle: int, count: int) -> None:
        self._descriptor = job.dup_descriptor(handle)


def let_go() -> None:
    """In a worker: lets go of what the application has let go of. A function that has kept it goes on to have it."""
    for token in [token for token, (memory, _) in mapped.items() if not memory[0]]:
        del mapped[token]


def _find(descriptor: int, token: str, layout: Layout, is_writable: bool) -> Any:
    try:
        let_go()
        if token not in mapped:
            protection = mmap.PROT_READ | mmap.PROT_WRITE if is_writable else mmap.PROT_READ
            memory = mmap.mmap(descriptor, os.fstat(descriptor).st_size, prot=protection)
            mapped[token] = memory, _open(memory, layout)
        return mapped[token][1]
    finally:
        os.close(descriptor)


def _open_sent(arguments: Any, token: str, layout: Layout, is_writable: bool) -> Any:
    arrived = cast("Shared[Any]", _travel.open_traveller(*arguments))
    return _find(arrived._descriptor, token, layout, is_writable)


def _open_named(path: str, token: str, layout: Layout, is_writable: bool) -> Any:
    # Writing would fail anyway, as the memory is sealed.
    return _find(os.open(path, (os.O_RDWR if is_writable else os.O_RDONLY) | os.O_CLOEXEC), token, layout, is_writable)


# What it returns is an argument of functions that take the content itself, for a checker of types as well.
def share(content: Any, *, writable: bool = False) -> Any:
    """Copies an array of numpy, bytes, or another buffer, once, into memory that workers map.

    What is returned is an argument of functions, also of an initializer, which have an array or a memoryview instead. It is
    read-only, unless `writable` says that all may change it, and all see that. `value` is the same here. The memory is given
    back when nothing refers to it: here, and in functions.
    """
    return Shared(content, writable)
