#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A worker written from docs/protocol.md alone, to see that the page is enough: python-worker.py ORDER...

    send:N      send N messages of 8 bytes, numbered from 0, through the sender "out"
    variants:N  send N GVariants of type (ts)
    large:SIZE  send one message of SIZE bytes, of which byte i is i modulo 251
    echo:N      take N messages from the down lane, and send each back
    claims:N    take N messages, claim the call whose xid is in the first 8 bytes, and send back what became of it
    finish      take from the down lane until it says that nothing more comes
    cancel      wait for a cancel, and send its xid and reason
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
BYTES, VARIANT, TYPE, LARGE, PIECE, STOP, GRANT, FINISH, CANCEL = 1, 2, 3, 4, 5, 7, 8, 9, 10
VERSION = 9
TABLE, EXPRESS_RING, DOWN_RING, UP_RING = 4096, 8192, 12288, 77824
UP, DOWN, EXPRESS, LINK = 0, 1024, 2048, 3072
READER_RINGS, CLAIM = LINK, LINK + 128
HOLD, DOOMED = 1, 2
INDEX, WRITER_WAITING, HEAD, READER_WAITING, RINGS = 0, 8, 128, 256, 384
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


class Reader:
    """The reading end of a lane that goes down."""

    def __init__(self, link, control, ring, capacity):
        self.link, self.control, self.ring, self.capacity = link, control, ring, capacity
        self.head = self.rung = self.epoch = 0

    def look(self):
        """How many bytes are there. Goes from record to record, up to a first word that is 0."""
        available = 0
        while (word := self.link.words64[(self.ring + (self.head + available) % self.capacity) // 8]) != 0:
            length = word & 0xffffffff if sys.byteorder == "little" else word >> 32
            available += 16 + (length + 7) // 8 * 8
            if length > MAX_PAYLOAD or available > self.capacity - 8:
                sys.exit("a lane is damaged")
        return available

    def wait(self):
        while not self.look():
            seen = self.link.words32[READER_RINGS // 4]
            self.epoch = (self.epoch + 1) & 0xffffffff
            self.link.words32[(self.control + READER_WAITING) // 4] = self.epoch
            fence()
            if self.link.words32[TABLE // 4] > 1:
                sys.exit("the application gave up the link")
            if not self.look():
                self.link.sleep(READER_RINGS, seen)

    def copy(self, position, size):
        start = position % self.capacity
        first = min(size, self.capacity - start)
        memory = self.link.memory
        return memory[self.ring + start:self.ring + start + first] + memory[self.ring:self.ring + size - first]

    def peek(self):
        """Kind, number, connection id and payload of the next record."""
        self.length, kind, number, connection_id = struct.unpack("=IHHQ", self.copy(self.head, 16))
        return kind, number, connection_id, self.copy(self.head + 16, self.length)

    def consume(self):
        """Gives the record back, and rings when the application waits for room and half of the lane is free."""
        self.head += 16 + (self.length + 7) // 8 * 8
        self.link.words64[(self.control + HEAD) // 8] = self.head
        fence()
        waiting = self.link.words32[(self.control + WRITER_WAITING) // 4]
        if waiting != self.rung and self.look() <= self.capacity // 2:
            self.rung = waiting
            os.write(self.link.doorbell, struct.pack("=Q", 1))


class Link:
    """The worker's end of a link."""

    def __init__(self, version=VERSION):
        fd = int(os.environ.pop("FERRY_CONTROL_FD"))
        fcntl.fcntl(fd, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
        self.control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, fd)
        # It sends no buffers, and does without the third descriptor.
        packet, fds, _, _ = socket.recv_fds(self.control, 72, 2)
        magic, kind, their_version = struct.unpack_from("=8sII", packet)
        if (magic, kind, their_version) != (MAGIC, WELCOME, version):
            self.attach(version, 0)
            self.control.recv(1)
            sys.exit("no welcome in version %d" % version)
        sizes = struct.unpack_from("=QQQQIIIIII", packet, 16)
        size, self.capacity, down_capacity, self.max_message, _, n_pipes, n_cells, _, depth, reserved = sizes
        memory, self.doorbell = fds
        check_memory(memory, size)
        used = UP_RING + self.capacity + (n_cells * 8448 + 4095) // 4096 * 4096
        if size != used or down_capacity != 65536 or (depth, reserved) != (1, 0):
            sys.exit("the welcome's fields do not fit")
        self.memory = mmap.mmap(memory, used)
        os.close(memory)
        self.words64 = memoryview(self.memory).cast("Q")
        self.words32 = memoryview(self.memory).cast("I")
        self.reserve = (n_pipes + 1) * 16
        self.tail = self.rung = self.epoch = 0
        self.down = Reader(self, DOWN, DOWN_RING, down_capacity)
        self.express = Reader(self, EXPRESS, EXPRESS_RING, 4096)
        self.grants = self.read_grants()
        self.attach(version, size)

    def attach(self, version, size):
        self.control.send(struct.pack("=8sIIQII", MAGIC, ATTACH, version, size, os.getpid(), 0))

    def read_grants(self):
        """Name -> (connection id, index)."""
        grants = {}
        while self.down.look():
            kind, _, connection_id, payload = self.down.peek()
            if kind != GRANT:
                break
            index, name_length, _, _ = struct.unpack_from("=IIII", payload)
            if name_length != len(payload) - 16:
                sys.exit("the grants are malformed")
            grants[payload[16:].decode()] = (connection_id, index)
            self.down.consume()
        return grants

    def receive(self):
        """The next message from the down lane, or None when nothing more comes."""
        message, size = b"", None
        while True:
            self.down.wait()
            kind, _, _, payload = self.down.peek()
            self.down.consume()
            if kind == FINISH:
                return None
            if kind == BYTES:
                return payload
            if kind == LARGE:
                size = struct.unpack_from("=Q", payload)[0]
            elif kind == PIECE:
                message += payload
                if len(message) == size:
                    return message
            else:
                sys.exit("there is no record of kind %d in the down lane" % kind)

    def compare_and_exchange(self, old, new):
        """Python has none: this does where the application does not change the claim at the same moment."""
        if self.words64[CLAIM // 8] != old:
            return False
        self.words64[CLAIM // 8] = new
        return True

    def claim(self, xid):
        while True:
            seen = self.words32[READER_RINGS // 4]
            fence()
            word = self.words64[CLAIM // 8]
            if word & DOOMED:
                return "killed"
            if word >> 2 >= xid:
                return "skipped"
            if word & HOLD:
                self.sleep(READER_RINGS, seen)
            elif self.compare_and_exchange(word, xid << 2):
                return "begun"

    def sleep(self, offset, seen):
        word = ctypes.c_uint32.from_buffer(self.memory, offset)
        ctypes.CDLL(None).syscall(FUTEX_CALLS[os.uname().machine], ctypes.byref(word), FUTEX_WAIT,
                                  ctypes.c_uint32(seen), ctypes.byref(TimeSpec(1, 0)), None, 0)

    def has_room(self, size):
        return self.tail + size + self.reserve - self.words64[(UP + HEAD) // 8] <= self.capacity - 8

    def wait_for_room(self, size, index):
        while not self.has_room(size):
            seen = self.words32[(UP + RINGS) // 4]
            self.epoch = (self.epoch + 1) & 0xffffffff
            self.words32[(UP + WRITER_WAITING) // 4] = self.epoch
            fence()
            if self.words32[TABLE // 4 + index] != 0:
                sys.exit("the pipe was closed")
            if not self.has_room(size):
                self.sleep(UP + RINGS, seen)

    def publish(self, data, index):
        """Writes whole records, waits for room first, and rings where the reader sleeps."""
        self.wait_for_room(len(data), index)
        start = (self.tail + 8) % self.capacity
        first = min(len(data) - 8, self.capacity - start)
        self.memory[UP_RING + start:UP_RING + start + first] = data[8:8 + first]
        self.memory[UP_RING:UP_RING + len(data) - 8 - first] = data[8 + first:]
        self.words64[(UP_RING + (self.tail + len(data)) % self.capacity) // 8] = 0
        fence()
        self.words64[(UP_RING + self.tail % self.capacity) // 8] = struct.unpack("=Q", data[:8])[0]
        self.tail += len(data)
        self.words64[(UP + INDEX) // 8] = self.tail
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


def send_message(link, connection_id, index, message):
    if len(message) <= MAX_PAYLOAD:
        link.publish(record(BYTES, message, connection_id), index)
        return
    link.publish(record(LARGE, struct.pack("=QHHI", len(message), BYTES, 0, 0), connection_id), index)
    for start in range(0, len(message), MAX_PAYLOAD):
        link.publish(record(PIECE, message[start:start + MAX_PAYLOAD], connection_id), index)


def wait_for_cancel(link):
    link.express.wait()
    kind, reason, xid, _ = link.express.peek()
    link.express.consume()
    if kind != CANCEL:
        sys.exit("there is no record of kind %d in the express lane" % kind)
    return struct.pack("=QQ", xid, reason)


def answer(link, name, count):
    """What there is to send for an order that listens."""
    if name == "echo":
        return (link.receive() for _ in range(count))
    if name == "claims":
        return (link.claim(struct.unpack_from("=Q", link.receive())[0]).encode() for _ in range(count))
    if name == "cancel":
        return iter([wait_for_cancel(link)])
    if name == "finish":
        return iter([b"finished" if link.receive() is None else b"more came"])
    sys.exit("no such order: " + name)


def main():
    orders = [order.partition(":")[::2] for order in sys.argv[1:]]
    link = Link(max([int(value) for name, value in orders if name == "version"], default=VERSION))
    connection_id, index = link.grants["out"]
    for name, value in orders:
        if name == "send":
            for number in range(int(value)):
                link.publish(record(BYTES, struct.pack("=Q", number), connection_id), index)
        elif name == "variants":
            send_variants(link, connection_id, index, int(value))
        elif name == "large":
            send_message(link, connection_id, index, bytes(i % 251 for i in range(int(value))))
        elif name == "stop":
            link.publish(record(STOP, b"", connection_id), index)
        else:
            for message in answer(link, name, int(value or 0)):
                send_message(link, connection_id, index, message)


main()
