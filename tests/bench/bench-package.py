#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The package ferry beside Python's own ways and loky: bench-package.py [--quick]

Each system has two workers, and runs in this process. In each round a case is taken with one system after the other; a
figure is the median of the rounds. Where a peer is not installed, a line says so.

latency         a call and its result, one at a time: µs
rate            calls of which 100 are under way, as 100 are sent before the results are taken: calls a second
map/chunks-100  items of a map in chunks of 100: items a second
map/chunks-pool in the chunks that Pool.map() makes
map/default     in the chunks that each makes where the program says nothing
bytes/argument, bytes/result, array/argument, array/result
                50 MB to a function that returns their number, and from one that has them: ms
start           from making an executor to its first result, in a program that has imported numpy: ms
once            calls that each run in a process of its own, with the modules of this program, numpy among them: ms a call
messages        messages of one worker to a handler on GLib's main loop, beside a multiprocessing.Queue, whose thread calls
                GLib.idle_add(): messages a second
frames          frames of a GTK window while a worker sends all that it can, in the same two ways: frames a second

ratio/package/CASE/SYSTEM-vs-PEER says how many times the time of Ferry the peer takes, for ferry.Executor and for
ferry.concurrent.Executor, which is ferry-futures.
"""

import concurrent.futures
import contextlib
import functools
import importlib
import itertools
import multiprocessing
import statistics
import sys
import threading
import time
import typing

from package_functions import echo, has_numpy, make_array, make_bytes, put_numbers, send_numbers

import ferry
import ferry.concurrent
from gi.repository import GLib


def find_module(*names):
    """The first of them that is installed."""
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            pass
    print("# without %s, which is not installed" % names[0])
    return None


numpy = find_module("numpy")

WORKERS = 2
MODE = next((argument for argument in sys.argv[1:] if argument.startswith("--")), "")
ROUNDS = 3 if MODE == "--quick" else 5
UNDER_WAY = 100
LARGE = 50 * 1000 * 1000
OWN = ("ferry", "ferry-futures")


def choose(quick, whole):
    return quick if MODE == "--quick" else whole


# ---- the systems ----


class PoolExecutor:
    """A multiprocessing.Pool, with the methods of an executor."""

    def __init__(self, once=False):
        self._pool = multiprocessing.get_context("fork").Pool(WORKERS, maxtasksperchild=1 if once else None)

    def submit(self, function, *args):
        answer = self._pool.apply_async(function, args)
        answer.result = answer.get
        return answer

    def map(self, function, items, **options):
        return self._pool.map(function, items, **options)

    def shutdown(self):
        self._pool.close()
        self._pool.join()


def make_process_pool(method, once=False):
    more = {"max_tasks_per_child": 1} if once else {}
    return concurrent.futures.ProcessPoolExecutor(WORKERS, multiprocessing.get_context(method), **more)


def make_futures(once=False):
    return ferry.concurrent.Executor(WORKERS, max_tasks_per_child=1 if once else None)


def list_systems():
    """What makes an executor of each. Those that fork are first, while this process has few threads."""
    systems = {
        "process-pool-fork": functools.partial(make_process_pool, "fork"),
        "pool": PoolExecutor,
        "process-pool-spawn": functools.partial(make_process_pool, "spawn"),
        "ferry": functools.partial(ferry.Executor, WORKERS),
        "ferry-futures": make_futures,
    }
    loky = find_module("loky", "joblib.externals.loky")
    if loky:
        systems["loky"] = functools.partial(loky.ProcessPoolExecutor, WORKERS)
    return systems


ONCE = {
    "pool": functools.partial(PoolExecutor, once=True),
    "forkserver": functools.partial(make_process_pool, "forkserver", once=True),
    "ferry-futures": functools.partial(make_futures, once=True),
}


# ---- the cases ----
# Each gets an executor, and a number of calls.


def call_each(function, argument, check):
    def run(executor, count):
        for _ in range(count):
            assert check(executor.submit(function, argument).result())

    return run


def call_many(executor, count):
    for first in range(0, count, UNDER_WAY):
        numbers = range(first, min(first + UNDER_WAY, count))
        assert [future.result() for future in [executor.submit(echo, number) for number in numbers]] == list(numbers)


def map_all(chunksize):
    def run(executor, count):
        options = {} if chunksize is None else {"chunksize": chunksize(count)}
        assert list(executor.map(echo, range(count), **options)) == list(range(count))

    return run


def call_new(executor, count):
    assert all([future.result() for future in [executor.submit(has_numpy, i) for i in range(count)]])


def is_large(result):
    return len(result) == LARGE


def chunk_of_pool(count):
    return -(-count // (4 * WORKERS))


class Case(typing.NamedTuple):
    run: typing.Callable
    count: int
    unit: str
    # What the ratio of a system of Ferry to a peer shall be.
    budgets: dict = {}


def list_cases():
    cases = {
        "latency": Case(call_each(echo, 1, bool), choose(100, 300), "us", {"ferry-vs-process-pool-fork": ">= 2"}),
        "rate": Case(call_many, choose(500, 1000), "calls/s",
                     {"ferry-vs-process-pool-fork": ">= 3", "ferry-futures-vs-process-pool-fork": ">= 2"}),
        "map/chunks-100": Case(map_all(lambda _: 100), choose(5000, 20000), "items/s", {"ferry-vs-pool": ">= 1"}),
        "map/chunks-pool": Case(map_all(chunk_of_pool), choose(5000, 20000), "items/s", {"ferry-vs-pool": ">= 1"}),
        "map/default": Case(map_all(None), choose(1000, 2000), "items/s", {"ferry-vs-pool": ">= 2"}),
        "bytes/argument": Case(call_each(len, make_bytes(LARGE), LARGE.__eq__), 1, "ms"),
        "bytes/result": Case(call_each(make_bytes, LARGE, is_large), 1, "ms"),
    }
    if numpy:
        cases["array/argument"] = Case(call_each(len, make_array(LARGE), LARGE.__eq__), 1, "ms", {"ferry-vs-process-pool-fork": ">= 5"})
        cases["array/result"] = Case(call_each(make_array, LARGE, is_large), 1, "ms", {"ferry-vs-process-pool-fork": ">= 5"})
    return cases


# ---- measuring ----


def print_figure(name, value, unit, budget=None):
    print("%s %.6g %s" % (name, value, unit))
    if budget:
        print("# budget %s" % budget)
    sys.stdout.flush()


def show(seconds, unit):
    return seconds * 1e6 if unit == "us" else seconds * 1e3 if unit == "ms" else 1 / seconds


def compare(title, subjects, measure, unit, budgets={}):
    """A figure for each, and the ratios, from the seconds of a call; gives those."""
    rounds = [{name: measure(subject) for name, subject in subjects.items()} for _ in range(ROUNDS)]
    times = {name: statistics.median(taken[name] for taken in rounds) for name in subjects}
    for name, seconds in times.items():
        print_figure("package/%s/%s" % (title, name), show(seconds, unit), unit)
    for own, peer in itertools.product(times, times):
        if own in OWN and peer not in OWN:
            pair = "%s-vs-%s" % (own, peer)
            print_figure("ratio/package/%s/%s" % (title, pair), times[peer] / times[own], "x", budgets.get(pair))
    return times


@contextlib.contextmanager
def opened(systems):
    """An executor of each, whose workers have started."""
    with contextlib.ExitStack() as stack:
        executors = {name: make() for name, make in systems.items()}
        for executor in executors.values():
            stack.callback(executor.shutdown)
            call_many(executor, UNDER_WAY)
        yield executors


def compare_case(title, case, executors):
    def measure(executor):
        begun = time.perf_counter()
        case.run(executor, case.count)
        return (time.perf_counter() - begun) / case.count

    return compare(title, executors, measure, case.unit, case.budgets)


def measure_start(make):
    begun = time.perf_counter()
    executor = make()
    assert executor.submit(echo, 1).result() == 1
    taken = time.perf_counter() - begun
    executor.shutdown()
    return taken


def compare_systems():
    systems = list_systems()
    with opened(systems) as executors:
        times = {title: compare_case(title, case, executors) for title, case in list_cases().items()}
    for own, way in itertools.product(OWN, ("argument", "result") if numpy else ()):
        print_figure("ratio/package/bytes/%s/%s-over-array" % (way, own),
                     times["bytes/" + way][own] / times["array/" + way][own], "x", "<= 2")
    compare("start", systems, measure_start, "ms")


def compare_once():
    multiprocessing.set_forkserver_preload(["__main__", "numpy"])
    executors = {name: make() for name, make in ONCE.items()}
    compare_case("once", Case(call_new, 6, "ms", {"ferry-futures-vs-forkserver": ">= 5"}), executors)
    for executor in executors.values():
        executor.shutdown()


# ---- messages to a main loop ----


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
    count = choose(5000, 20000)
    compare("messages", {"ferry": messages_of_ferry, "queue": messages_of_queue},
            lambda way: count_messages(way, count) / count, "messages/s", {"ferry-vs-queue": ">= 10"})


# ---- frames of a window under a flood ----


def show_window():
    """A window that draws anew as often as it can, and the list that gets a time for each frame. None: no display."""
    import gi
    gi.require_version("Gdk", "4.0")
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
        frames, messages = count_frames(way, choose(1, 2))
        print_figure("package/frames/%s" % name, frames, "frames/s")
        print_figure("package/frames/%s-messages" % name, messages, "messages/s")


def main():
    compare_systems()
    if numpy:
        compare_once()
    compare_messages()
    compare_frames()


if __name__ == "__main__":
    main()
