#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A worker written from docs/protocol.md alone, to see that the page is enough: python-worker.py ORDER...

    send:N      send N messages of 8 bytes, numbered from 0, through the sender "out"
    variants:N  send N GVariants of type (ts)
    large:SIZE  send one message of SIZE bytes, of which byte i is i modulo 251
    stop        stop the sender
    version:N   be a worker of that version of the protocol

Python has no atomic operations. On x86-64 an aligned store or load of 4 or 8 bytes is one, and taking a lock orders what
is before it against what is after it; elsewhere this worker might miss a wake-up, so it looks again now and then.
"""

import ctypes
import fcntl
import mmap
import os
import socket
import struct
import sys
import threading

MAGIC = b"FERRYLNK"
WELCOME, ATTACH = 1, 2
BYTES, VARIANT, TYPE, LARGE, PIECE, STOP, GRANT = 1, 2, 3, 4, 5, 7, 8
TABLE, DOWN_RING, UP_RING = 4096, 8192, 73728
UP, DOWN = 0, 1024
TAIL, WRITER_WAITING, HEAD, READER_WAITING, RINGS = 0, 8, 128, 136, 256
MAX_PAYLOAD = 32752
TMPFS_MAGIC = 0x01021994
FUTEX_CALLS = {"x86_64": 202, "aarch64": 98, "riscv64": 98}
FUTEX_WAIT = 0


def record(kind, payload, connection_id, number=0):
    return struct.pack("=IHHQ", len(payload), kind, number, connection_id) + payload + b"\0" * (-len(payload) % 8)


class StatFs(ctypes.Structure):
    _fields_ = [("type", ctypes.c_long), ("rest", ctypes.c_char * 512)]


def check_memory(fd, size):
    seals = fcntl.fcntl(fd, fcntl.F_GET_SEALS)
    wanted = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW
    info = StatFs()
    ctypes.CDLL(None).fstatfs(fd, ctypes.byref(info))
    if seals & wanted != wanted or info.type != TMPFS_MAGIC or os.fstat(fd).st_size != size:
        sys.exit("the memory is not as the protocol has it")


def fence():
    lock = threading.Lock()
    lock.acquire()
    lock.release()


class TimeSpec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


class Link:
    """The worker's end of a link."""

    def __init__(self, version=1):
        fd = int(os.environ.pop("FERRY_CONTROL_FD"))
        fcntl.fcntl(fd, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
        self.control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, fd)
        packet, fds, _, _ = socket.recv_fds(self.control, 56, 2)
        magic, kind, their_version = struct.unpack_from("=8sII", packet)
        if (magic, kind, their_version) != (MAGIC, WELCOME, version):
            self.attach(version, 0)
            self.control.recv(1)
            sys.exit("no welcome in version %d" % version)
        size, self.capacity, down_capacity, self.max_message, _, n_pipes = struct.unpack_from("=QQQQII", packet, 16)
        memory, self.doorbell = fds
        check_memory(memory, size)
        if size != UP_RING + self.capacity or down_capacity != 65536:
            sys.exit("the welcome's sizes do not fit")
        self.memory = mmap.mmap(memory, size)
        os.close(memory)
        self.words64 = memoryview(self.memory).cast("Q")
        self.words32 = memoryview(self.memory).cast("I")
        self.reserve = (n_pipes + 1) * 16
        self.tail = self.rung = self.epoch = 0
        self.grants = self.read_grants(down_capacity)
        self.attach(version, size)

    def attach(self, version, size):
        self.control.send(struct.pack("=8sIIQII", MAGIC, ATTACH, version, size, os.getpid(), 0))

    def read_grants(self, capacity):
        """Name -> (connection id, index)."""
        grants = {}
        tail = self.words64[(DOWN + TAIL) // 8]
        if tail > capacity or tail % 8 != 0:
            sys.exit("the down lane is damaged")
        data = self.memory[DOWN_RING:DOWN_RING + tail]
        position = 0
        while position < tail:
            length, kind, _, connection_id = struct.unpack_from("=IHHQ", data, position)
            index, name_length = struct.unpack_from("=II", data, position + 16)
            if kind != GRANT or name_length != length - 8:
                sys.exit("the grants are malformed")
            grants[data[position + 24:position + 24 + name_length].decode()] = (connection_id, index)
            position += 16 + (length + 7) // 8 * 8
        self.words64[(DOWN + HEAD) // 8] = tail
        return grants

    def has_room(self, size):
        return self.tail + size + self.reserve - self.words64[(UP + HEAD) // 8] <= self.capacity

    def wait_for_room(self, size, index):
        while not self.has_room(size):
            seen = self.words32[(UP + RINGS) // 4]
            self.epoch = (self.epoch + 1) & 0xffffffff
            self.words32[(UP + WRITER_WAITING) // 4] = self.epoch
            fence()
            if self.words32[TABLE // 4 + index] != 0:
                sys.exit("the pipe was closed")
            if not self.has_room(size):
                word = ctypes.c_uint32.from_buffer(self.memory, UP + RINGS)
                ctypes.CDLL(None).syscall(FUTEX_CALLS[os.uname().machine], ctypes.byref(word), FUTEX_WAIT,
                                          ctypes.c_uint32(seen), ctypes.byref(TimeSpec(1, 0)), None, 0)

    def publish(self, data, index):
        """Writes whole records, waits for room first, and rings where the reader sleeps."""
        self.wait_for_room(len(data), index)
        start = self.tail % self.capacity
        first = min(len(data), self.capacity - start)
        self.memory[UP_RING + start:UP_RING + start + first] = data[:first]
        self.memory[UP_RING:UP_RING + len(data) - first] = data[first:]
        self.tail += len(data)
        self.words64[(UP + TAIL) // 8] = self.tail
        fence()
        waiting = self.words32[(UP + READER_WAITING) // 4]
        if waiting != self.rung:
            self.rung = waiting
            os.write(self.doorbell, struct.pack("=Q", 1))


def send_variants(link, connection_id, index, count):
    data = record(TYPE, b"(ts)", connection_id, 1)
    for i in range(count):
        data += record(VARIANT, struct.pack("=Q", i) + b"hello\0", connection_id, 1)
        link.publish(data, index)
        data = b""


def send_large(link, connection_id, index, size):
    message = bytes(i % 251 for i in range(size))
    link.publish(record(LARGE, struct.pack("=QHHI", size, BYTES, 0, 0), connection_id), index)
    for start in range(0, size, MAX_PAYLOAD):
        link.publish(record(PIECE, message[start:start + MAX_PAYLOAD], connection_id), index)


def main():
    orders = [order.partition(":")[::2] for order in sys.argv[1:]]
    link = Link(max([int(value) for name, value in orders if name == "version"], default=1))
    connection_id, index = link.grants["out"]
    for name, value in orders:
        if name == "send":
            for number in range(int(value)):
                link.publish(record(BYTES, struct.pack("=Q", number), connection_id), index)
        elif name == "variants":
            send_variants(link, connection_id, index, int(value))
        elif name == "large":
            send_large(link, connection_id, index, int(value))
        elif name == "stop":
            link.publish(record(STOP, b"", connection_id), index)
        else:
            sys.exit("no such order: " + name)


main()
