# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The bytes of a call and of its result.

A message is a head, a pickle of protocol 5, and the buffers that the pickle names. A buffer of an array is copied once,
as it is. The buffers of a call lie in memory that the worker maps, and those of a result behind the pickle.
"""

import mmap
import os
import pickle
import struct
import types
from collections.abc import Callable
from typing import Any

from ._library import GLib

# A smaller buffer costs less inside the pickle.
MIN_BUFFER = 1 << 16
# A pickle that is larger goes into memory, too: what is sent as a message has a limit.
MAX_PICKLE = 1 << 22
ALIGNMENT = 64

_HEAD = struct.Struct("<II")
_BYTES = GLib.VariantType("ay")

PLAIN, IN_MEMORY = 0, 1


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def to_variant(data: bytes) -> GLib.Variant:
    return GLib.Variant.new_from_bytes(_BYTES, GLib.Bytes.new(data), True)


def from_variant(variant: GLib.Variant) -> bytes:
    data: bytes = variant.get_data_as_bytes().get_data() or b""
    return data


def _describe(function: Any) -> str:
    code = getattr(function, "__code__", None)
    name = getattr(function, "__qualname__", repr(function))
    return "%s at %s:%d" % (name, code.co_filename, code.co_firstlineno) if code else str(name)


def find_mistake(function: Any) -> str | None:
    """Why a worker could not find a function, and what to do about it."""
    if not isinstance(function, types.FunctionType):
        return None
    if "<" in function.__qualname__:
        return ("%s cannot be sent to a worker, which finds a function by its name in a module; define it with 'def' at "
                "the top level of a module, and pass it what it uses as arguments" % _describe(function))
    if function.__module__ == "__main__":
        from . import _main
        if _main.find() == ():
            return ("%s is typed in here, and a worker cannot import it; put it into a file, and import that"
                    % _describe(function))
    return None


def _dump(value: Any) -> tuple[bytes, list[memoryview]]:
    buffers: list[memoryview] = []

    def take(buffer: pickle.PickleBuffer) -> bool:
        memory = buffer.raw()
        if memory.nbytes < MIN_BUFFER:
            return True
        buffers.append(memory)
        return False

    return pickle.dumps(value, 5, buffer_callback=take), buffers


def _write(descriptor: int, memory: memoryview) -> None:
    while memory.nbytes:
        memory = memory[os.write(descriptor, memory):]


def _fill(buffers: list[memoryview]) -> int:
    """A descriptor of memory with the buffers, each at a multiple of the alignment."""
    descriptor = os.memfd_create("ferry-arguments", os.MFD_CLOEXEC)
    try:
        offset = 0
        for memory in buffers:
            os.lseek(descriptor, offset, os.SEEK_SET)
            _write(descriptor, memory)
            offset += _aligned(memory.nbytes)
        os.ftruncate(descriptor, offset)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _head(kind: int, sizes: list[int]) -> bytes:
    return _HEAD.pack(kind, len(sizes)) + struct.pack("<%dQ" % len(sizes), *sizes)


def pack_call(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[bytes, int]:
    """A call, and the descriptor of the memory that belongs to it, or -1."""
    mistake = find_mistake(function)
    if mistake:
        raise pickle.PicklingError(mistake)
    stream, buffers = _dump((function, args, kwargs))
    if not buffers and len(stream) <= MAX_PICKLE:
        return _head(PLAIN, []) + stream, -1
    parts = [memoryview(stream), *buffers]
    return _head(IN_MEMORY, [part.nbytes for part in parts]), _fill(parts)


def _read_head(data: bytes) -> tuple[int, list[int], int]:
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


def unpack_call(data: bytes, open_memory: Callable[[], int]) -> Any:
    """(function, args, kwargs). open_memory gives a descriptor, which is closed here."""
    kind, sizes, start = _read_head(data)
    if kind == PLAIN:
        return pickle.loads(memoryview(data)[start:])
    descriptor = open_memory()
    try:
        # A copy that is the worker's own as soon as it writes to it: arrays can be changed, as if they had been copied.
        memory = mmap.mmap(descriptor, 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
    finally:
        os.close(descriptor)
    stream, *buffers = _cut(memoryview(memory), sizes)
    return pickle.loads(stream, buffers=buffers)


def pack_value(value: Any) -> bytes:
    stream, buffers = _dump(value)
    if not buffers:
        return _head(PLAIN, []) + stream
    parts = []
    for part in (memoryview(stream), *buffers):
        parts += [part, bytes(_aligned(part.nbytes) - part.nbytes)]
    head = _head(IN_MEMORY, [part.nbytes for part in parts[::2] if isinstance(part, memoryview)])
    return b"".join((head, bytes(_aligned(len(head)) - len(head)), *parts))


def unpack_value(data: bytes) -> Any:
    kind, sizes, start = _read_head(data)
    if kind == PLAIN:
        return pickle.loads(memoryview(data)[start:])
    memory = memoryview(bytearray(memoryview(data)[_aligned(start):]))
    stream, *buffers = _cut(memory, sizes)
    return pickle.loads(stream, buffers=buffers)
