#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The package ferry beside Python's own ways and joblib: bench-package.py [--quick] [PREFIX...]

Each system has two workers, and runs in this process. In each round a case is taken with one system after the other; a
figure is the median of the rounds. Where a peer is not installed, a line says so. With prefixes, only the cases that begin
so are taken: bench-package.py rate map/ first

ratio-cpu/package/… says the same of the processor time of all processes together, which a busy machine changes less.

latency         a call and its result, one at a time: µs
rate, rate-1000 calls of which 100 or 1,000 are under way, as these are sent before the results are taken: calls a second
map/chunks-100  items of a map in chunks of 100: items a second
map/chunks-pool in the chunks that Pool.map() makes
map/default     in the chunks that each makes where the program says nothing
map/chunks-1    with one item in each: items a second
map/slow        items that take 5 ms of a processor each, in the chunks that each makes: ms an item
bytes/argument, bytes/result, array/argument, array/result
                50 MB to a function that returns their number, and from one that has them: ms
bytes/SIZE/argument, bytes/SIZE/result, array/SIZE/argument, array/SIZE/result
                the same of 1 kB to 10 MB: µs
start           from making an executor to its first result, in a program that has imported numpy: ms
first           a whole program that makes an executor, calls one function and ends: ms, and from the executor to the result
memory          of a program that has an executor, and of a worker, as their own: MB
once            calls that each run in a process of its own, with the modules of this program, numpy among them: ms a call
viewer          from a window that is up to the first of 300 highlights that a worker finds, as tests/python/viewer.py has it in
                both ways: ms
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
import os
import subprocess
import sys
import tempfile
import threading
import time
import typing

from package_functions import echo, has_numpy, make_array, make_bytes, put_numbers, send_numbers, work

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
PREFIXES = tuple(argument for argument in sys.argv[1:] if not argument.startswith("--"))
ROUNDS = 3 if MODE == "--quick" else 9
UNDER_WAY = 100
# How many seconds an item of map/slow takes.
SLOW = 0.005
LARGE = 50 * 1000 * 1000
# In kilobytes: pictures, tiles, and on both sides of where values begin to go through memory.
SIZES = (1, 30, 64, 100, 200, 400, 700, 1000, 1100, 2000, 5000, 10000)
ARRAY_SIZES = (1, 30, 64, 100, 400, 1000, 2000, 10000)
OWN = ("ferry", "ferry-futures")


def is_chosen(title):
    return not PREFIXES or title.startswith(PREFIXES)


def choose(quick, whole):
    return quick if MODE == "--quick" else whole


# ---- the systems ----


class PoolExecutor:
    """A multiprocessing.Pool, with the methods of an executor."""

    def __init__(self, method="fork", once=False):
        self._pool = multiprocessing.get_context(method).Pool(WORKERS, maxtasksperchild=1 if once else None)

    def submit(self, function, *args):
        answer = self._pool.apply_async(function, args)
        answer.result = answer.get
        return answer

    def map(self, function, items, **options):
        return self._pool.map(function, items, **options)

    def shutdown(self):
        self._pool.close()
        self._pool.join()


class Joblib:
    """joblib's way: calls go to loky's processes, and a map is what its users write, which has processes of its own."""

    def __init__(self):
        self._joblib = importlib.import_module("joblib")
        self._executor = importlib.import_module("joblib.externals.loky").ProcessPoolExecutor(WORKERS)
        self.submit = self._executor.submit
        self.shutdown = self._executor.shutdown

    def map(self, function, items, chunksize="auto"):
        call = self._joblib.delayed(function)
        return self._joblib.Parallel(n_jobs=WORKERS, backend="loky", batch_size=chunksize)(map(call, items))


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
        "process-pool-forkserver": functools.partial(make_process_pool, "forkserver"),
        "pool-forkserver": functools.partial(PoolExecutor, "forkserver"),
        "ferry": functools.partial(ferry.Executor, WORKERS),
        "ferry-futures": make_futures,
    }
    if find_module("joblib"):
        systems["joblib"] = Joblib
    # No processes: what a call costs at least, and what a processor's work does not gain by.
    systems["threads"] = functools.partial(concurrent.futures.ThreadPoolExecutor, WORKERS)
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


def call_many(executor, count, under_way=UNDER_WAY):
    for first in range(0, count, under_way):
        numbers = range(first, min(first + under_way, count))
        assert [future.result() for future in [executor.submit(echo, number) for number in numbers]] == list(numbers)


def map_all(chunksize):
    def run(executor, count):
        options = {} if chunksize is None else {"chunksize": chunksize(count)}
        assert list(executor.map(echo, range(count), **options)) == list(range(count))

    return run


