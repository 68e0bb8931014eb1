#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Streams and maps of the package ferry, what they keep and what ends them: check-streams.py"""

import asyncio
import itertools
import os
import sys
import tempfile
import threading

import functions
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


def body(report):
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


if __name__ == "__main__":
    tap.main(body)
