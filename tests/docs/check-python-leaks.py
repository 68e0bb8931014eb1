#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tasks, items of maps, calls and callbacks leave nothing behind in Python: check-python-leaks.py API-VERSION WORKER [N]

Each is done N times, 10,000 unless told otherwise, after some rounds that fill what is kept for later. Then there must be
no more objects than before, and at most some bytes more memory for each. The bindings keep a closure of each callback of
an asynchronous function, whatever the library. So a callback of GIO is measured as well, and those of Ferry may leave as
much and no more. Memory that is shared with workers is not counted. Skipped where Python has no bindings.
"""

import gc
import statistics
import sys

import tap

try:
    import gi
    from gi.repository import Gio, GLib
except ImportError:
    gi = None

LONG = 60 * 1000 * 1000
BATCH = 100
ROUNDS = 3
BYTES_EACH = 50
FEW_OBJECTS = 100


def resident():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("RssAnon:"))


def count():
    context = GLib.MainContext.default()
    while context.iteration(False):
        pass
    gc.collect()
    return len(gc.get_objects())


class Executor:
    """An executor with workers of C."""

    def __init__(self, ferry, worker):
        self.ferry, self.executor = ferry, ferry.Executor.new_for_program(worker)

    def tasks(self, n):
        for start in range(0, n, BATCH):
            tasks = [self.executor.submit("double", GLib.Variant("x", start)) for _ in range(BATCH)]
            assert all(task.wait(LONG).unpack() == 2 * start for task in tasks)
        self.executor.clear_finished()

    def items(self, n):
        items = self.ferry.Map.new(self.executor, "double", self.ferry.MapOrder(0))
        items.set_arguments(GLib.Variant("ax", range(n)))
        assert sum(item.get_value().unpack() for item in items.collect(LONG)) == n * (n - 1)
        self.executor.clear_finished()

    def calls(self, n):
        in_batches(n, lambda got: self.executor.call_async(
            "double", GLib.Variant("x", 21), None, lambda source, result: got(source.call_finish(result).unpack() == 42)))
        self.executor.clear_finished()


class Conversation:
    """Two ends in this process: requests, which the main loop answers or threads do, and messages."""

    def __init__(self, ferry, in_threads):
        here, there = ferry.Transport.new_pair()
        self.demux, self.mux = ferry.Demux.new(there), ferry.Mux.new(here)
        if not in_threads:
            self.demux.set_context(None)
        self.demux.add_handler("echo", lambda invocation, *_: invocation.return_value(invocation.get_arguments()))
        self.demux.start()
        _, self.sender, self.receiver = ferry.Router.get_default().pipe(ferry.PipeFlags.QUEUED)
        self.receiver.set_handler(lambda _receiver, data, *_: self.got(bytes(data) == b"word"))
        self.sender.start()

    def requests(self, n):
        in_batches(n, lambda got: self.mux.transact_async("echo", GLib.Variant("i", 5), LONG, None, lambda source, result: got(
            source.transact_finish(result).unpack() == 5)))

    def callbacks(self, n):
        in_batches(n, lambda got: self.mux.transact_with_func("echo", GLib.Variant("i", 5), lambda value, error, *_: got(
            error is None and value.unpack() == 5)))

    def messages(self, n):
        def send(got):
            self.got = got
            self.sender.send_bytes(b"word")
        in_batches(n, send)


def callbacks_of_gio(n):
    def begin(got):
        task = Gio.Task.new(None, None, lambda _source, result: got(result.propagate_boolean()))
        task.return_boolean(True)
    in_batches(n, begin)


def in_batches(n, begin):
    """Begins n things, a batch at a time, each of which says on any thread whether it came as it should."""
    loop = GLib.MainLoop()
    for _ in range(0, n, BATCH):
        outcomes = []

        def got(outcome):
            outcomes.append(outcome)
            # All may have come before the loop runs.
            if len(outcomes) == BATCH:
                GLib.idle_add(loop.quit)

        for _ in range(BATCH):
            begin(got)
        loop.run()
        assert all(outcomes), outcomes


def measure(name, do, n):
    """How many objects there are more, and how many bytes: the medians of some rounds, as memory is returned in pieces."""
    for _ in range(2):
        do(n)
    more, grown = [], []
    for _ in range(ROUNDS):
        objects, memory = count(), resident()
        do(n)
        more.append(count() - objects)
        grown.append(resident() - memory)
    print("# %s: %s objects and %s bytes more after %d each" % (name, more, grown, n))
    return statistics.median(more), statistics.median(grown)


def check(report, name, do, n, of_bindings=0):
    more, grown = measure(name, do, n)
    report.fact("%s leave no objects" % name, more <= FEW_OBJECTS, ["%d are left" % more])
    report.fact("%s leave no memory" % name, grown <= BYTES_EACH * n + of_bindings, ["%d bytes are left" % grown])


def body(report):
    if gi is None:
        report.skip("python", "there is no PyGObject for %s" % sys.executable)
        return
    gi.require_version("Ferry", sys.argv[1])
    from gi.repository import Ferry

    n = int(sys.argv[3]) if len(sys.argv) > 3 else 10000
    _, of_bindings = measure("callbacks of GIO", callbacks_of_gio, n)
    executor, here, threads = Executor(Ferry, sys.argv[2]), Conversation(Ferry, False), Conversation(Ferry, True)
    for name, do in (("tasks", executor.tasks), ("items of a map", executor.items), ("messages", here.messages)):
        check(report, name, do, n)
    for name, do in (("calls", executor.calls), ("requests", here.requests), ("callbacks", here.callbacks),
                     ("requests to threads", threads.requests), ("callbacks from threads", threads.callbacks)):
        check(report, name, do, n, of_bindings)
    here.demux.stop()
    threads.demux.stop()
    executor.executor.stop()


tap.main(body)
