#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tasks, failures, streams, maps and awaits of the package ferry leave nothing behind: check-leaks.py"""

import asyncio
import ctypes
import gc
import os
import threading
import time

import functions
import objects as remote
import pipe_functions
import tap

import ferry

# The first ones fill what the library keeps a bounded number of, such as traces of errors.
FIRST, COUNT = 5000, 10000
# How often it is tried where it is too much.
ROUNDS = 3
# Of memory for each item: less than the smallest thing that could be left of one, as fragments come and go.
MOST_BYTES = 200
# Of objects in all: what the interpreter keeps for itself.
MOST_OBJECTS = 50
# In seconds, on a busy machine.
PATIENCE = 60


def run_tasks(executor, count):
    for _ in range(count // 100):
        for task in [executor.submit(functions.double, i) for i in range(100)]:
            task.result()


def run_failures(executor, count):
    for _ in range(count):
        executor.submit(functions.fail).exception()


def run_streams(executor, count):
    for _ in range(count // 100):
        list(executor.stream(functions.count, 100))


def run_short_streams(executor, count):
    for _ in range(count // 10):
        list(executor.stream(functions.count, 1))


def run_maps(executor, count):
    list(executor.map(functions.double, range(count)))


def run_messages(executor, count):
    sender, receiver = executor.pipe()
    executor.submit(pipe_functions.send_numbers, sender, count)
    assert len(list(receiver)) == count


def run_pipes(executor, count):
    for _ in range(count // 10):
        sender, receiver = executor.pipe()
        executor.submit(pipe_functions.send_one, sender, 1).result()
        list(receiver)


def run_questions(executor, count):
    one, other = ferry.ChannelPair()
    with ferry.Mux(one) as mux, ferry.DeMux(other, 1, function=functions.double):
        for i in range(count):
            assert mux.transaction(i) == 2 * i
        one.close()


def run_calls(executor, count):
    with executor.create(remote.Counter) as counter:
        for _ in range(count // 100):
            for call in [counter.add(1) for _ in range(100)]:
                call.result()
        assert counter.value == count


def run_references(executor, count):
    with executor.create(remote.Counter) as counter:
        for _ in range(count // 10):
            values = [other.value for other in counter.give_others(*range(10)).result()]
            assert values == list(range(10))


def run_objects(executor, count):
    for _ in range(count // 1000):
        with executor.create(remote.Counter) as counter:
            counter.add(1).result()


def run_awaits(executor, count):
    async def wait():
        for i in range(count):
            await executor.submit(functions.double, i)

    asyncio.run(wait())


def run_callbacks(executor, count):
    heard = threading.Semaphore(0)
    for _ in range(count // 100):
        tasks = [ferry.Task(functions.double, i) for i in range(100)]
        for task in tasks:
            task.connect("done", lambda task: heard.release(int(task.get_fraction())))
            executor.submit(task)
        # A result may come before the signal, which comes on another thread.
        for task in tasks:
            task.result()
            heard.acquire()


def count_files():
    return len(os.listdir("/proc/self/fd"))


def measure(files=0):
    """Bytes in memory, live objects, and open files. Threads of the library close what was left; they may take their time
    until no more than those files are open."""
    gc.collect()
    end = time.monotonic() + PATIENCE
    while count_files() > files > 0 and time.monotonic() < end:
        time.sleep(0.01)
    # What the C library keeps for later is nothing that is left.
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/statm", encoding="ascii") as file:
        pages = int(file.read().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE"), len(gc.get_objects()), count_files()


def body(report):
    with ferry.Executor(workers=2) as executor:
        for run in (run_tasks, run_failures, run_streams, run_short_streams, run_maps, run_messages, run_pipes, run_questions,
                    run_calls, run_references, run_objects, run_awaits, run_callbacks):
            run(executor, FIRST)
            # What is left of each item is left each time; fragments are not.
            for _ in range(ROUNDS):
                size, objects, files = measure()
                run(executor, COUNT)
                after_size, after_objects, after_files = measure(files)
                more_size, more_objects, more_files = after_size - size, after_objects - objects, after_files - files
                if more_size < MOST_BYTES * COUNT:
                    break
            name = run.__name__.replace("run_", "").replace("_", " ")
            print("# %s: %d KiB, %d objects" % (name, more_size // 1024, more_objects))
            report.fact("%s leave no memory behind" % name, more_size < MOST_BYTES * COUNT, [more_size])
            report.fact("%s leave no objects behind" % name, more_objects < MOST_OBJECTS, [more_objects])
            report.fact("%s leave no open files behind" % name, more_files <= 0, [more_files])


if __name__ == "__main__":
    tap.main(body)
