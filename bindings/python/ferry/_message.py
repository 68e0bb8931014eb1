# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The bytes of a call and of its result.

A message is a head and a pickle of protocol 5. A buffer of an array is copied once, as it is, into memory that the other
process maps. So is a large pickle: of large bytes, wherever they are in a value, it is written from them themselves. A
large result lies in memory where its task takes that, or its memory is sent in parts, and else it is in the message, whose
pickle has the buffers in it.
"""

import fcntl
import functools
import io
import mmap
import os
import pickle
import re
import struct
import types
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from . import _by_value, _main
from .errors import Error

if TYPE_CHECKING:
    from ._library import GLib

# A smaller buffer costs less inside the pickle.
MIN_BUFFER = 1 << 16
# A pickle that is larger goes into memory, too: it is copied less often there, and what is sent as a message has a limit.
MAX_PICKLE = 1 << 20
# That of a result, which is copied less often on its way. One with buffers is copied more often.
MAX_RESULT = 2 << 20
ALIGNMENT = 64
# How many bytes of memory are sent at once, where a large value has to go by messages.
PART_SIZE = 32 << 20
# What describes a buffer of the library has a limit, which is that of so many parts.
MAX_PARTS = 1024

_HEAD = struct.Struct("<II")
_OFFSET = struct.Struct("<Q")

# What a head says: pickle and buffers lie in memory of their own; or the call is stored, so that all of it is in the message,
# and all of its result is.
IN_MEMORY = 1
STORED = 2


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def to_variant(data: bytes) -> "GLib.Variant":
    # What calls this has imported the library, which most workers do not.
    from ._library import GLib

    return GLib.Variant.new_from_bytes(GLib.VariantType("ay"), GLib.Bytes.new(data), True)


def from_variant(variant: "GLib.Variant") -> bytes:
    data: bytes = variant.get_data_as_bytes().get_data() or b""
    return data


def _describe(function: Any) -> str:
    code = getattr(function, "__code__", None)
    name = getattr(function, "__qualname__", repr(function))
    return "%s at %s:%d" % (name, code.co_filename, code.co_firstlineno) if code else str(name)


def find_mistake(function: Any) -> str | None:
    """Why a worker could not find a function, and what to do about it."""
    return _find_mistake(function) if isinstance(function, (types.FunctionType, type)) else None


def plain(function: Any) -> Any:
    """What partials of functions call in the end."""
    while isinstance(function, functools.partial):
        function = function.func
    return function


# A program calls few functions often.
@functools.lru_cache(maxsize=64)
def _find_mistake(function: Any) -> str | None:
    if "<" in function.__qualname__:
        return ("%s cannot be sent to a worker, which finds a function by its name in a module; define it with 'def' at "
                "the top level of a module, and pass it what it uses as arguments" % _describe(function))
    if function.__module__ == "__main__" and _main.find() == ():
        if _main.is_package():
            return ("%s is in a __main__.py, which runs the program where it is imported, so that workers do not import "
                    "it; move it to another module of the package or archive" % _describe(function))
        return ("%s is typed in here, and a worker cannot import it; put it into a file, and import that, or install "
                "cloudpickle" % _describe(function))
    return None


def check_callable(function: Any) -> None:
    if not callable(function):
        raise TypeError("'%s' object is not callable; give a function, and its arguments behind it"
                        % type(function).__qualname__)


def check(function: Any) -> None:
    """Raises for what is no function, and for a function that a worker could not find."""
    check_callable(function)
    mistake = find_mistake(function)
    if mistake and not _by_value.is_on():
        raise pickle.PicklingError(mistake)


def check_importable(function: Any) -> None:
    """The same where what goes by value is no help."""
    check_callable(function)
    mistake = find_mistake(function)
    if mistake:
        raise pickle.PicklingError(mistake.removesuffix(", or install cloudpickle"))


# Makes a pickle, and calls back for each buffer.
Pickled = Callable[[Any, Callable[[pickle.PickleBuffer], bool]], bytes]


def _take_into(buffers: list[memoryview]) -> Callable[[pickle.PickleBuffer], bool]:
    """What a pickler calls: large buffers stay out of the pickle."""
    def take(buffer: pickle.PickleBuffer) -> bool:
        memory = buffer.raw()
        if memory.nbytes < MIN_BUFFER:
            return True
        buffers.append(memory)
        return False

    return take


class _Stream:
    """A pickle in parts. A part of many bytes is the object that is pickled, and no copy of it."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.write = self.parts.append

    def size(self) -> int:
        return sum(map(len, self.parts))

    def join(self) -> bytes:
        return self.parts[0] if len(self.parts) == 1 else b"".join(self.parts)


