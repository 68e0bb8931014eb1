# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The packets of a control socket, as docs/protocol.md has them, and the corpus of those who take a worker's."""

import struct

VERSION = 7
UP_RING = 77824


def header(kind, version=VERSION, magic=b"FERRYLNK"):
    return magic + struct.pack("=II", kind, version)


def attach(version=VERSION, segment_size=UP_RING + 131072):
    return header(2, version) + struct.pack("=QII", segment_size, 1, 0)


def confined(layers, landlock_errno=0, filter_errno=0, version=VERSION):
    return header(7, version) + struct.pack("=IIII", layers, landlock_errno, filter_errno, 0)


def welcome(version=VERSION, capacity=131072, n_pipes=1, n_cells=0, arena_units=0, depth=1, reserved=0):
    return header(1, version) + struct.pack("=QQQQIIIIII", UP_RING + capacity, capacity, 65536, 1000000, 1, n_pipes,
                                            n_cells, arena_units, depth, reserved)


def hand(number, n, version=VERSION):
    return header(9, version) + struct.pack("=QII", number, n, 0)


def packet(data, n_fds=0):
    return bytes([len(data), n_fds]) + data


CORPUS = {
    "confined": {
        "good": b"\x24" + packet(confined(0x3c)),
        "nothing-required": b"\0" + packet(confined(0)),
        "missing": b"\x24" + packet(confined(4, 0, 1)),
        "all-bits": b"\x7f" + packet(confined(0xffffffff, 0xffffffff, 0xffffffff)),
        "attach": b"\0" + packet(attach()),
        "attach-where-it-is-required": b"\x24" + packet(attach()),
        "version": b"\x24" + packet(confined(0x3c, version=VERSION + 1)),
        "descriptors": b"\0" + packet(confined(0x3c), 1),
        "wrapped": b"\xa4" + packet(confined(0x3c)),
        "wrapped-with-descriptors": b"\x80" + packet(confined(0x3c), 4),
        "short": b"\0" + packet(confined(0x3c)[:31]),
        "long": b"\0" + packet(confined(0x3c) + b"\0"),
    },
    "attach": {
        "good": packet(attach()),
        "version": packet(attach(VERSION + 1)),
        "refused": packet(attach(VERSION, 0)),
        "second": packet(attach()) + packet(attach()),
        "descriptors": packet(attach(), 1),
        "short": packet(attach()[:20]),
        "long": packet(attach() + b"\0"),
    },
}
