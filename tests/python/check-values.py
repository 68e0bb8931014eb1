#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Values of any size, names that are no text, and shared memory, to workers and back as they are: check-values.py"""

import gc
import importlib.util
import multiprocessing
import os
import pickle
import random
import subprocess
import sys
import tempfile
from multiprocessing import shared_memory

import functions
import objects
import shared_functions
import start_functions
import tap
from gi.repository import GObject

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


def test_any_size(report):
    with ferry.Executor(workers=1) as executor:
        test_sizes(report, "submit()", lambda value: executor.submit(functions.echo, value).result())
        test_sizes(report, "map()", lambda value: list(executor.map(functions.echo, [value]))[0])
        test_sizes(report, "stream()", lambda value: list(executor.stream(functions.echo_all, [value]))[0])
        test_edges(report, executor)
        test_kept(report, executor)
        test_descriptors(report, executor)
    with ferry.concurrent.Executor(1) as futures:
        test_sizes(report, "a future", lambda value: futures.submit(functions.echo, value).result())


# Longer than any of this takes. What hangs is a fault.
LONG = 600

NAME = os.fsdecode(b"caf\xe9.txt")
SHOWN = "caf\ufffd.txt"


def raised(function):
    try:
        return function()
    except Exception as error:
        return error


class Label(GObject.Object):
    label = GObject.Property(type=str, default="")


def test_tasks(report, executor):
    report.equal("a name that is no UTF-8 goes and comes back", executor.submit(functions.echo, NAME).result(), NAME)
    error = raised(lambda: executor.submit(functions.fail_with, NAME).result())
    report.equal("an exception with such a text is raised as it was", repr(error), repr(ValueError("cannot read " + NAME)))
    error = raised(lambda: executor.submit(functions.fail_hidden_with, NAME).result())
    report.fact("so is one whose class is not known here", type(error) is ferry.RemoteError and NAME in str(error), [ascii(error)])
    error = raised(lambda: list(executor.stream(functions.yield_and_fail, NAME)))
    report.equal("so is one of a stream", repr(error), repr(ValueError(NAME)))
    task = ferry.Task(functions.report_text, NAME)
    task.props.name = NAME
    report.equal("a function reports such a text, and counts such things", executor.submit(task).result(), [1])
    report.equal("people read a replacement character in it", (task.props.text, task.props.name), (SHOWN, SHOWN))
    report.equal("a task is submitted by such a name",
                 executor.submit_named(NAME, functions.echo, 1).props.name, SHOWN)
    error = raised(lambda: executor.submit(functions.say_last_words, NAME).result())
    report.equal("the last lines of a lost worker have it", getattr(error, "last_lines", ascii(error)), (SHOWN,))


def test_objects(report, executor):
    with executor.create(objects.Labeled, NAME) as labeled:
        shown = Label()
        labeled.bind_property("text", shown, "label", GObject.BindingFlags.SYNC_CREATE)
        report.equal("a property of an object has it as it is, and a widget a replacement character",
                     (labeled.text, shown.label), (NAME, SHOWN))
        labeled.text = NAME + "2"
        report.equal("a property is set to it", (labeled.text, labeled.get_text().result()), (NAME + "2", NAME + "2"))


def test_programs(report, executor, folder):
    path, inner = os.path.join(folder, NAME), os.path.join(folder, "d" + NAME)
    with open(path, "w", encoding="utf-8") as file:
        file.write("hello\n")
    os.mkdir(inner)
    for label, arguments, keywords, expected in (
            ("its arguments", ["cat", path], {}, b"hello\n"),
            ("its folder", ["pwd"], {"cwd": inner}, os.fsencode(inner) + b"\n"),
            ("its environment", ["/usr/bin/env"], {"env": {"A": NAME}}, b"A=" + os.fsencode(NAME) + b"\n"),
            ("the file that it reads", ["cat"], {"input_file": path}, b"hello\n"),
            ("its name", ["true"], {"name": NAME}, b"")):
        report.equal("a program has it in " + label, executor.run(arguments, **keywords).result().stdout, expected)
    executor.run(["echo", "out"], output_file=path + ".out").result()
    error = raised(lambda: executor.run(["sh", "-c", 'echo half > "$1"; exit 3', "sh", path + ".half"],
                                        output_files=[path + ".half"]).result())
    report.equal("what a program that fails has half written is removed by such a name",
                 (getattr(error, "returncode", ascii(error)), sorted(os.listdir(folder))),
                 (3, sorted([NAME, NAME + ".out", "d" + NAME])))
    error = raised(lambda: ferry.Executor(program=[path + ".no"]).call("add", 1).result())
    report.fact("a program of workers that is missing is told by what people read",
                type(error) is ferry.Error and SHOWN in str(error), [ascii(error)])


PROGRAM = """
import ferry


def double(number):
    return 2 * number

if __name__ == "__main__":
    for fork in (True, False):
        with ferry.Executor(workers=1, fork=fork) as executor:
            print(executor.submit(double, 21).result())
"""


def test_path(report, folder):
    inner = os.path.join(folder, "d" + NAME)
    path = os.path.join(inner, "p" + NAME + ".py")
    with open(path, "w", encoding="utf-8") as file:
        file.write(PROGRAM)
    for label, place, arguments in (("path", folder, [path, NAME]), ("folder", inner, [os.path.basename(path)])):
        done = subprocess.run([sys.executable, *arguments], cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=False, timeout=LONG)
        report.equal("a program has workers whose %s is such a name" % label, (done.stdout, done.stderr), (b"42\n42\n", b""))


def test_names_that_are_no_text(report):
    with tempfile.TemporaryDirectory() as folder:
        with ferry.Executor(workers=1) as executor:
            test_tasks(report, executor)
            test_objects(report, executor)
            test_programs(report, executor, folder)
        test_path(report, folder)


# The ends of workers that had memory of the application open.
ENDS = 20


def raised_by(function):
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
    error = raised_by(lambda: executor.submit(shared_functions.write, shared, 0, 5).result())
    report.equal("what is not writable is read-only, there and here", (type(error), shared.value.readonly), (TypeError, True))
    shared = ferry.share(b"abc", writable=True)
    executor.submit(shared_functions.write, shared, 1, 5).result()
    report.equal("what a function writes to writable memory is seen here", bytes(shared.value), b"a\5c")
    shared.value[2] = 6
    report.equal("and the other way round", executor.submit(shared_functions.read, shared).result()[0], b"a\5\6")
    for wrong in ("abc", [1], None):
        report.equal("%r is no memory" % (wrong,), type(raised_by(lambda wrong=wrong: ferry.share(wrong))), TypeError)


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
    report.equal("an array of objects is refused", type(raised_by(lambda: ferry.share(numpy.array([None])))), TypeError)
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
            report.equal("a worker can destroy what it has opened", type(raised_by(own.unlink)), FileNotFoundError)
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


def test_shared_memory(report):
    with ferry.Executor(workers=1) as executor:
        test_bytes(report, executor)
        test_arrays(report, executor)
    test_ways(report)
    test_once(report)
    test_trackers(report)


def body(report):
    test_any_size(report)
    test_names_that_are_no_text(report)
    test_shared_memory(report)


if __name__ == "__main__":
    tap.main(body)
