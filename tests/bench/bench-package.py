#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The package ferry beside Python's own ways and joblib's: bench-package.py [--quick]

Each has two workers of the same functions, and runs in this process. Where a peer is not installed, a line says so.

tasks    calls of a function that does nothing, sent one by one: calls a second
start    calls that each run in a process of its own, with the modules of this program, numpy among them: ms a call
array    an array of 100 MB to a function and back: ms a call
"""

import concurrent.futures
import contextlib
import multiprocessing
import sys
import time

import ferry
import ferry.concurrent

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


def main():
    if joblib is None:
        print("# loky skipped: there is no joblib")
    compare_tasks()
    if numpy is None:
        print("# package/start and package/array skipped: there is no numpy")
        return
    compare_starts()
    compare_arrays()


if __name__ == "__main__":
    main()