def _dump(value: Any, pickled: Pickled | None) -> tuple[_Stream, list[memoryview]]:
    buffers: list[memoryview] = []
    stream = _Stream()
    if pickled is None:
        _by_value.pickler(stream, _take_into(buffers)).dump(value)
    else:
        stream.write(pickled(value, _take_into(buffers)))
    return stream, buffers


def _write(descriptor: int, memory: memoryview) -> None:
    while memory.nbytes:
        memory = memory[os.write(descriptor, memory):]


def _fill(descriptor: int, stream: _Stream, buffers: list[memoryview]) -> bytes:
    """Writes the pickle and the buffers to memory, each at a multiple of the alignment. Returns the head."""
    for part in stream.parts:
        _write(descriptor, memoryview(part))
    offset = _aligned(stream.size())
    for memory in buffers:
        os.lseek(descriptor, offset, os.SEEK_SET)
        _write(descriptor, memory)
        offset += _aligned(memory.nbytes)
    os.ftruncate(descriptor, offset)
    return _head(IN_MEMORY, [stream.size(), *(memory.nbytes for memory in buffers)])


# In what the unpickler says: what the program has not, as a worker has imported it; or what it was not imported for.
_MISSING = re.compile("attribute '([^']+)'(?=.*'%s')|'%s'.* attribute '([^']+)'" % (_main.NAME, _main.NAME))
_OWN_MAIN = "'(?:__main__|ferry[.][a-z._]+)'"
_MISSING_IN_MAIN = re.compile("attribute '([^']+)'(?=.*%s)|%s.* attribute '([^']+)'" % (_OWN_MAIN, _OWN_MAIN))


def loads(data: Any, buffers: Any = None) -> Any:
    """Unpickles. In a worker, an error for what the program defines for itself alone says what to do."""
    try:
        return pickle.loads(data, buffers=buffers)
    except AttributeError as error:
        found = _MISSING.search(str(error)) or _MISSING_IN_MAIN.search(str(error))
        if found and _main.failures:
            raise _main.explain_missing(found[1] or found[2]) from _main.failures[0][0]
        if found := _MISSING.search(str(error)):
            error.args = ("A worker that imports the program finds no '%s' in it; move its definition to the top level, out "
                          "of 'if __name__ == \"__main__\":'" % (found[1] or found[2]),)
        elif found := _MISSING_IN_MAIN.search(str(error)):
            error.args = ("A worker imports no __main__.py, nor what is typed in, and so has no '%s' of it; move its "
                          "definition to another module" % (found[1] or found[2]),)
        raise


def make_memory() -> int:
    """A descriptor of memory that grows as it is written to."""
    return os.memfd_create("ferry", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)


def read_parts(descriptor: int) -> Iterator[bytes]:
    """What is in memory, in parts that write_part() puts together."""
    for offset in range(0, os.fstat(descriptor).st_size, PART_SIZE):
        yield _OFFSET.pack(offset) + os.pread(descriptor, PART_SIZE, offset)


