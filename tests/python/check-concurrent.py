#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ferry.concurrent.Executor is an executor of concurrent.futures, and what people type who know those means the same of a
ferry.Executor: check-concurrent.py

CPython's own tests of ProcessPoolExecutor are run with it by check-suites.py.
"""

import asyncio
import concurrent.futures
import gc
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
import weakref

import functions
import tap

import ferry
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


def test_concurrent_executor(report):
    test_errors(report)
    test_limits(report)
    test_workers(report)
    test_release(report)
    test_end(report)
    test_ctrl_c(report)
    with tempfile.TemporaryDirectory() as folder:
        test_interrupted_program(report, folder)


# Longer than any of this takes. What hangs is a fault.
LONG = 600
WORKERS = 2
# A limit, in seconds, that what takes no time does not come to on a machine that is busy.
SHORT = 3


def raised_in(function):
    try:
        return function()
    except (Exception, concurrent.futures.CancelledError) as error:
        return error


def test_workers_by_two_names(report):
    with ferry.Executor(max_workers=3) as executor:
        report.equal("max_workers= is workers=", (executor.workers, executor.submit(functions.double, 2).result()), (3, 4))
    report.equal("one of the two is enough", type(raised_in(lambda: ferry.Executor(2, max_workers=2))), TypeError)


def test_cancel_futures(report):
    for kind in (ferry.Executor, ferry.concurrent.Executor):
        for name, before in (("that has just begun", 0), ("that is at work", 4)):
            executor = kind(max_workers=WORKERS)
            list(executor.map(functions.nap, range(before)))
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "begun")
                busy = [executor.submit(functions.spin_until, path) for _ in range(WORKERS)]
                waiting = [executor.submit(functions.double, i) for i in range(50)]
                executor.shutdown(wait=False, cancel_futures=True)
                report.equal("shutdown(cancel_futures=True) of a %s %s cancels all that no worker is there for"
                             % (kind.__module__, name), {future.cancelled() for future in waiting}, {True})
                with open(path, "w", encoding="utf-8"):
                    pass
                report.equal("and what one is there for is done", [future.result(LONG) for future in busy], ["seen"] * WORKERS)
            error = raised_in(lambda executor=executor: executor.submit(functions.double, 1))
            report.fact("what is submitted behind the end is a RuntimeError", isinstance(error, RuntimeError), [repr(error)])
    executor = ferry.Executor(max_workers=1)
    executor.shutdown()
    for name, use in (("a map", lambda: executor.map(functions.double, [1])), ("a stream", lambda: executor.stream(functions.count, 1)),
                      ("an object", lambda: executor.create(dict)), ("a program", lambda: executor.run(["true"])),
                      ("a function's name", lambda: executor.call("add", 1))):
        error = raised_in(use)
        report.fact("so is %s" % name, isinstance(error, RuntimeError) and isinstance(error, ferry.Error)
                    and "make another one" in str(error), [repr(error)])


def wait_for_lines(path, count):
    until = time.monotonic() + LONG
    while time.monotonic() < until:
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                if len(lines := file.read().split()) == count:
                    return lines
        time.sleep(0.01)
    raise TimeoutError(path)


def test_ends_of_workers(report):
    for name in ("kill_workers", "terminate_workers"):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "begun")
            executor = ferry.concurrent.Executor(WORKERS)
            futures = [executor.submit(functions.pass_time, path) for _ in range(10)]
            processes = wait_for_lines(path, WORKERS)
            getattr(executor, name)()
            errors = [raised_in(lambda future=future: future.result(LONG)) for future in futures]
            report.equal("%s() loses what runs, and cancels what waits" % name,
                         [type(error) for error in errors],
                         [ferry.concurrent.WorkerLost] * WORKERS + [concurrent.futures.CancelledError] * 8)
            executor.shutdown()
            report.equal("no worker is left of it", [process for process in processes if os.path.exists("/proc/" + process)], [])
            report.equal("and no other one has begun it", len(wait_for_lines(path, WORKERS)), WORKERS)
            report.equal("it takes no more", type(raised_in(lambda executor=executor: executor.submit(functions.double, 1))), RuntimeError)


async def collect(items):
    return [item async for item in items]


def test_limits_of_time(report):
    with ferry.Executor(workers=WORKERS) as executor:
        for function in (functions.sleep_at_three, functions.spin_at_three):
            error = raised_in(lambda function=function: executor.submit(ferry.limited(function, 0.1), 3).result(LONG))
            report.fact("a call has a limit of time in seconds, and its error says which",
                        type(error) is TimeoutError and function.__name__ + "()" in str(error) and "0.1 seconds" in str(error), [repr(error)])
        items = executor.map(ferry.limited(functions.sleep_at_three, SHORT), range(6))
        found = []
        while not isinstance(value := raised_in(lambda: next(items)), StopIteration):
            found.append(value if isinstance(value, int) else type(value))
        report.equal("so has each item of a map, and the others go on", found, [0, 1, 2, TimeoutError, 4, 5])
        report.equal("one that is in time has its result", executor.submit(ferry.limited(functions.double, LONG), 2).result(), 4)
        report.equal("a limit is of one item", type(raised_in(lambda: executor.map(ferry.limited(abs, 1), [1], chunksize=2))), ValueError)
        for seconds in (0, -1, float("nan")):
            report.equal("%s seconds are no limit" % seconds, type(raised_in(lambda seconds=seconds: ferry.limited(abs, seconds))), ValueError)

        async def ask():
            return await asyncio.get_running_loop().run_in_executor(executor, ferry.limited(functions.sleep_at_three, 0.1), 3)

        report.equal("asyncio submits it, too", type(raised_in(lambda: asyncio.run(ask()))), TimeoutError)
        error = raised_in(lambda: list(executor.map(functions.sleep_at_three, [3], timeout=0.1)))
        report.fact("map(timeout=) is a time for all results", type(error) is TimeoutError and "0.1 seconds" in str(error), [repr(error)])
        error = raised_in(lambda: asyncio.run(collect(executor.map(functions.sleep_at_three, [3], timeout=0.1))))
        report.equal("so it is for async for", type(error), TimeoutError)
        report.equal("a map that is in time has its results", list(executor.map(functions.double, range(3), timeout=LONG)), [0, 2, 4])
    with ferry.concurrent.Executor(1) as executor:
        for options in ({}, {"chunksize": 5}):
            executor.submit(functions.double, 1).result()
            items = executor.map(ferry.limited(functions.sleep_at_three, SHORT), range(4), **options)
            report.equal("futures have limits, too", [raised_in(lambda: next(items)) for _ in range(3)] + [type(raised_in(lambda: next(items)))],
                         [0, 1, 2, TimeoutError])


def test_odd_exceptions(report):
    async def ask(executor, function, *args):
        return await asyncio.get_running_loop().run_in_executor(executor, function, *args)

    for kind in (ferry.Executor, ferry.concurrent.Executor):
        with kind(max_workers=1) as executor:
            error = raised_in(lambda executor=executor: asyncio.run(ask(executor, functions.stop_at_three, 3)))
            report.fact("StopIteration of a function comes to who awaits it, of a %s" % kind.__module__,
                        type(error) is RuntimeError and "stop_at_three raised StopIteration" in str(error), [repr(error)])
            for cancelled in (concurrent.futures.CancelledError, asyncio.CancelledError):
                future = executor.submit(functions.raise_cancelled, cancelled)
                error = raised_in(lambda future=future: future.result(LONG))
                report.fact("a function's own %s is no cancel of its call" % cancelled.__name__,
                            type(error) is ferry.RemoteError and not future.cancelled(), [repr(error)])


def test_keywords(report):
    test_workers_by_two_names(report)
    test_cancel_futures(report)
    test_ends_of_workers(report)
    test_limits_of_time(report)
    test_odd_exceptions(report)


def body(report):
    test_concurrent_executor(report)
    test_keywords(report)


if __name__ == "__main__":
    tap.main(body)
