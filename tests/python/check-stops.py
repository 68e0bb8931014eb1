#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Loops whose values are cancelled or closed under them, and failures of maps as values: check-stops.py"""

import asyncio
import concurrent.futures
import contextlib
import functools
import itertools
import os
import tempfile
import threading
import time

import functions
import objects
import pipe_functions
import tap

import ferry
from ferry._home import Event
from gi.repository import GLib

# Longer than any of this takes. What hangs is a fault.
LONG = 600


def raised(function):
    try:
        return function()
    except Exception as error:
        return error


def on_thread(function):
    """Calls it on another thread, and waits for that. What it raises is raised here."""
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        threads.submit(function).result()


def look_until(holds):
    while not holds():
        time.sleep(0.001)


def loop(values, stop, at=10):
    """How many values come behind stop(), which is called at one of them, and what ends the loop."""
    count = 0
    try:
        for _ in values:
            count += 1
            if count == at:
                stop()
    except Exception as error:
        return count - at, type(error)
    return count - at, None


def loop_by_next(values, stop, at=10):
    return loop(iter(lambda: next(values), object), stop, at)


async def loop_later(values, stop, at=10):
    count = 0
    try:
        async for _ in values:
            count += 1
            if count == at:
                stop()
    except Exception as error:
        return count - at, type(error)
    return count - at, None


def loop_of_asyncio(values, stop, at=10):
    return asyncio.run(loop_later(values, stop, at))


LOOPS = {"a loop": loop, "next()": loop_by_next, "asyncio": loop_of_asyncio}


def arrive(stream):
    """Returns a stream of which more values are here than a loop takes before it is stopped."""
    look_until(lambda: len(stream._values) >= 32)
    return stream


def test_streams(report, executor):
    for name, run in LOOPS.items():
        stops = {"cancel()": lambda stream: stream.cancel(), "close()": lambda stream: stream.close(),
                 "cancel() on a thread": lambda stream: on_thread(stream.cancel), "cancel_all()": lambda _: executor.cancel_all()}
        for how, stop in stops.items():
            stream = arrive(executor.stream(functions.count_up))
            report.equal("nothing of a stream comes behind %s, with %s" % (how, name),
                         run(stream, lambda stream=stream, stop=stop: stop(stream)), (0, ferry.CancelledError))
        stream = executor.stream(functions.count, 60)
        concurrent.futures.wait([stream])
        report.equal("nor where the function had ended, with %s" % name, run(stream, stream.cancel), (0, ferry.CancelledError))
        report.equal("of which the result stays", stream.result(), "the end")
        stream = executor.stream(functions.count, 10)
        concurrent.futures.wait([stream])
        report.equal("a loop that has had all ends in order, with %s" % name, run(stream, stream.cancel), (0, None))
    stream = executor.stream(functions.count_up)
    found = list(itertools.islice(stream, 3)), arrive(stream).cancel(), type(raised(lambda: list(stream)))
    report.equal("a loop that begins behind a cancel raises", found, ([0, 1, 2], True, ferry.CancelledError))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "go")
        stream = ferry.Stream(functions.yield_and_linger, path)
        stream.set_cancel_grace(LONG * GLib.USEC_PER_SEC)
        executor.submit(stream)
        report.equal("no loop waits for a function that takes its time to end", (loop(stream, stream.cancel, 1), stream.done()),
                     ((0, ferry.CancelledError), False))
        open(path, "w").close()
        report.equal("which ends later", type(raised(lambda: stream.result(LONG))), ferry.CancelledError)


def test_lines(report, executor):
    task = executor.run(["seq", "1000"], all_lines=True, text=True)
    concurrent.futures.wait([task])
    report.equal("no line comes behind the cancel of a program that has ended", loop(task.lines(), task.cancel),
                 (0, ferry.CancelledError))
    task = executor.run(["printf", "1\n2\n3"], all_lines=True)
    concurrent.futures.wait([task])
    report.equal("a loop over all of them ends in order", loop(task.lines(), task.cancel, 3), (0, None))
    for name, run in LOOPS.items():
        task = executor.run(["yes"], all_lines=True)
        report.equal("nor of one that runs, with %s" % name, run(task.lines(), task.cancel), (0, ferry.CommandCancelled))


MAPS = {"a map": {}, "a map in any order": {"ordered": False}, "a map in chunks": {"chunksize": 20},
        "a map of few items ahead": {"buffersize": 50}, "a map with a time": {"timeout": LONG}}


