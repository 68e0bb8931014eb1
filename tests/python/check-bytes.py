#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Values of any size go to workers and back as they are, on each of the ways that there are for a size: check-bytes.py"""

import pickle
import random

import functions
import start_functions
import tap

import ferry
import ferry.concurrent
from ferry import _message

# From where on another way begins: a record of a lane, a buffer, memory of its own for a call, and for a result.
EDGES = 32752, _message.MIN_BUFFER, _message.MAX_PICKLE, _message.MAX_RESULT
# Also what the C library takes from the system each time, unless it is told otherwise.
SIZES = sorted({0, 1, 1000, 131072, 5000000, *(edge + more for edge in EDGES for more in (-64, -1, 0, 1, 64))})
CONTENT = random.Random(5).randbytes(SIZES[-1])

KINDS = {
    "bytes": lambda size: CONTENT[:size],
    "a bytearray": lambda size: bytearray(CONTENT[:size]),
    "a text": lambda size: CONTENT[:size].decode("latin-1"),
    "a row": lambda size: (1, CONTENT[:size], "end"),
    "bytes twice": lambda size: 2 * [CONTENT[:size]],
    "many parts": lambda size: {place: CONTENT[place:place + 70000] for place in range(0, size, 70000)},
}


def test_sizes(report, name, call):
    for kind, make in KINDS.items():
        wrong = [size for size in SIZES if call(make(size)) != make(size)]
        report.none("%s of each size are what they were, by %s" % (kind, name), wrong)


def test_edges(report, executor):
    """Pickles that have just the size at which another way begins."""
    for edge in _message.MAX_PICKLE, _message.MAX_RESULT:
        for more in range(-2, 3):
            value = CONTENT[:edge]
            over = len(pickle.dumps((functions.echo, (value,), {}), 5)) - edge
            value = CONTENT[:edge - over + more]
            report.fact("a call of %d bytes and its result" % (edge + more), executor.submit(functions.echo, value).result() == value)


def test_kept(report, executor):
    """What a function or a program keeps is no memory that the next call is written to."""
    sizes = [100, 40000, 100000, 700000, 1 << 20, 3 << 20]
    kept = []
    for round_ in range(4):
        for size in sizes:
            value = bytearray(CONTENT[round_:round_ + size])
            executor.submit(functions.keep, value).result()
            kept.append((executor.submit(functions.echo, value).result(), value))
    report.equal("results that a program keeps stay what they were", [one == other for one, other in kept], [True] * len(kept))
    found = executor.submit(functions.digest_kept).result()
    report.equal("and so do arguments that a function keeps", found, [functions.digest(value) for _, value in kept])
    try:
        import numpy
    except ImportError:
        report.skip("arrays", "there is no numpy")
        return
    for size in sizes:
        array = numpy.frombuffer(CONTENT[:size], numpy.uint8).copy()
        changed = executor.submit(functions.change, array).result()
        report.fact("an array of %d bytes can be changed there and here" % size,
                    changed[0] == 5 and (changed[1:] == array[1:]).all() and changed.flags.writeable)


def test_descriptors(report, executor):
    """Memory of calls and of results leaves no descriptor, with results that were never read as well."""
    def call_all():
        for size in (100, 100000, 2 << 20, 5000000):
            for _ in range(10):
                executor.submit(functions.echo, CONTENT[:size]).result()
        unread = [executor.submit(functions.echo, CONTENT[:5000000]) for _ in range(4)]
        for task in unread:
            task.exception()

    before = functions.count_memories()
    call_all()
    in_worker = executor.submit(functions.count_memories).result()
    for _ in range(3):
        call_all()
    report.equal("the worker has no more descriptors of memory than before", executor.submit(functions.count_memories).result(), in_worker)
    # A task is held for a moment by what tells its end.
    report.fact("nor has the program", start_functions.wait_for(lambda: functions.count_memories() <= before), [functions.count_memories()])


def body(report):
    with ferry.Executor(workers=1) as executor:
        test_sizes(report, "submit()", lambda value: executor.submit(functions.echo, value).result())
        test_sizes(report, "map()", lambda value: list(executor.map(functions.echo, [value]))[0])
        test_sizes(report, "stream()", lambda value: list(executor.stream(functions.echo_all, [value]))[0])
        test_edges(report, executor)
        test_kept(report, executor)
        test_descriptors(report, executor)
    with ferry.concurrent.Executor(1) as futures:
        test_sizes(report, "a future", lambda value: futures.submit(functions.echo, value).result())


if __name__ == "__main__":
    tap.main(body)