def write_part(descriptor: int, part: bytes) -> None:
    offset, = _OFFSET.unpack_from(part)
    os.lseek(descriptor, offset, os.SEEK_SET)
    _write(descriptor, memoryview(part)[_OFFSET.size:])


def _map(descriptor: int, sizes: list[int]) -> list[memoryview]:
    """The buffers in memory. They are this process's own as soon as it writes to them, so arrays can be changed."""
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    if os.fstat(descriptor).st_size < sum(_aligned(size) for size in sizes):
        raise ValueError("The memory of a message is smaller than the message says")
    memory = mmap.mmap(descriptor, 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
    return _cut(memoryview(memory), sizes)


# Of most messages, which are a pickle alone.
_PLAIN_HEAD = _HEAD.pack(0, 0)
_STORED_HEAD = _HEAD.pack(STORED, 0)


def _head(kind: int, sizes: list[int]) -> bytes:
    return _HEAD.pack(kind, len(sizes)) + struct.pack("<%dQ" % len(sizes), *sizes)


def pack_call(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any],
              pickled: Pickled | None = None) -> tuple[tuple[bytes, ...], int]:
    """A call in parts, which are joined where they are sent, and the descriptor of the memory that belongs to it, or -1."""
    check(function)
    try:
        return pack_parts((function, args, kwargs), MAX_PICKLE, pickled)
    except Exception as exception:
        exception.add_note("The arguments of %s cannot be sent to a worker; give it values that can be pickled, and functions "
                           "that are at the top level of a module" % getattr(function, "__qualname__", function))
        raise


def pack_stored(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[bytes, ...], int]:
    """A call as another run of the program has it: with names of functions, and all in one pickle."""
    check_importable(plain(function))
    stream = _Stream()
    try:
        pickle.Pickler(stream, 5).dump((function, args, kwargs))
    except Exception as exception:
        exception.add_note("The call of %s cannot be stored; give it values that can be pickled, such as names of files, and "
                           "functions that are at the top level of a module" % getattr(function, "__qualname__", function))
        raise
    return (_STORED_HEAD, *stream.parts), -1


def store(data: bytes) -> bytes | None:
    """A call that was packed without memory, as one that is stored. None where a function in it goes by value."""
    return None if _by_value.is_on() and b"cloudpickle" in data else _STORED_HEAD + data[len(_PLAIN_HEAD):]


def is_stored(data: bytes | memoryview) -> bool:
    return bool(_read_head(data)[0] & STORED)


def explain_unreadable(exception: Exception) -> Error:
    """In a worker: why a stored call cannot be run."""
    found = re.search("attribute '([^']+)'", str(exception)) if isinstance(exception, AttributeError) else None
    why = "there is no '%s' in it" % found[1] if found else "%s: %s" % (type(exception).__name__, exception)
    return Error("This version of the program cannot read the call that an earlier one has stored: %s; forget its key, or have "
                 "the queue convert it" % why)


class _Gone:
    """What a stored call names, and this version of the program does not have."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass


class _Unpickler(pickle.Unpickler):
    """Reads a call as well as can be."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return super().find_class(module, name)
        except (AttributeError, ImportError):
            return type(name.rpartition(".")[2], (_Gone,), {"__module__": module, "__qualname__": name})


def open_stored(data: bytes) -> tuple[str, Any, tuple[Any, ...], dict[str, Any]]:
    """The name of the function, also of one that is gone, the function, and its arguments."""
    function, args, kwargs = _Unpickler(io.BytesIO(data[len(_STORED_HEAD):])).load()
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return "%s.%s" % (getattr(function, "__module__", None), name), function, args, kwargs


def pack(value: Any, most: int, pickled: Pickled | None = None) -> tuple[bytes, int]:
    """A value, and the descriptor of the memory that has its buffers, or -1. A pickle of more bytes is in there too."""
    parts, memory = pack_parts(value, most, pickled)
    return b"".join(parts), memory