def test_maps(report, executor):
    for name, run in LOOPS.items():
        for kind, options in MAPS.items():
            results = executor.map(functions.double, range(100000), **options)
            report.equal("nothing of %s comes behind close(), with %s" % (kind, name), run(results, results.close),
                         (0, ferry.CancelledError))
            if options.get("ordered", True):
                report.equal("whose index is that of the last result", results.index, 9)
            report.equal("it raises once", (list(results), results.close(), list(results)), ([], None, []))
            results = executor.map(functions.double, range(100000), **options)
            report.equal("so it is where another thread closes it", run(results, lambda results=results: on_thread(results.close)),
                         (0, ferry.CancelledError))
            results = executor.map(functions.double, range(10), **options)
            report.equal("a loop over %s that has had all ends in order, with %s" % (kind, name), run(results, results.close),
                         (0, None))
    results = executor.map(functions.double, range(100))
    first = next(results), results.close(), results.close()
    report.equal("one that is closed twice raises in a loop that begins behind it", (first, type(raised(lambda: list(results)))),
                 ((0, None, None), ferry.CancelledError))
    results = executor.map(functions.double, range(3))
    report.equal("one that is at its end has an end for ever", (list(results), results.close(), list(results)), ([0, 2, 4], None, []))
    with contextlib.closing(executor.map(functions.double, range(100))) as results:
        found = next(results)
    report.equal("the end of a `with` block closes it", (found, type(raised(lambda: next(results)))), (0, ferry.CancelledError))
    results = executor.map(functions.sleep_at_three, [3], timeout=0.1)
    report.equal("one whose time is over has an end", [type(raised(lambda: next(results))) for _ in range(2)],
                 [TimeoutError, StopIteration])


def test_waiting_maps(report, executor):
    """Closed while a loop waits for a function that runs."""
    def wait_for(results):
        ends = []
        waiter = threading.Thread(target=lambda: ends.append(type(raised(lambda: list(results)))))
        waiter.start()
        look_until(lambda: any(task.running() for task in list(results._tasks)))
        results.close()
        waiter.join()
        return ends[0]

    for ordered in True, False:
        report.equal("a thread that waits for a map hears that it was closed, ordered=%s" % ordered,
                     wait_for(executor.map(functions.sleep_at_three, [3], ordered=ordered)), ferry.CancelledError)

    async def close_later():
        results = executor.map(functions.sleep_at_three, [0, 3], chunksize=1)
        return await loop_later(results, lambda: asyncio.get_running_loop().call_later(0.01, results.close), 1)

    report.equal("so does a coroutine", asyncio.run(close_later()), (0, ferry.CancelledError))


def test_threads(report, executor):
    """The one that closes is in the way of the one that loops, at any point."""
    ends = set()
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        for turn in range(300):
            results = executor.map(functions.double, range(100000), chunksize=1 + turn % 5, ordered=turn % 2 == 0)
            closed = []
            ends.add(loop(results, lambda results=results: closed.append(threads.submit(results.close)), 1)[1])
            closed[0].result()
    report.equal("any thread closes a map while another one loops over it", ends, {ferry.CancelledError})


def test_senders_of_maps(report, executor):
    sender, receiver = executor.pipe()
    results = executor.map(functools.partial(pipe_functions.send_one, sender), itertools.count())
    next(results)
    on_thread(results.close)
    error = raised(lambda: next(results))
    del sender, results
    report.fact("messages of a map end with it", type(error) is ferry.CancelledError and len(list(receiver)) > 0, [repr(error)])


def test_cancelled_maps(report, executor):
    """What cancels all tasks cancels those of a map, which is stopped by that."""
    results = executor.map(functions.spin_behind_first, itertools.count(), chunksize=1)
    first = next(results)
    executor.cancel_all()
    found = [type(raised(lambda: next(results))) for _ in range(2)]
    report.equal("a map whose tasks were cancelled goes no further", (first, found), (0, [ferry.CancelledError, StopIteration]))


def test_left_loops(report, executor):
    results = executor.map(functions.double, range(1000))
    for _ in results:
        break
    report.equal("a map that the program keeps goes on behind a loop that was left", len(list(results)), 999)


def test_values_of_objects(report, executor):
    with executor.create(objects.Waiter) as waiter:
        for name, run in LOOPS.items():
            if name != "asyncio":
                values = waiter.count(1 << 40).result()
                report.equal("no value of an object comes behind close(), with %s" % name, run(iter(values), values.close),
                             (0, ferry.CancelledError))
        values = waiter.count(3).result()
        report.equal("a loop over all of them ends in order", (list(values), values.close(), list(values)), ([0, 1, 2], None, []))

    async def use():
        async with executor.create(objects.Waiter) as waiter:
            values = await waiter.count(1 << 40)
            return await loop_later(values, values.close)

    report.equal("nor with asyncio", asyncio.run(use()), (0, ferry.CancelledError))


