#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The package ferry beside Python's own ways and joblib's: bench-package.py [--quick]

Each has two workers of the same functions, and runs in this process. Where a peer is not installed, a line says so.

tasks    calls of a function that does nothing, sent one by one: calls a second
start    calls that each run in a process of its own, with the modules of this program, numpy among them: ms a call
array    an array of 100 MB to a function and back: ms a call
messages messages of one worker to a handler on GLib's main loop, beside a multiprocessing.Queue, whose thread calls
         GLib.idle_add(): messages a second
frames   frames of a GTK window while a worker sends all that it can, in the same two ways: frames a second
"""

import concurrent.futures
import contextlib
import multiprocessing
import sys
import threading
import time

import ferry
import ferry.concurrent
from gi.repository import GLib

try:
    import numpy
except ImportError:
    numpy = None
try:
    import joblib
except ImportError:
    joblib = None

WORKERS = 2
MODE = next((argument for argument in sys.argv[1:] if argument.startswith("--")), "")
ROUNDS = 3 if MODE == "--quick" else 5


def choose(quick, whole):
    return quick if MODE == "--quick" else whole


# ---- what workers run ----


def echo(value):
    return value


def has_numpy(_):
    return "numpy" in sys.modules


# ---- those that are compared ----
# Each gives a function that calls another one for each of many items, and returns the results.


@contextlib.contextmanager
def with_ferry():
    with ferry.Executor(WORKERS) as executor:
        yield lambda function, items: [task.result() for task in [executor.submit(function, item) for item in items]]


@contextlib.contextmanager
def with_ferry_futures(once=False):
    with ferry.concurrent.Executor(WORKERS, max_tasks_per_child=1 if once else None) as executor:
        yield lambda function, items: [future.result() for future in [executor.submit(function, item) for item in items]]


@contextlib.contextmanager
def with_process_pool(method="fork", once=False):
    context = multiprocessing.get_context(method)
    more = {"max_tasks_per_child": 1} if once else {}
    with concurrent.futures.ProcessPoolExecutor(WORKERS, context, **more) as executor:
        yield lambda function, items: [future.result() for future in [executor.submit(function, item) for item in items]]


@contextlib.contextmanager
def with_pool(once=False):
    with multiprocessing.get_context("fork").Pool(WORKERS, maxtasksperchild=1 if once else None) as pool:
        yield lambda function, items: [answer.get() for answer in [pool.apply_async(function, (item,)) for item in items]]


@contextlib.contextmanager
def with_loky():
    with joblib.Parallel(WORKERS, backend="loky", batch_size=1, pre_dispatch="all", max_nbytes=None) as parallel:
        yield lambda function, items: parallel(joblib.delayed(function)(item) for item in items)


# ---- measuring ----


def measure(peer, function, items):
    """Seconds an item, as the best of some rounds: what else the machine does only makes one slower."""
    with peer() as run:
        run(function, items[:WORKERS])
        times = []
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            results = run(function, items)
            times.append((time.perf_counter() - begun) / len(items))
            assert len(results) == len(items)
    return min(times)


def print_figure(name, value, unit, budget=None):
    print("%s %.6g %s" % (name, value, unit))
    if budget:
        print("# budget %s" % budget)
    sys.stdout.flush()


def compare(title, peers, function, items, show, budget):
    """A figure for each, and how many times each takes as long as Ferry."""
    times = {}
    for name, peer in peers.items():
        times[name] = measure(peer, function, items)
        print_figure("package/%s/%s" % (title, name), *show(times[name]))
    for name, seconds in list(times.items())[1:]:
        print_figure("ratio/package/%s/vs-%s" % (title, name), seconds / times["ferry"], "x",
                     budget if name != "ferry-futures" else None)


def compare_tasks():
    peers = {"ferry": with_ferry, "ferry-futures": with_ferry_futures, "process-pool": with_process_pool, "pool": with_pool}
    if joblib:
        peers["loky"] = with_loky
    compare("tasks", peers, echo, range(choose(1000, 10000)), lambda seconds: (1 / seconds, "tasks/s"), ">= 3")


def compare_starts():
    peers = {
        "ferry": lambda: with_ferry_futures(once=True),
        "forkserver": lambda: with_process_pool("forkserver", once=True),
        "pool": lambda: with_pool(once=True),
    }
    multiprocessing.set_forkserver_preload(["__main__", "numpy"])
    compare("start", peers, has_numpy, range(choose(10, 50)), lambda seconds: (seconds * 1000, "ms"), ">= 5")


def compare_arrays():
    array = numpy.zeros(100 * 1000 * 1000, dtype=numpy.uint8)
    peers = {"ferry": with_ferry, "process-pool": with_process_pool, "pool": with_pool}
    if joblib:
        peers["loky"] = with_loky
    compare("array", peers, echo, [array] * choose(2, 4), lambda seconds: (seconds * 1000, "ms"), ">= 5")


# ---- messages to a main loop ----


def send_numbers(sender, count):
    for number in range(count):
        sender.send(number)


def put_numbers(queue, count):
    for number in range(count):
        queue.put(number)


@contextlib.contextmanager
def messages_of_ferry(handle):
    """Gives a function that begins to send so many messages."""
    with ferry.Executor(1, context=GLib.MainContext.default()) as executor:
        sender, receiver = executor.pipe()
        receiver.connect("message", lambda _, message: handle(message))
        executor.submit(echo, 1).result()
        yield lambda count: executor.submit(send_numbers, sender, count)
        executor.cancel_all()


@contextlib.contextmanager
def messages_of_queue(handle):
    queue = multiprocessing.get_context("fork").Queue()
    process = None

    def read(count):
        for _ in range(count):
            GLib.idle_add(handle, queue.get())

    def begin(count):
        nonlocal process
        process = multiprocessing.get_context("fork").Process(target=put_numbers, args=(queue, count), daemon=True)
        process.start()
        threading.Thread(target=read, args=(count,), daemon=True).start()

    yield begin
    process.terminate()
    process.join()


def count_messages(way, count):
    """Seconds from the beginning of so many messages to the last one."""
    loop = GLib.MainLoop()
    counted = 0

    def handle(_message):
        nonlocal counted
        counted += 1
        if counted == count:
            loop.quit()

    with way(handle) as begin:
        begun = time.perf_counter()
        begin(count)
        loop.run()
        return time.perf_counter() - begun


def compare_messages():
    rates = {}
    for name, way, count in (("ferry", messages_of_ferry, choose(20000, 200000)), ("queue", messages_of_queue, choose(5000, 20000))):
        rates[name] = max(count / count_messages(way, count) for _ in range(ROUNDS))
        print_figure("package/messages/%s" % name, rates[name], "messages/s")
    print_figure("ratio/package/messages/vs-queue", rates["ferry"] / rates["queue"], "x", ">= 10")


# ---- frames of a window under a flood ----


def show_window():
    """A window that draws anew as often as it can, and the list that gets a time for each frame. None: no display."""
    import gi
    gi.require_version("Gtk", "4.0")
    from gi.repository import Gdk, Gtk
    if Gdk.Display.get_default() is None:
        return None
    area = Gtk.DrawingArea()
    window = Gtk.Window(child=area, default_width=200, default_height=200)
    frames = []

    def tick(widget, _clock):
        frames.append(time.perf_counter())
        widget.queue_draw()
        return True

    area.add_tick_callback(tick)
    window.present()
    return window, frames


def count_frames(way, seconds):
    """Frames and messages a second, of a flood that does not end before."""
    window, frames = show_window()
    loop = GLib.MainLoop()
    handled = 0

    def handle(_message):
        nonlocal handled
        handled += 1

    with way(handle) as begin:
        begin(choose(1000000, 10000000))
        begun = time.perf_counter()
        GLib.timeout_add(int(seconds * 1000), loop.quit, priority=GLib.PRIORITY_HIGH)
        loop.run()
        taken = time.perf_counter() - begun
    window.destroy()
    return len(frames) / taken, handled / taken


def compare_frames():
    if show_window() is None:
        print("# package/frames skipped: there is no display")
        return
    for name, way in (("ferry", messages_of_ferry), ("queue", messages_of_queue)):
        frames, messages = count_frames(way, choose(1, 4))
        print_figure("package/frames/%s" % name, frames, "frames/s")
        print_figure("package/frames/%s-messages" % name, messages, "messages/s")


def main():
    compare_messages()
    if joblib is None:
        print("# loky skipped: there is no joblib")
    compare_tasks()
    if numpy is None:
        print("# package/start and package/array skipped: there is no numpy")
    else:
        compare_starts()
        compare_arrays()
    compare_frames()


if __name__ == "__main__":
    main()
