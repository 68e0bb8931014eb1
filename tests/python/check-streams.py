#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Streams and maps of the package ferry, what they keep, and what ends them: check-streams.py"""

import asyncio
import concurrent.futures
import contextlib
import functools
import itertools
import os
import sys
import tempfile
import threading
import time

import functions
import objects
import pipe_functions
import tap
from gi.repository import GLib

import ferry
from ferry._home import Event

# Longer than any of this takes. What hangs is a fault.
LONG = 600


def raised(function):
    try:
        return function()
    except Exception as error:
        return error


def test_stream(report, executor):
    stream = executor.stream(functions.count, 1000)
    report.equal("values come in order", list(stream), list(range(1000)))
    report.equal("the function has a result", stream.result(), "the end")
    report.equal("a stream that is at its end stays there", list(stream), [])
    stream = executor.stream(functions.count_and_fail, 5)
    report.equal("values before a failure come", list(itertools.islice(stream, 5)), [0, 1, 2, 3, 4])
    report.equal("then what was raised", type(raised(lambda: next(stream))), functions.OwnError)
    report.equal("an IndexError is a failure as any other",
                 type(raised(lambda: list(executor.stream(functions.count_and_miss, 2)))), IndexError)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "count")
        stream = executor.stream(functions.count_for_ever, path)
        taken = [next(stream) for _ in range(100)]
        far = int(open(path, encoding="ascii").read())
        report.fact("a function is not far ahead of its reader", taken[-1] == 99 and far <= 99 + 65, [far])
        stream.close()
        report.equal("a stream is closed", type(raised(lambda: list(stream))), ferry.CancelledError)
    report.equal("after which the worker is well", executor.submit(functions.double, 1).result(), 2)


def leave_map(results):
    for result in results:
        return result


def leave_map_by_exception(results):
    try:
        for _ in results:
            raise ValueError
    except ValueError:
        return 0


async def leave_map_of_asyncio(results):
    async for result in results:
        return result


def test_left_streams(report, executor):
    for stop in (3, 300):
        for number in executor.stream(functions.count_up):
            if number == stop:
                break
        report.equal("a loop that is left at %d ends its function" % stop, executor.submit(functions.double, 1).result(60), 2)

    async def leave():
        async for _ in executor.stream(functions.count_up):
            break
        return await executor.submit(functions.double, 1)

    report.equal("under asyncio too", asyncio.run(asyncio.wait_for(leave(), 60)), 2)
    for how in (leave_map, leave_map_by_exception, lambda items: asyncio.run(leave_map_of_asyncio(items))):
        report.equal("a loop over a map that is left ends what runs, by %s" % how.__name__.strip("<>"),
                     (raised(lambda: how(executor.map(functions.spin_behind_first, range(2), chunksize=1))),
                      executor.submit(functions.double, 1).result(LONG)), (0, 2))
    stream = executor.stream(functions.count_up)
    found = [list(itertools.islice(stream, 3)) for _ in range(2)]
    report.equal("a stream that the program keeps goes on", found, [[0, 1, 2], [3, 4, 5]])
    stream.close()


def test_ends(report):
    with ferry.Executor(workers=1) as executor:
        stream = executor.stream(functions.count, 60)
        results = executor.map(functions.double, range(1000))
    report.equal("the end of an executor waits for streams, which are read behind it", list(stream), list(range(60)))
    error = raised(lambda: list(results))
    report.equal("a map that was not read in time says so", (type(error), len(error.__notes__)), (ferry.errors.ExecutorEnded, 1))


def read_all(stream):
    """The values, and what is raised behind them."""
    values = []
    try:
        values += stream
    except Exception as error:
        return values, type(error), str(error)
    return values, None, ""


