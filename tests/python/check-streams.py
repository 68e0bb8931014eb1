#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Streams and maps of the package ferry, what they keep and what ends them: check-streams.py"""

import itertools
import os
import tempfile

import functions
import tap

import ferry


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
    results = executor.map(functions.miss_at_three, range(6), ordered=False)
    report.equal("an IndexError is no end", sum(type(raised(lambda: next(results))) is not StopIteration for _ in range(6)), 6)
    results = executor.map(functions.crash_at_three, range(6), chunksize=1)
    report.equal("a worker's death costs its chunk", [type(raised(lambda: next(results))) for _ in range(6)],
                 [int, int, int, ferry.WorkerLost, int, int])


def body(report):
    with ferry.Executor(workers=2) as executor:
        test_stream(report, executor)
        test_map(report, executor)


if __name__ == "__main__":
    tap.main(body)
