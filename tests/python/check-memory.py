#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memory of 100,000 tasks, of maps over generators that do not end, and of 1,000 executors: check-memory.py PART...

The parts are tasks, maps and executors.
"""

import collections
import gc
import itertools
import os
import sys
import time
import weakref

import functions
import tap

import ferry
import ferry.concurrent

WORKERS = 2
# Until there is no more that is kept of a bounded number, and then what is measured.
FIRST, TASKS, VALUES = 20000, 100000, 200000
FIRST_EXECUTORS, EXECUTORS = 200, 1000
# Resident memory comes and goes by so much: 78 bytes for each of 80,000 tasks, 35 for each of 180,000 values, and 8 kB for
# each of 800 executors.
MOST = 6 << 20
GRACE = 600

LARGE = 100 * 1000
# What a map of two workers takes ahead of its reader, and with that what is on its way.
MOST_AHEAD = 32 << 20


def resident():
    """Bytes of memory that are this process's own."""
    gc.collect()
    with open("/proc/self/status", encoding="ascii") as file:
        return sum(int(line.split()[1]) << 10 for line in file if line.startswith(("RssAnon:", "RssShmem:")))


def show(what, size, count, unit):
    print("# %s: %+.1f MiB, %.1f bytes a %s" % (what, size / (1 << 20), size / count, unit))


# ---- tasks ----


def run_in_hundreds(executor, count):
    for first in range(0, count, 100):
        tasks = [executor.submit(functions.double, number) for number in range(first, first + 100)]
        assert [task.result() for task in tasks] == list(range(2 * first, 2 * (first + 100), 2))


def check_tasks(report, name, executor):
    run_in_hundreds(executor, FIRST)
    before = resident()
    run_in_hundreds(executor, TASKS - FIRST)
    grown = resident() - before
    show("%s, from %d to %d tasks" % (name, FIRST, TASKS), grown, TASKS - FIRST, "task")
    report.fact("100,000 tasks of %s leave nothing" % name, grown < MOST, [grown])


def check_tasks_at_once(report, name, executor):
    before = resident()
    tasks = [executor.submit(functions.double, number) for number in range(TASKS)]
    show("%s, %d tasks submitted" % (name, TASKS), resident() - before, TASKS, "task")
    results = [task.result() for task in tasks]
    show("%s, %d tasks done" % (name, TASKS), resident() - before, TASKS, "task")
    report.equal("100,000 tasks of %s are under way at once" % name, results, list(range(0, 2 * TASKS, 2)))


def test_tasks(report):
    for name, make in (("ferry", ferry.Executor), ("ferry.concurrent", ferry.concurrent.Executor)):
        with make(WORKERS) as executor:
            check_tasks(report, name, executor)
            check_tasks_at_once(report, name, executor)


# ---- maps ----


class Source:
    """Items without end. Counts those that were taken."""

    def __init__(self, make):
        self.n_taken = 0
        self._make = make

    def __iter__(self):
        for number in itertools.count():
            self.n_taken += 1
            yield self._make(number)


def check_values(report, name, executor, **options):
    values = executor.map(functions.double, Source(int), **options)
    first = sum(itertools.islice(values, FIRST))
    before = resident()
    rest = sum(itertools.islice(values, VALUES - FIRST))
    grown = resident() - before
    show("%s, from %d to %d values" % (name, FIRST, VALUES), grown, VALUES - FIRST, "value")
    report.fact("%s without end leaves nothing of 200,000 values" % name, grown < MOST, [grown])
    report.fact("%s gives each value" % name, options.get("ordered") is False or first + rest == VALUES * (VALUES - 1))


def check_sleeping_reader(report, name, executor, function, make, **options):
    before, most, ahead = resident(), 0, 0
    source = Source(make)
    values = executor.map(function, source, **options)
    for n_given, value in enumerate(itertools.islice(values, 200), 1):
        assert len(value) == LARGE
        time.sleep(0.01)
        most, ahead = max(most, resident() - before), max(ahead, source.n_taken - n_given)
    show("%s, with a reader that sleeps" % name, most, ahead or 1, "item ahead, of which there were %d" % ahead)
    report.fact("%s is ahead of a reader that sleeps by a bounded size" % name, LARGE * ahead < MOST_AHEAD, [ahead])
    report.fact("%s has no more memory then" % name, most < MOST_AHEAD, [most])


def test_maps(report):
    def large(number):
        return bytes([number % 256]) * LARGE

    with ferry.Executor(WORKERS) as executor:
        for name, options in (("a map", {}), ("a map in any order", {"ordered": False}), ("a map in chunks", {"chunksize": 10})):
            check_values(report, name, executor, **options)
            check_sleeping_reader(report, name + " of large items", executor, functions.echo, large, **options)
            check_sleeping_reader(report, name + " of large results", executor, functions.give_bytes, lambda _: LARGE, **options)
    with ferry.concurrent.Executor(WORKERS) as executor:
        check_values(report, "a map of ferry.concurrent", executor, chunksize=100, buffersize=20)
        check_sleeping_reader(report, "a map of ferry.concurrent", executor, functions.echo, large, buffersize=100)


# ---- executors ----


def find_processes():
    """What has this process among its ancestors."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % name, encoding="utf-8", errors="replace") as file:
                parents[int(name)] = int(file.read().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            pass
    found = {os.getpid()}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {os.getpid()}


def count_all():
    return collections.Counter({"processes": len(find_processes()), "threads": len(os.listdir("/proc/self/task")),
                                "open files": len(os.listdir("/proc/self/fd"))})


def wait_for(expected):
    """What ended a shutdown ends soon after it; gives what there is then."""
    last = time.monotonic() + GRACE
    while not (found := count_all()) <= expected and time.monotonic() < last:
        time.sleep(0.01)
    return found


def use_executors(count, *classes):
    for number, make in zip(range(count), itertools.cycle(classes)):
        with make(1) as executor:
            assert executor.submit(functions.double, number).result() == 2 * number


def note_pool(executor, pools):
    pools.append(weakref.ref(executor._objects[1]))
    return executor


def test_executors(report):
    both = ferry.Executor, ferry.concurrent.Executor
    use_executors(2, *both)
    gc.collect()
    # What the process keeps for itself is there.
    settled = wait_for(collections.Counter({"threads": sys.maxsize, "open files": sys.maxsize}))
    report.equal("two executors leave no processes", settled["processes"], 0)
    if settled["processes"]:
        return
    pools = []
    gc.disable()
    use_executors(10, lambda workers: note_pool(ferry.Executor(workers), pools))
    wait_for(settled)
    report.equal("ten executors leave nothing to the cyclic collector", [pool() for pool in pools], [None] * 10)
    gc.enable()
    use_executors(FIRST_EXECUTORS, *both)
    before = resident()
    use_executors(EXECUTORS - FIRST_EXECUTORS, *both)
    grown = resident() - before
    found = wait_for(settled)
    print("# before %s, then %s" % (settled, found))
    show("from %d to %d executors" % (FIRST_EXECUTORS, EXECUTORS), grown, EXECUTORS - FIRST_EXECUTORS, "executor")
    for name, count in found.items():
        report.fact("1,000 executors leave no %s" % name, count <= settled[name], [settled[name], count])
    report.fact("1,000 executors leave no memory", grown < MOST, [grown])


PARTS = {"tasks": test_tasks, "maps": test_maps, "executors": test_executors}

if __name__ == "__main__":
    tap.main(lambda report: [PARTS[part](report) for part in sys.argv[1:]])