def test_unread(report):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "count")
        with ferry.Executor(workers=2) as executor:
            stream = executor.stream(functions.count_for_ever, path)
            begun = executor.stream(functions.count_up)
            first = list(itertools.islice(begun, 100))
            waited = executor.stream(functions.count_up)
            late = raised(lambda: waited.result(0.2))
        far = int(open(path, encoding="ascii").read())
        values, kind, message = read_all(stream)
        report.equal("a stream that nobody reads holds up no end", (values, kind), (list(range(64)), ferry.Error))
        report.fact("it says what to do", "read the stream before that, or wait for its result()" in message, [message])
        report.fact("its function was not far ahead", far <= 65, [far])
        report.equal("nor does one that was read in part", first + read_all(begun)[0], list(range(160)))
        values, kind, _ = read_all(waited)
        report.equal("nor one whose result was waited for in vain", (type(late), values, kind),
                     (TimeoutError, list(range(len(values))), ferry.Error))
        with ferry.Executor(workers=1) as executor:
            stream = executor.stream(functions.count, 1000)
            end = stream.result()
        report.equal("a wait for the result keeps all values", (end, list(stream)), ("the end", list(range(1000))))

        async def leave():
            async with ferry.Executor(workers=1) as executor:
                return executor.stream(functions.count_up)

        stream = asyncio.run(asyncio.wait_for(leave(), 60))
        report.equal("so it is under asyncio", read_all(stream)[:2], (list(range(64)), ferry.Error))


def test_wrong_numbers(report, executor):
    for name, call in (("workers", lambda: ferry.Executor(workers=0)),
                       ("items in a chunk", lambda: executor.map(functions.double, [1], chunksize=0))):
        report.equal("no %s are no number of them" % name, type(raised(call)), ValueError)
    error = raised(lambda: executor.submit(functions.double, lambda: 1))
    report.fact("a lambda among arguments is refused, with what to do", "top level of a module" in error.__notes__[-1])
    task = executor.submit(functions.double, 1)
    report.equal("a task is submitted once", str(raised(lambda: executor.submit(task))),
                 "Task 'double' was submitted before; make a new task")


def test_events(report):
    """What a map waits for: an event that happens with others, again and again."""
    first, second, both = Event(), Event(), Event()
    calls = []
    first.tell(both)
    second.tell(both)
    both.add_callback(lambda: calls.append("first"))
    first.set()
    report.equal("an event tells another one", (both.is_set(), calls), (True, ["first"]))
    both.clear()
    both.add_callback(lambda: calls.append("second"))
    waiter = threading.Thread(target=lambda: calls.append(both.block(-1)))
    waiter.start()
    second.set()
    waiter.join()
    report.equal("which happens anew when it was cleared", sorted(map(str, calls)), ["True", "first", "second"])
    both.clear()
    first.tell(both)
    report.equal("and at once where the first one has happened", both.is_set(), True)
    report.equal("nothing else is told", type(raised(lambda: first.tell(calls))), TypeError)
    chain = [Event() for _ in range(1000)]
    for one, next_one in itertools.pairwise(chain):
        one.tell(next_one)
    chain[0].set()
    report.equal("what is told tells on", all(one.is_set() for one in chain), True)
    del chain


def test_loops(report, executor):
    """What a loop takes in C is what next() takes."""
    results = executor.map(functions.double, range(5000))
    report.equal("an index is right in a loop, too", [results.index for _ in results], list(range(5000)))
    results = executor.map(functions.double, range(100))
    loop = iter(results)
    report.equal("a loop and next() take turns", [next(results), next(loop), next(results), *loop], [2 * i for i in range(100)])
    report.equal("and both are at the end then", [type(raised(lambda: next(one))) for one in (loop, results)], 2 * [StopIteration])
    for chunksize in None, 1, 6:
        loop = iter(executor.map(functions.fail_at_three, range(6), chunksize=chunksize))
        report.equal("a loop goes on behind a failure, in chunks of %s" % chunksize, [type(raised(lambda: next(loop))) for _ in range(7)],
                     [int, int, int, functions.OwnError, int, int, StopIteration])
    loop = iter(executor.map(functions.crash_at_three, range(6), chunksize=1))
    report.equal("and behind a worker's death", [type(raised(lambda: next(loop))) for _ in range(6)],
                 [int, int, int, ferry.WorkerLost, int, int])
    counts = {sys.getrefcount(value) for value in executor.map(list, [(i,) for i in range(100)])}
    report.equal("a map keeps no value that it has given", counts, {2})
    with ferry.Executor(workers=2, context=GLib.MainContext.default()) as own:
        for ordered in True, False:
            found = list(own.map(functions.double, range(300), ordered=ordered, chunksize=1))
            report.equal("a map is waited for where the main loop brings it, ordered=%s" % ordered, sorted(found), [2 * i for i in range(300)])