def map_slow(executor, count):
    assert list(executor.map(work, [SLOW] * count)) == [SLOW] * count


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
        "latency": Case(call_each(echo, 1, bool), choose(100, 300), "us", {"ferry-vs-process-pool-fork": ">= 1.1"}),
        "rate": Case(call_many, choose(500, 2000), "calls/s",
                     {"ferry-vs-process-pool-fork": ">= 2.5", "ferry-vs-pool": ">= 0.8",
                      "ferry-futures-vs-process-pool-fork": ">= 4"}),
        "rate-1000": Case(functools.partial(call_many, under_way=1000), choose(1000, 5000), "calls/s",
                          {"ferry-vs-process-pool-fork": ">= 2.5", "ferry-vs-pool": ">= 0.8",
                           "ferry-futures-vs-process-pool-fork": ">= 4"}),
        "map/chunks-100": Case(map_all(lambda _: 100), choose(5000, 20000), "items/s", {"ferry-vs-pool": ">= 0.6"}),
        "map/chunks-1": Case(map_all(lambda _: 1), choose(500, 2000), "items/s", {"ferry-vs-process-pool-fork": ">= 1"}),
        "map/chunks-pool": Case(map_all(chunk_of_pool), choose(5000, 20000), "items/s", {"ferry-vs-pool": ">= 0.5"}),
        "map/default": Case(map_all(None), choose(5000, 20000), "items/s", {"ferry-vs-pool": ">= 0.5"}),
        "map/slow": Case(map_slow, choose(50, 200), "ms", {"ferry-vs-pool": ">= 0.9"}),
        "bytes/argument": Case(call_each(len, make_bytes(LARGE), LARGE.__eq__), 1, "ms"),
        "bytes/result": Case(call_each(make_bytes, LARGE, is_large), 1, "ms"),
    }
    for kind, make, sizes in ("bytes", make_bytes, SIZES), ("array", make_array, ARRAY_SIZES if numpy else ()):
        for size in sizes:
            count = max(2, min(choose(10, 50), 5000 // size))
            budget = {"ferry-vs-process-pool-fork": ">= 1"}
            for way, call in (("argument", call_each(len, make(size * 1000), bool)), ("result", call_each(make, size * 1000, len))):
                cases["%s/%d-kB/%s" % (kind, size, way)] = Case(call, count, "us", budget)
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


def list_processes():
    """This one, and those that descend from it."""
    children = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open("/proc/%s/stat" % name, encoding="ascii", errors="replace") as file:
                children.setdefault(int(file.read().rpartition(")")[2].split()[1]), []).append(int(name))
    found = [os.getpid()]
    for process in found:
        found += children.get(process, [])
    return found


def get_processor_time(processes):
    """Seconds that they have run, as far as they are there."""
    total = 0
    for process in processes:
        with contextlib.suppress(OSError):
            for thread in os.listdir("/proc/%d/task" % process):
                with open("/proc/%d/task/%s/schedstat" % (process, thread), encoding="ascii") as file:
                    total += int(file.read().split()[0])
    return total / 1e9


def print_ratios(title, times, kind="ratio", budgets={}):
    for own, peer in itertools.product(times, times):
        if own in OWN and peer not in OWN:
            pair = "%s-vs-%s" % (own, peer)
            print_figure("%s/package/%s/%s" % (kind, title, pair), times[peer] / times[own], "x", budgets.get(pair))


def compare(title, subjects, measure, unit, budgets={}):
    """A figure for each, and the ratios, from the seconds of a call; gives those."""
    rounds = [{name: measure(subject) for name, subject in subjects.items()} for _ in range(ROUNDS)]
    times = {name: statistics.median(taken[name] for taken in rounds) for name in subjects}
    for name, seconds in times.items():
        print_figure("package/%s/%s" % (title, name), show(seconds, unit), unit)
    print_ratios(title, times, budgets=budgets)
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
    processes = list_processes()
    used = {name: [] for name in executors}

    def measure(name):
        before = get_processor_time(processes)
        begun = time.perf_counter()
        case.run(executors[name], case.count)
        taken = time.perf_counter() - begun
        used[name].append((get_processor_time(processes) - before) / case.count)
        return taken / case.count

    times = compare(title, {name: name for name in executors}, measure, case.unit, case.budgets)
    # Where processes come and go, theirs is not known afterwards.
    if title != "once":
        print_ratios(title, {name: statistics.median(taken) for name, taken in used.items()}, "ratio-cpu")
    return times


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
        times = {title: compare_case(title, case, executors) for title, case in list_cases().items() if is_chosen(title)}
    for own, way in itertools.product(OWN, ("argument", "result")):
        if not {"bytes/" + way, "array/" + way} <= times.keys():
            continue
        print_figure("ratio/package/bytes/%s/%s-over-array" % (way, own),
                     times["bytes/" + way][own] / times["array/" + way][own], "x", "<= 2")
    if is_chosen("start"):
        compare("start", systems, measure_start, "ms")


# What a small program does that uses each system; it says how long its first result took, and what memory is its own.
PROGRAM = """
import time
%s
from package_functions import get_own_memory, echo
if __name__ == "__main__":
    begun = time.perf_counter()
    executor = %s
    assert %s == 1
    taken = time.perf_counter() - begun
    print(taken, get_own_memory(), %s)
    executor.%s()
"""
PROCESS_POOL = "executor.submit(echo, 1).result()", "executor.submit(get_own_memory).result()", "shutdown"
PROGRAMS = {
    "ferry": ("import ferry", "ferry.Executor(2)", *PROCESS_POOL),
    "ferry-futures": ("import ferry.concurrent", "ferry.concurrent.Executor(2)", *PROCESS_POOL),
    "process-pool-fork": ("from concurrent.futures import ProcessPoolExecutor", "ProcessPoolExecutor(2)", *PROCESS_POOL),
    "process-pool-forkserver": ("from concurrent.futures import ProcessPoolExecutor\nimport multiprocessing",
                                "ProcessPoolExecutor(2, multiprocessing.get_context('forkserver'))", *PROCESS_POOL),
    "pool": ("import multiprocessing", "multiprocessing.Pool(2)", "executor.apply(echo, (1,))",
             "executor.apply(get_own_memory)", "terminate"),
    "pool-forkserver": ("import multiprocessing", "multiprocessing.get_context('forkserver').Pool(2)", "executor.apply(echo, (1,))",
                        "executor.apply(get_own_memory)", "terminate"),
    "threads": ("from concurrent.futures import ThreadPoolExecutor", "ThreadPoolExecutor(2)", *PROCESS_POOL),
}
if find_module("joblib"):
    PROGRAMS["joblib"] = ("from joblib.externals.loky import get_reusable_executor", "get_reusable_executor(2)", *PROCESS_POOL)


def compare_first():
    folder = os.path.dirname(os.path.abspath(__file__))
    environment = {**os.environ, "PYTHONPATH": folder + os.pathsep + os.environ.get("PYTHONPATH", "")}
    found = {name: [] for name in PROGRAMS}

    with contextlib.ExitStack() as stack:
        paths = {}
        for name, parts in PROGRAMS.items():
            file = stack.enter_context(tempfile.NamedTemporaryFile("w", suffix=".py"))
            file.write(PROGRAM % parts)
            file.flush()
            paths[name] = file.name

        def measure(name):
            begun = time.perf_counter()
            said = subprocess.run([sys.executable, paths[name]], env=environment, stdout=subprocess.PIPE, check=True).stdout
            found[name].append(tuple(map(float, said.split())))
            return time.perf_counter() - begun

        compare("first/program", {name: name for name in PROGRAMS}, measure, "ms")
    figures = {name: list(map(statistics.median, zip(*rounds))) for name, rounds in found.items()}
    for name, (seconds, _, _) in figures.items():
        print_figure("package/first/%s" % name, seconds * 1e3, "ms")
    print_ratios("first", {name: figure[0] for name, figure in figures.items()},
                 budgets={"ferry-vs-process-pool-fork": ">= 0.5"})
    for name, (_, application, worker) in figures.items():
        print_figure("package/memory/application/%s" % name, application, "bytes")
        print_figure("package/memory/worker/%s" % name, worker, "bytes")


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


# ---- a window's first highlight ----


def measure_viewer(way):
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python", "viewer.py")
    return float(subprocess.run([sys.executable, path, way], stdout=subprocess.PIPE, check=True).stdout.split()[0])


def compare_viewer():
    if show_window() is None:
        print("# package/viewer skipped: there is no display")
        return
    ways = "ferry", "multiprocessing"
    compare("viewer", {way: way for way in ways}, measure_viewer, "ms", {"ferry-vs-multiprocessing": ">= 0.5"})


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
    for title, run in (("first", compare_first), ("", compare_systems), ("once", compare_once if numpy else None),
                       ("viewer", compare_viewer), ("messages", compare_messages), ("frames", compare_frames)):
        if run is not None and (not title or is_chosen(title)):
            run()


if __name__ == "__main__":
    main()
