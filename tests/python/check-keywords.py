#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What people type who know concurrent.futures means here what it means there: check-keywords.py"""

import asyncio
import concurrent.futures
import os
import tempfile
import time

import functions
import tap

import ferry
import ferry.concurrent

# Longer than any of this takes. What hangs is a fault.
LONG = 600
WORKERS = 2
# A limit, in seconds, that what takes no time does not come to on a machine that is busy.
SHORT = 3


def raised(function):
    try:
        return function()
    except (Exception, concurrent.futures.CancelledError) as error:
        return error


def test_workers(report):
    with ferry.Executor(max_workers=3) as executor:
        report.equal("max_workers= is workers=", (executor.workers, executor.submit(functions.double, 2).result()), (3, 4))
    report.equal("one of the two is enough", type(raised(lambda: ferry.Executor(2, max_workers=2))), TypeError)


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
            error = raised(lambda executor=executor: executor.submit(functions.double, 1))
            report.fact("what is submitted behind the end is a RuntimeError", isinstance(error, RuntimeError), [repr(error)])
    executor = ferry.Executor(max_workers=1)
    executor.shutdown()
    for name, use in (("a map", lambda: executor.map(functions.double, [1])), ("a stream", lambda: executor.stream(functions.count, 1)),
                      ("an object", lambda: executor.create(dict)), ("a program", lambda: executor.run(["true"])),
                      ("a function's name", lambda: executor.call("add", 1))):
        error = raised(use)
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
            errors = [raised(lambda future=future: future.result(LONG)) for future in futures]
            report.equal("%s() loses what runs, and cancels what waits" % name,
                         [type(error) for error in errors],
                         [ferry.concurrent.WorkerLost] * WORKERS + [concurrent.futures.CancelledError] * 8)
            executor.shutdown()
            report.equal("no worker is left of it", [process for process in processes if os.path.exists("/proc/" + process)], [])
            report.equal("and no other one has begun it", len(wait_for_lines(path, WORKERS)), WORKERS)
            report.equal("it takes no more", type(raised(lambda executor=executor: executor.submit(functions.double, 1))), RuntimeError)


async def collect(items):
    return [item async for item in items]


def test_limits(report):
    with ferry.Executor(workers=WORKERS) as executor:
        for function in (functions.sleep_at_three, functions.spin_at_three):
            error = raised(lambda function=function: executor.submit(ferry.limited(function, 0.1), 3).result(LONG))
            report.fact("a call has a limit of time in seconds, and its error says which",
                        type(error) is TimeoutError and function.__name__ + "()" in str(error) and "0.1 seconds" in str(error), [repr(error)])
        items = executor.map(ferry.limited(functions.sleep_at_three, SHORT), range(6))
        found = []
        while not isinstance(value := raised(lambda: next(items)), StopIteration):
            found.append(value if isinstance(value, int) else type(value))
        report.equal("so has each item of a map, and the others go on", found, [0, 1, 2, TimeoutError, 4, 5])
        report.equal("one that is in time has its result", executor.submit(ferry.limited(functions.double, LONG), 2).result(), 4)
        report.equal("a limit is of one item", type(raised(lambda: executor.map(ferry.limited(abs, 1), [1], chunksize=2))), ValueError)
        for seconds in (0, -1, float("nan")):
            report.equal("%s seconds are no limit" % seconds, type(raised(lambda seconds=seconds: ferry.limited(abs, seconds))), ValueError)

        async def ask():
            return await asyncio.get_running_loop().run_in_executor(executor, ferry.limited(functions.sleep_at_three, 0.1), 3)

        report.equal("asyncio submits it, too", type(raised(lambda: asyncio.run(ask()))), TimeoutError)
        error = raised(lambda: list(executor.map(functions.sleep_at_three, [3], timeout=0.1)))
        report.fact("map(timeout=) is a time for all results", type(error) is TimeoutError and "0.1 seconds" in str(error), [repr(error)])
        error = raised(lambda: asyncio.run(collect(executor.map(functions.sleep_at_three, [3], timeout=0.1))))
        report.equal("so it is for async for", type(error), TimeoutError)
        report.equal("a map that is in time has its results", list(executor.map(functions.double, range(3), timeout=LONG)), [0, 2, 4])
    with ferry.concurrent.Executor(1) as executor:
        for options in ({}, {"chunksize": 5}):
            executor.submit(functions.double, 1).result()
            items = executor.map(ferry.limited(functions.sleep_at_three, SHORT), range(4), **options)
            report.equal("futures have limits, too", [raised(lambda: next(items)) for _ in range(3)] + [type(raised(lambda: next(items)))],
                         [0, 1, 2, TimeoutError])


def test_odd_exceptions(report):
    async def ask(executor, function, *args):
        return await asyncio.get_running_loop().run_in_executor(executor, function, *args)

    for kind in (ferry.Executor, ferry.concurrent.Executor):
        with kind(max_workers=1) as executor:
            error = raised(lambda executor=executor: asyncio.run(ask(executor, functions.stop_at_three, 3)))
            report.fact("StopIteration of a function comes to who awaits it, of a %s" % kind.__module__,
                        type(error) is RuntimeError and "stop_at_three raised StopIteration" in str(error), [repr(error)])
            for cancelled in (concurrent.futures.CancelledError, asyncio.CancelledError):
                future = executor.submit(functions.raise_cancelled, cancelled)
                error = raised(lambda future=future: future.result(LONG))
                report.fact("a function's own %s is no cancel of its call" % cancelled.__name__,
                            type(error) is ferry.RemoteError and not future.cancelled(), [repr(error)])


def body(report):
    test_workers(report)
    test_cancel_futures(report)
    test_ends_of_workers(report)
    test_limits(report)
    test_odd_exceptions(report)


if __name__ == "__main__":
    tap.main(body)