def test_map(report, executor):
    report.equal("results come in the order of the items", list(executor.map(functions.double, range(10000))),
                 [2 * i for i in range(10000)])
    report.equal("or as they are there", set(executor.map(functions.double, range(1000), ordered=False)),
                 {2 * i for i in range(1000)})
    report.equal("a function may take several items", list(executor.map(pow, [2, 3, 4], [3, 2, 1])), [8, 9, 4])
    report.equal("no items give no results", list(executor.map(abs, [])), [])
    endless = executor.map(functions.double, itertools.count())
    report.equal("items may have no end", list(itertools.islice(endless, 3000)), [2 * i for i in range(3000)])
    endless.close()
    results = executor.map(functions.fail_at_three, range(6))
    found = [raised(lambda: next(results)) for _ in range(7)]
    report.equal("a failure stands where its result would", [type(value) for value in found],
                 [int, int, int, functions.OwnError, int, int, StopIteration])
    report.fact("with the traceback of the worker", "in fail_at_three\n" in found[3].__notes__[-1])
    results = executor.map(functions.double, range(1000), ordered=False)
    report.equal("an index says which item a result is of", sorted((results.index, value) for value in results),
                 [(i, 2 * i) for i in range(1000)])
    for chunksize in None, 1, 3:
        results = executor.map(functions.fail_at_three, range(6), ordered=False, chunksize=chunksize)
        ends = {}
        for _ in range(6):
            end = raised(lambda: next(results))
            ends[results.index] = type(end)
        report.equal("and which one failed, in chunks of %s" % chunksize, ends,
                     {i: functions.OwnError if i == 3 else int for i in range(6)})
    results = executor.map(functions.miss_at_three, range(6), ordered=False)
    report.equal("an IndexError is no end", sum(type(raised(lambda: next(results))) is not StopIteration for _ in range(6)), 6)
    results = executor.map(functions.give_a_lock_at_three, range(6), chunksize=6)
    found = [raised(lambda: next(results)) for _ in range(6)]
    report.equal("of a chunk, the item fails whose result cannot be sent", [type(value) for value in found],
                 [int, int, int, TypeError, int, int])
    report.fact("which is told of the function", "give_a_lock_at_three gave a value of type lock" in found[3].__notes__[0],
                found[3].__notes__)
    test_loops(report, executor)
    results = executor.map(functions.crash_at_three, range(6), chunksize=1)
    report.equal("a worker's death costs its chunk", [type(raised(lambda: next(results))) for _ in range(6)],
                 [int, int, int, ferry.WorkerLost, int, int])
    results = executor.map(functions.crash_at_three, range(6), chunksize=2)
    report.equal("of which the first item is told", [(results.index, type(end)) for end in
                 (raised(lambda: next(results)) for _ in range(5))],
                 [(0, int), (1, int), (2, ferry.WorkerLost), (4, int), (5, int)])


async def go_on(executor):
    results = executor.map(functions.fail_at_three, range(6))
    found = []
    while True:
        try:
            async for value in results:
                found.append(value)
            return found
        except functions.OwnError:
            found.append("failed")


def test_streams_and_maps(report):
    with ferry.Executor(workers=2) as executor:
        test_events(report)
        test_stream(report, executor)
        test_map(report, executor)
        report.equal("a loop of asyncio goes on behind an item that failed", asyncio.run(go_on(executor)),
                     [0, -1, -2, "failed", -4, -5])
    with ferry.Executor(workers=1) as executor:
        test_left_streams(report, executor)
        test_wrong_numbers(report, executor)
    test_ends(report)
    test_unread(report)


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


def test_stops(report):
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


def body(report):
    test_streams_and_maps(report)
    test_stops(report)


if __name__ == "__main__":
    tap.main(body)
