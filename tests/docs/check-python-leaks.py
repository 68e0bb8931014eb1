#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tasks and items of maps leave nothing behind in Python: check-python-leaks.py API-VERSION WORKER [N]

Each is done N times, 10,000 unless told otherwise, after some rounds that fill what is kept for later. Then there must be
no more objects than before, and at most 100 bytes more memory for each. Skipped where Python has no bindings.
"""

import gc
import sys

import tap

try:
    import gi
    from gi.repository import GLib
except ImportError:
    gi = None

LONG = 60 * 1000 * 1000
BYTES_EACH = 100
FEW_OBJECTS = 100


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def count():
    context = GLib.MainContext.default()
    while context.iteration(False):
        pass
    gc.collect()
    return len(gc.get_objects())


def do_tasks(ferry, executor, n):
    for start in range(0, n, 100):
        tasks = [executor.submit("double", GLib.Variant("x", start)) for _ in range(min(100, n - start))]
        assert all(task.wait(LONG).unpack() == 2 * start for task in tasks)
    executor.clear_finished()


def do_map(ferry, executor, n):
    items = ferry.Map.new(executor, "double", ferry.MapOrder(0))
    items.set_arguments(GLib.Variant("ax", range(n)))
    assert sum(item.get_value().unpack() for item in items.collect(LONG)) == n * (n - 1)
    executor.clear_finished()


def check(report, name, do, ferry, executor, n):
    for _ in range(2):
        do(ferry, executor, n)
    objects, memory = count(), resident()
    do(ferry, executor, n)
    more, grown = count() - objects, resident() - memory
    print("# %s: %d objects and %d bytes more after %d" % (name, more, grown, n))
    report.fact("%s leave no objects" % name, more <= FEW_OBJECTS, ["%d are left" % more])
    report.fact("%s leave no memory" % name, grown <= BYTES_EACH * n, ["%d bytes are left" % grown])


def body(report):
    if gi is None:
        report.skip("python", "there is no PyGObject for %s" % sys.executable)
        return
    gi.require_version("Ferry", sys.argv[1])
    from gi.repository import Ferry

    n = int(sys.argv[3]) if len(sys.argv) > 3 else 10000
    executor = Ferry.Executor.new_for_program(sys.argv[2])
    for name, do in (("tasks", do_tasks), ("items of a map", do_map)):
        check(report, name, do, Ferry, executor, n)
    executor.stop()


tap.main(body)
