#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ferry.concurrent.Executor is an executor of concurrent.futures: check-concurrent.py

CPython's own tests of ProcessPoolExecutor are run with it by check-suites.py.
"""

import concurrent.futures
import gc
import os
import select
import signal
import subprocess
import sys
import tempfile
import weakref

import functions
import tap

import ferry.concurrent

AT_THE_END = """
import sys
import atexit
import ferry.concurrent
import functions

def run_last():
    try:
        executor.submit(id, None)
    except RuntimeError:
        print("refused")

if __name__ == "__main__":
    atexit.register(run_last)
    executor = ferry.concurrent.Executor(2)
    future = executor.submit(functions.double, 21)
    future.add_done_callback(lambda future: print(future.result()))
    if sys.argv[1:]:
        executor.shutdown(wait=False)
"""


# It has no `with` block.
INTERRUPTED = """
import ferry.concurrent

def spin():
    print("begun", flush=True)
    while True:
        pass

if __name__ == "__main__":
    executor = ferry.concurrent.Executor(1)
    executor.submit(spin).result()
"""


def test_interrupted_program(report, folder):
    program = os.path.join(folder, "interrupted.py")
    with open(program, "w", encoding="utf-8") as file:
        file.write(INTERRUPTED)
    with subprocess.Popen([sys.executable, program], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        for line in process.stdout:
            if line.endswith("begun\n"):
                break
        process.send_signal(signal.SIGINT)
        try:
            text, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    report.fact("Ctrl-C ends a program without a block", process.returncode == -signal.SIGINT
                and text.endswith("KeyboardInterrupt\n"), [process.returncode, text])


def test_ctrl_c(report):
    executor = ferry.concurrent.Executor(1)
    try:
        with executor:
            runs, waits = [executor.submit(functions.spin) for _ in range(2)]
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    report.equal("Ctrl-C in a block ends what runs and what waits",
                 [type(raised(future.result)) for future in (runs, waits)], 2 * [concurrent.futures.CancelledError])


def raised(function):
    try:
        return function()
    except BaseException as error:
        return error


def fail_at_once():
    raise ValueError("not ready")


def test_errors(report):
    with ferry.concurrent.Executor(1) as executor:
        error = executor.submit(functions.fail).exception()
        report.fact("the traceback is the cause", "in fail\n" in error.__cause__.tb, [repr(error)])
        error = executor.submit(functions.leave).exception()
        report.fact("a death breaks a pool, as its class says", isinstance(error, concurrent.futures.BrokenExecutor)
                    and isinstance(error, ferry.WorkerLost) and error.exit_status == 7, [repr(error)])
        report.equal("and only its future", executor.submit(functions.double, 2).result(), 4)
        error = executor.submit(functions.fail_frozen, 3).exception()
        report.fact("an exception may be a frozen dataclass", (type(error), error.number) == (functions.FrozenError, 3)
                    and "in fail_frozen\n" in error.__cause__.tb, [repr(error)])
        report.equal("a worker is no main process", executor.submit(functions.process_name).result(), "FerryWorker")
        report.equal("SystemExit is one", type(executor.submit(functions.leave_by_exception).exception()), SystemExit)
    with ferry.concurrent.Executor(1, initializer=fail_at_once) as executor:
        error = executor.submit(functions.double, 2).exception()
        report.fact("an initializer that fails breaks the pool", isinstance(error, concurrent.futures.BrokenExecutor)
                    and "not ready" in str(error), [repr(error)])
    with ferry.concurrent.Executor(1, initializer=functions.set_word, initargs=("ready",)) as executor:
        report.equal("one that does not is run first", executor.submit(functions.get_word).result(), "ready")


def test_limits(report):
    with ferry.concurrent.Executor(1, max_tasks_per_child=2) as executor:
        processes = [executor.submit(functions.draw).result()[1] for _ in range(6)]
    report.equal("a worker runs so many tasks", len(set(processes)), 3)
    report.equal("of a wrong number nothing is made", [type(raised(lambda number=number: ferry.concurrent.Executor(number)))
                                                       for number in (0, -1)], [ValueError, ValueError])


def watch(executor):
    """Descriptors that tell of the ends of its workers, or of those that have had a call."""
    return [os.pidfd_open(process) for process in set(executor.map(functions.get_process, range(20)))]


def wait_for_ends(descriptors):
    """Whether all have ended. Who waits is given up by its test's limit."""
    for descriptor in descriptors:
        select.select([descriptor], [], [])
        os.close(descriptor)
    return len(descriptors) > 0


def test_workers(report):
    """What CPython's tests ask by private names, asked as a program can."""
    executor = ferry.concurrent.Executor(4)
    one_by_one = {executor.submit(functions.get_process).result() for _ in range(6)}
    report.equal("a worker without work takes the next call", len(one_by_one), 1)
    processes = set(executor.map(functions.get_process, range(40)))
    report.fact("there are no more workers than were asked for", len(processes | one_by_one) <= 4, [processes, one_by_one])
    workers = watch(executor)
    executor.shutdown()
    report.fact("the workers end with a shutdown", wait_for_ends(workers))
    executor = ferry.concurrent.Executor(2)
    workers = watch(executor)
    del executor
    gc.collect()
    report.fact("and with an executor that is dropped", wait_for_ends(workers))
    executor = ferry.concurrent.Executor(2)
    workers = watch(executor)
    futures = [executor.submit(functions.double, number) for number in range(20)]
    executor.shutdown(wait=False)
    report.equal("a shutdown that does not wait leaves no call undone", [future.result() for future in futures],
                 [2 * number for number in range(20)])
    report.fact("and its workers end, too", wait_for_ends(workers))


def test_release(report):
    executor = ferry.concurrent.Executor(1)
    inner = weakref.ref(executor._inner)
    future = executor.submit(functions.double, 4)
    del executor
    report.equal("a future has its result without the executor", future.result(), 8)
    gc.collect()
    report.fact("and keeps no workers then", inner() is None)


def test_end(report):
    path = os.pathsep.join([os.path.dirname(os.path.abspath(__file__)), os.environ.get("PYTHONPATH", "")])
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "program.py")
        with open(program, "w", encoding="utf-8") as file:
            file.write(AT_THE_END)
        for arguments in ([], ["at once"]):
            done = subprocess.run([sys.executable, program, *arguments], text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, check=False, timeout=600,
                                  env={**os.environ, "PYTHONPATH": path})
            report.equal("the end of a program waits for futures", (done.stderr, done.stdout), ("", "42\nrefused\n"))


def body(report):
    test_errors(report)
    test_limits(report)
    test_workers(report)
    test_release(report)
    test_end(report)
    test_ctrl_c(report)
    with tempfile.TemporaryDirectory() as folder:
        test_interrupted_program(report, folder)


if __name__ == "__main__":
    tap.main(body)
