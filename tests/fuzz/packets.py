# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The packets of a control socket, as docs/protocol.md has them, and the corpus of those who take a worker's."""

import struct

VERSION = 9
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


def crash(signal=11, frames=((0x11d3, 0, 1),), modules=(b"/lib/libfoo.so.1",), code=1, n_frames=None, n_modules=None,
          identity=b"0123456789abcdef0123", size=None):
    head = struct.pack("=iiQII", signal, code, 0, len(frames) if n_frames is None else n_frames,
                       len(modules) if n_modules is None else n_modules)
    files = struct.pack("=I32s", len(identity) if size is None else size, identity) * len(modules)
    return header(14) + head + b"".join(struct.pack("=QII", *frame) for frame in frames) + files + b"".join(
        name + b"\0" for name in modules)


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
    "crash": {
        "good": crash(),
        "asked": crash(28, code=0),
        "nothing": crash(frames=(), modules=()),
        "no-module": crash(frames=((0, 0xffffffff, 1), (0x4711, 0, 0))),
        "handler": crash(6, frames=((0x10, 0, 1), (0x20, 0, 0), (0x30, 0, 1), (0x40, 1, 0)), modules=(b"", b"libc.so.6")),
        "other-bytes": crash(modules=(b"/tmp/\x1b[31m\n\xff",)),
        "wrong-module": crash(frames=((0, 1, 0),)),
        "wrong-exact": crash(frames=((0, 0, 2),)),
        "wrong-signal": crash(65),
        "many-frames": crash(n_frames=65),
        "more-frames": crash(n_frames=3),
        "many-modules": crash(n_modules=33),
        "more-modules": crash(n_modules=2),
        "fewer-modules": crash(modules=(b"a", b"b"), n_modules=1),
        "no-identity": crash(identity=b""),
        "long-identity": crash(size=33),
        "half-a-file": crash()[:70],
        "short": crash()[:39],
        "largest": crash(frames=[(i, i % 32, i % 2) for i in range(64)], modules=[b"m" * 300] * 32),
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
