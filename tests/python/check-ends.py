#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Workers are copies of one process: how they differ where that matters, and what Python does at their ends: check-ends.py"""

import importlib.util
import os
import subprocess
import sys
import tempfile
import types

import functions
import tap

import ferry
import ferry.concurrent
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


def test_copies(report):
    test_seeds(report)
    test_torch(report)
    test_threads(report)


# Longer than any of this takes. What hangs is a fault.
LONG = 600


def expect(report, name, folder, process):
    report.equal(name, sorted(os.listdir(folder)), ["atexit-%d" % process, "finalize-%d" % process])


def test_ends(report):
    for options in ({}, {"fork": False}):
        with tempfile.TemporaryDirectory() as folder:
            with ferry.Executor(workers=1, **options) as executor:
                process = executor.submit(functions.leave_ends, folder).result()
            expect(report, "atexit, finalizers and temporary folders of a worker are done when the executor has ended %s" % options,
                   folder, process)
    with tempfile.TemporaryDirectory() as folder:
        with ferry.concurrent.Executor(1) as executor:
            process = executor.submit(functions.leave_ends, folder).result()
        expect(report, "so they are with futures", folder, process)
    with tempfile.TemporaryDirectory() as folder:
        with ferry.Executor(workers=1) as executor:
            executor.pool.props.max_tasks = 1
            process = executor.submit(functions.leave_ends, folder).result()
            # Its worker ends meanwhile.
            executor.submit(functions.double, 1).result()
        expect(report, "so they are of a worker that has had enough tasks", folder, process)


def test_long_end(report):
    with ferry.Executor(workers=1) as executor:
        process = executor.submit(functions.leave_long_end).result()
    report.fact("an end that takes too long is cut off", not os.path.exists("/proc/%d" % process))


# What is made while workers import the program is there for each of them.
EARLY = """
import os
import tempfile
import ferry

folder = tempfile.TemporaryDirectory()

def ask():
    return os.path.exists(folder.name), os.getpid()

if __name__ == "__main__":
    with ferry.Executor(workers=1) as executor:
        executor.pool.props.max_tasks = 1
        found = [executor.submit(ask).result() for _ in range(3)]
    print({there for there, _ in found}, len({process for _, process in found}))
"""

# The program ends while the tasks do, which are cancelled.
LEFT = """
import sys
import time
import ferry

if __name__ == "__main__":
    executor = ferry.Executor(workers=1)
    task = executor.run(["sleep", "600"]) if sys.argv[1] == "program" else executor.submit(time.sleep, 600)
    while not task.running():
        time.sleep(0.01)
    executor.shutdown(wait=False, cancel=True)
"""

COVERED = """
import ferry


def work(number):
    if number > 1:
        return "only in a worker"

if __name__ == "__main__":
    with ferry.Executor(workers=1) as executor:
        print(executor.submit(work, 2).result())
"""


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def run(folder, *arguments, **variables):
    done = subprocess.run([sys.executable, *arguments], cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False, timeout=LONG, env={**os.environ, **variables})
    return done.stdout, done.stderr


def test_early(report, folder):
    report.equal("a folder of the imports outlives a worker", run(folder, write(folder, "early.py", EARLY)), ("{True} 3\n", ""))


def test_left(report, folder):
    for kind in ("program", "function"):
        report.equal("a program may end behind a shutdown that nobody waits for: a %s" % kind,
                     run(folder, write(folder, "left.py", LEFT), kind), ("", ""))


def test_coverage(report, folder):
    if importlib.util.find_spec("coverage") is None:
        report.skip("coverage sees lines of workers", "there is no coverage")
        return
    write(folder, "covered.py", COVERED)
    write(folder, "coveragerc", "[run]\nparallel = True\ndata_file = %s/data\nsource = %s\n" % (folder, folder))
    write(folder, "sitecustomize.py", "import coverage\ncoverage.process_startup()\n")
    # The worker is started with the path of the program, not with PYTHONPATH alone.
    out, complaint = run(folder, "covered.py", COVERAGE_PROCESS_START=os.path.join(folder, "coveragerc"),
                         PYTHONPATH=os.pathsep.join([folder, os.environ.get("PYTHONPATH", "")]))
    report.equal("a program is run with coverage", (out, complaint), ("only in a worker\n", ""))
    run(folder, "-m", "coverage", "combine", "--rcfile=coveragerc")
    shown, _ = run(folder, "-m", "coverage", "report", "--rcfile=coveragerc", "-m", "--include=*/covered.py")
    report.fact("coverage sees lines of workers", "100%" in shown, [shown])


def test_orderly_ends(report):
    test_ends(report)
    test_long_end(report)
    with tempfile.TemporaryDirectory() as folder:
        test_early(report, folder)
        test_left(report, folder)
        test_coverage(report, folder)


def body(report):
    test_copies(report)
    test_orderly_ends(report)


if __name__ == "__main__":
    tap.main(body)