def test_receivers(report, executor):
    sender, receiver = executor.pipe()
    executor.submit(pipe_functions.send_numbers, sender, 100).result()
    report.equal("a receiver that is closed gives nothing more, and ends its loop", loop(receiver, receiver.close), (0, None))
    error = raised(receiver.receive)
    report.equal("and says so", (type(error), str(error)), (EOFError, "The receiver was closed"))


def stop_in_main_loop(values, stop, has_more):
    """How many values a coroutine of the main loop has behind stop(), which is called once more are there, and what it raises."""
    gate = Event()

    async def read():
        async for _ in values:
            found.append("late" if gate.is_set() else "first")
            await gate

    async def note():
        try:
            await read()
        except ferry.CancelledError as error:
            found.append(type(error))

    found = []
    ended = ferry.spawn(note())
    while not found or not has_more():
        GLib.MainContext.default().iteration(True)
    stop()
    gate.set()
    while not ended.is_set():
        GLib.MainContext.default().iteration(True)
    return found


def test_main_loop(report):
    with ferry.Executor(workers=1, context=GLib.MainContext.default()) as executor:
        for name, stop in (("cancel()", ferry.Stream.cancel), ("the button of a row", ferry._library.Ferry.Task.cancel)):
            stream = executor.stream(functions.count_up)
            report.equal("nothing of a stream comes to a window behind %s" % name,
                         stop_in_main_loop(stream, lambda stream=stream, stop=stop: stop(stream), lambda: len(stream._values) >= 32),
                         ["first", ferry.CancelledError])
        for ordered in True, False:
            results = executor.map(functions.double, range(100000), ordered=ordered)
            report.equal("nor of a map behind close(), ordered=%s" % ordered,
                         stop_in_main_loop(results, results.close, lambda: results._ready or results._tasks[0].done()),
                         ["first", ferry.CancelledError])


def kinds(results):
    return [type(value) if isinstance(value, Exception) else value for value in results]


def test_failures(report, executor):
    report.equal("as with gather(), the failures of a map may be its results",
                 kinds(executor.map(functions.fail_at_three, range(6), return_exceptions=True)), [0, -1, -2, functions.OwnError, -4, -5])
    for options in {"chunksize": 1}, {"chunksize": 4}, {"buffersize": 2}:
        results = executor.map(functions.fail_at_three, range(6), return_exceptions=True, **options)
        found = []
        for value in results:
            found.append((results.index, *kinds([value])))
        report.equal("so they are with %s, each at its index" % options, found,
                     list(enumerate([0, -1, -2, functions.OwnError, -4, -5])))
    found = list(executor.map(functions.crash_at_three, range(6), chunksize=2, return_exceptions=True))
    report.equal("each item of a chunk that was lost has one", kinds(found),
                 [0, -1, ferry.WorkerLost, ferry.WorkerLost, -4, -5])
    error = list(executor.map(functions.fail_at_three, [3], return_exceptions=True))[0]
    report.fact("one has the traceback of the worker", "in fail_at_three\n" in error.__notes__[-1], [error.__notes__])
    report.equal("StopIteration is told as where it is raised",
                 kinds(executor.map(functions.stop_at_three, [3], return_exceptions=True)), [RuntimeError])
    results = executor.map(functions.fail_at_three, range(100000), return_exceptions=True)
    report.equal("what ends the map is raised all the same", loop(results, results.close), (0, ferry.CancelledError))

    async def read():
        return kinds([value async for value in executor.map(functions.fail_at_three, range(6), return_exceptions=True)])

    report.equal("so it is for `async for`", asyncio.run(read()), [0, -1, -2, functions.OwnError, -4, -5])


def body(report):
    with ferry.Executor(workers=2) as executor:
        test_streams(report, executor)
        test_lines(report, executor)
        test_maps(report, executor)
        test_waiting_maps(report, executor)
        test_threads(report, executor)
        test_senders_of_maps(report, executor)
        test_cancelled_maps(report, executor)
        test_left_loops(report, executor)
        test_values_of_objects(report, executor)
        test_receivers(report, executor)
        test_failures(report, executor)
    test_main_loop(report)


if __name__ == "__main__":
    tap.main(body)
