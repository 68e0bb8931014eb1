#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Workers are copies of one process, and differ where that matters: random numbers, and threads of libraries: check-copies.py"""

import importlib.util
import os
import sys
import types

import functions
import tap

import ferry
from ferry import worker

WORKERS = 4


def ask_each(executor, function):
    """What different workers give."""
    found = {}
    while len(found) < WORKERS:
        for value, process in executor.map(function, [None] * WORKERS, chunksize=1):
            found[process] = value
    return found


def test_seeds(report):
    with ferry.Executor(workers=WORKERS, modules=["functions"]) as executor:
        report.equal("each worker has random numbers of its own", len(set(ask_each(executor, functions.draw_once).values())), WORKERS)
        found = ask_each(executor, functions.get_own_seed_once)
        report.equal("a library seeds by os.register_at_fork()", found, {process: process for process in found})
    if importlib.util.find_spec("numpy") is None:
        report.skip("numpy's random numbers", "there is no numpy")
        return
    with ferry.Executor(workers=WORKERS, modules=["numpy"]) as executor:
        report.equal("numpy's older random numbers differ", len(set(ask_each(executor, functions.draw_of_numpy_once).values())), WORKERS)


def test_torch(report):
    """A stand-in: what a fork server has loaded under that name is asked for a seed."""
    seeds = []
    before = sys.modules.get("torch")
    sys.modules["torch"] = types.SimpleNamespace(seed=lambda: seeds.append(1))
    try:
        worker._seed()
    finally:
        del sys.modules["torch"]
        if before is not None:
            sys.modules["torch"] = before
    report.equal("torch is seeded where it is loaded", seeds, [1])


def test_threads(report):
    processors = len(os.sched_getaffinity(0))
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.endswith("_NUM_THREADS")}
    try:
        for workers, expected in ((1, processors), (processors, 1), (None, 1), (3 * processors, 1)):
            with ferry.Executor(workers=workers) as executor:
                found = executor.submit(functions.find_threads).result()
                report.equal("%s workers have as many threads as there are processors" % workers,
                             (set(found.values()), "OMP_NUM_THREADS" in found, "OPENBLAS_NUM_THREADS" in found),
                             ({str(expected)}, True, True))
        os.environ["OMP_NUM_THREADS"] = "7"
        with ferry.Executor(workers=processors) as executor:
            found = executor.submit(functions.find_threads).result()
            report.equal("the environment says otherwise", (found["OMP_NUM_THREADS"], found["MKL_NUM_THREADS"]), ("7", "1"))
        with ferry.Executor(workers=1, threads=3) as executor:
            report.equal("or threads=", set(executor.submit(functions.find_threads).result().values()), {"3"})
        try:
            ferry.Executor(threads=0)
        except ValueError as error:
            report.fact("which is at least one", "one thread" in str(error))
    finally:
        os.environ.pop("OMP_NUM_THREADS", None)
        os.environ.update(kept)
    if importlib.util.find_spec("numpy") is None:
        report.skip("numpy's threads", "there is no numpy")
        return
    with ferry.Executor(workers=1, threads=1) as executor:
        report.equal("numpy multiplies without further threads", executor.submit(functions.count_threads_of_numpy).result(), 0)


def body(report):
    test_seeds(report)
    test_torch(report)
    test_threads(report)


if __name__ == "__main__":
    tap.main(body)