def pack_parts(value: Any, most: int, pickled: Pickled | None = None) -> tuple[tuple[bytes, ...], int]:
    """The same, in parts."""
    stream, buffers = _dump(value, pickled)
    if not buffers and stream.size() <= most:
        return (_PLAIN_HEAD, *stream.parts), -1
    descriptor = make_memory()
    try:
        return (_fill(descriptor, stream, buffers),), descriptor
    except BaseException:
        os.close(descriptor)
        raise


def _read_head(data: bytes | memoryview) -> tuple[int, list[int], int]:
    kind, count = _HEAD.unpack_from(data)
    sizes = struct.unpack_from("<%dQ" % count, data, _HEAD.size)
    return kind, list(sizes), _HEAD.size + 8 * count


def _cut(memory: memoryview, sizes: list[int]) -> list[memoryview]:
    parts = []
    offset = 0
    for size in sizes:
        parts.append(memory[offset:offset + size])
        offset += _aligned(size)
    return parts


def count_memories(data: bytes | memoryview) -> int:
    """How many handles the memory of a call takes."""
    return 1 if _read_head(data)[0] & IN_MEMORY else 0


def unpack(data: bytes | memoryview, open_memory: Callable[[], int] | None = None) -> Any:
    """A value. open_memory gives the descriptor of its memory, if it has some, which is closed here."""
    if data[:len(_PLAIN_HEAD)] == _PLAIN_HEAD:
        return loads(memoryview(data)[len(_PLAIN_HEAD):])
    kind, sizes, start = _read_head(data)
    if kind & IN_MEMORY:
        if open_memory is None:
            raise ValueError("A message names memory where none can come")
        descriptor = open_memory()
        try:
            stream, *buffers = _map(descriptor, sizes)
        finally:
            os.close(descriptor)
        return loads(stream, buffers)
    if kind & STORED and not _main.failures:
        return pickle.loads(memoryview(data)[start:])
    return loads(memoryview(data)[start:])


def pack_value(value: Any, share_memory: Callable[[int], int] | None = None, prefix: bytes = b"") -> bytes:
    """A value. What is large goes into the memory that share_memory gives a descriptor of, or -1, which is closed here.

    What is before the head is packed along, as a large value is slow to copy.
    """
    if share_memory is not None:
        stream, buffers = _dump(value, None)
        size = stream.size() + sum(memory.nbytes for memory in buffers)
        if size > (MAX_PICKLE if buffers else MAX_RESULT) and (descriptor := share_memory(size)) >= 0:
            try:
                return prefix + _fill(descriptor, stream, buffers)
            finally:
                os.close(descriptor)
        if not buffers:
            return b"".join((prefix, _PLAIN_HEAD, *stream.parts))
    stream = _Stream()
    _by_value.pickler(stream).dump(value)
    return b"".join((prefix, _PLAIN_HEAD, *stream.parts))


def pack_message(value: Any) -> tuple[bytes, list[memoryview]]:
    """A value, and the parts of it that go into memory of so many bytes as size_in_memory() says.

    Without buffers, it is a pickle alone: these are many.
    """
    stream, buffers = _dump(value, None)
    if not buffers:
        return stream.join(), []
    if len(buffers) > MAX_PARTS:
        stream = _Stream()
        _by_value.pickler(stream).dump(value)
        return stream.join(), []
    parts = [memoryview(stream.join()), *buffers]
    return _head(IN_MEMORY, [part.nbytes for part in parts]), parts


def size_in_memory(parts: list[memoryview]) -> int:
    return sum(_aligned(part.nbytes) for part in parts)


def put(memory: memoryview, parts: list[memoryview]) -> None:
    for place, part in zip(_cut(memory, [part.nbytes for part in parts]), parts):
        place[:] = part


def unpack_parts(data: bytes, memory: memoryview) -> Any:
    """A value whose parts lie in memory."""
    stream, *buffers = _cut(memory, _read_head(data)[1])
    return loads(stream, buffers)
