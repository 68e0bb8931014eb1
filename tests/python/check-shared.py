#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memory that the application and workers share, by ferry.share() and by multiprocessing.shared_memory: check-shared.py"""

import gc
import importlib.util
import multiprocessing
import os
from multiprocessing import shared_memory

import functions
import shared_functions
import tap

import ferry

# The ends of workers that had memory of the application open.
ENDS = 20


def raised(function):
    try:
        return function()
    except BaseException as error:
        return error


def test_bytes(report, executor):
    for content, expected in ((b"abc", (b"abc", True, "B", (3,))), (bytearray(b"abc"), (b"abc", True, "B", (3,))),
                              (memoryview(b"abcdefgh").cast("I", (2, 1)), (b"abcdefgh", True, "I", (2, 1))),
                              (memoryview(b"abcdef")[::2], (b"ace", True, "B", (3,))), (b"", (b"", True, "B", (0,)))):
        report.equal("a function reads %s that are shared" % type(content).__name__,
                     executor.submit(shared_functions.read, ferry.share(content)).result(), expected)
    shared = ferry.share(b"abc")
    error = raised(lambda: executor.submit(shared_functions.write, shared, 0, 5).result())
    report.equal("what is not writable is read-only, there and here", (type(error), shared.value.readonly), (TypeError, True))
    shared = ferry.share(b"abc", writable=True)
    executor.submit(shared_functions.write, shared, 1, 5).result()
    report.equal("what a function writes to writable memory is seen here", bytes(shared.value), b"a\5c")
    shared.value[2] = 6
    report.equal("and the other way round", executor.submit(shared_functions.read, shared).result()[0], b"a\5\6")
    for wrong in ("abc", [1], None):
        report.equal("%r is no memory" % (wrong,), type(raised(lambda wrong=wrong: ferry.share(wrong))), TypeError)


def test_arrays(report, executor):
    if importlib.util.find_spec("numpy") is None:
        report.skip("arrays are shared", "there is no numpy")
        return
    import numpy

    array = numpy.arange(10000.0).reshape(100, 100)
    for name, part in (("an array", array), ("one with columns in a row", array.T), ("a part of one", array[::2, ::3]),
                       ("one of 8 bits", array.astype("u1")), ("an empty one", array[:0])):
        shared = ferry.share(part)
        report.equal("%s is shared" % name, executor.submit(shared_functions.sum_up, shared).result(),
                     (float(part.sum()), False, part.dtype.str, part.shape))
        report.fact("%s is the same here" % name, (shared.value == part).all() and not shared.value.flags.writeable)
    shared = ferry.share(numpy.zeros(3), writable=True)
    executor.submit(shared_functions.write, shared, 0, 5).result()
    report.equal("a function changes it", shared.value.tolist(), [5, 0, 0])
    report.equal("an array of objects is refused", type(raised(lambda: ferry.share(numpy.array([None])))), TypeError)
    record = numpy.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")])
    report.equal("an array of records is shared", executor.submit(functions.first_of, ferry.share(record)).result().item(), (1, 2.5))


def test_ways(report):
    """As each kind of argument."""
    shared = ferry.share(b"abc")
    with ferry.Executor(workers=1, initializer=shared_functions.keep, initargs=(shared,)) as executor:
        report.equal("an initializer has it", executor.submit(shared_functions.read_kept).result(), b"abc")
        report.equal("the items of a map have it", {bytes(found[0]) for found in executor.map(shared_functions.read, [shared] * 50)},
                     {b"abc"})
        report.equal("a task that alone has it keeps it", executor.submit(shared_functions.read, ferry.share(b"xyz")).result()[0],
                     b"xyz")
        with executor.create(shared_functions.Reader) as reader:
            report.equal("a method of an object has it", [reader.read(shared).result() for _ in range(2)], [b"abc"] * 2)


def test_once(report):
    with ferry.Executor(workers=2) as executor:
        shared = ferry.share(bytes(100000))
        maps = {}
        for process, _, found in executor.map(shared_functions.find_place, [shared] * 100, chunksize=1):
            maps.setdefault(process, set()).add(tuple(found))
        report.fact("each worker maps it once", all(len(found) == 1 and len(*found) == 1 for found in maps.values()), [maps])
        executor.submit(shared_functions.keep, shared).result()
        mapped = {tuple(found) for found in maps.values() for found in found}
        del shared
        gc.collect()
    with ferry.Executor(workers=1) as executor:
        shared = ferry.share(b"abc")
        executor.submit(shared_functions.read, shared).result()
        before = executor.submit(shared_functions.list_memory).result()
        descriptors = len(os.listdir("/proc/self/fd"))
        del shared
        gc.collect()
        report.equal("a worker lets go of it with the application", (len(before), executor.submit(shared_functions.list_memory).result(),
                                                                     descriptors - len(os.listdir("/proc/self/fd")) >= 1),
                     (1, [], True))
        shared = ferry.share(b"abc")
        executor.submit(shared_functions.keep, shared).result()
        del shared
        gc.collect()
        report.equal("a function that has kept it has it still", executor.submit(shared_functions.read_kept).result(), b"abc")
    report.fact("it has a number in the table of the system", len(mapped) == 1, [mapped])


def test_trackers(report):
    """What multiprocessing registers is destroyed when its process ends."""
    memory = shared_memory.SharedMemory(create=True, size=4096)
    try:
        with ferry.Executor(workers=1) as executor:
            report.equal("a worker that opens memory by its name starts no tracker",
                         executor.submit(shared_functions.open_memory, memory.name).result(), None)
            name, is_tracked = executor.submit(shared_functions.create_memory).result()
            report.fact("what a worker creates is tracked, and it can destroy it", is_tracked and not os.path.exists("/dev/shm/" + name))
            own = shared_memory.SharedMemory(create=True, size=4096)
            executor.submit(shared_functions.unlink_memory, own.name).result()
            report.equal("a worker can destroy what it has opened", type(raised(own.unlink)), FileNotFoundError)
            multiprocessing.resource_tracker.unregister(own._name, "shared_memory")
            own.close()
        with ferry.Executor(workers=2) as executor:
            executor.pool.props.max_tasks = 1
            processes = [executor.submit(shared_functions.open_memory, memory.name).result() for _ in range(ENDS)]
        report.equal("after %d ends of workers it is there" % ENDS, (processes, os.path.exists("/dev/shm/" + memory.name)),
                     ([None] * ENDS, True))
    finally:
        memory.close()
        memory.unlink()


def body(report):
    with ferry.Executor(workers=1) as executor:
        test_bytes(report, executor)
        test_arrays(report, executor)
    test_ways(report)
    test_once(report)
    test_trackers(report)


if __name__ == "__main__":
    tap.main(body)
