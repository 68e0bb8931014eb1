#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Workers that end in order do what Python does at the end of a process: check-ends.py"""

import importlib.util
import os
import subprocess
import sys
import tempfile

import functions
import tap

import ferry
import ferry.concurrent

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


def body(report):
    test_ends(report)
    test_long_end(report)
    with tempfile.TemporaryDirectory() as folder:
        test_early(report, folder)
        test_left(report, folder)
        test_coverage(report, folder)


if __name__ == "__main__":
    tap.main(body)
