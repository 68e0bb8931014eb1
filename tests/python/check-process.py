#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A function in a process, as remoteobj has it: check-process.py"""

import asyncio
import functools
import os

import functions
import tap

import ferry


def raised(function):
    try:
        return function()
    except BaseException as error:
        return error


def test_results(report):
    with ferry.process(functions.double, 21) as process:
        report.equal("a process has the name of its function", process.name, "double")
    report.equal("and a result", (process.result, process.exception, process.is_alive()), (42, None, False))
    process = ferry.process(functions.draw)
    report.equal("one that was not started says so", type(raised(lambda: process.result)), ferry.Error)
    report.equal("start() returns it", process.start(), process)
    report.fact("it is another process", process.result[1] != os.getpid())
    report.equal("it is started once", type(raised(process.start)), ferry.Error)
    process = ferry.process(functions.fail).start()
    report.equal("a join raises", type(raised(process.join)), functions.OwnError)
    report.equal("or does not", (process.join(raises=False), type(process.exception)), (None, functions.OwnError))
    report.equal("so does the end of a block", type(raised(lambda: process.__exit__(None, None, None))), functions.OwnError)
    process = ferry.process(functions.sleep).start()
    report.fact("a function runs", process.is_alive())
    report.equal("a wait has an end", type(raised(lambda: process.join(0.01))), TimeoutError)
    process.terminate()
    report.equal("it is ended", type(raised(process.join)), ferry.CancelledError)
    process = ferry.process(functions.sleep)
    report.equal("a block that raises ends it", (type(raised(lambda: leave(process))), type(raised(process.join))),
                 (ZeroDivisionError, ferry.CancelledError))
    report.equal("all run at once", [process.result for process in [ferry.process(functions.double, i).start()
                                                                    for i in range(20)]], [2 * i for i in range(20)])


def leave(process):
    with process:
        raise ZeroDivisionError


def test_values(report):
    with ferry.process(functions.count, 200) as process:
        report.equal("what is yielded is iterated", list(process), list(range(200)))
    report.equal("behind it is the result", process.result, "the end")
    process = ferry.process(functools.partial(functions.count, 1000)).start()
    process.join()
    report.equal("values wait for who joins first", (process.result, list(process)), ("the end", list(range(1000))))
    process = ferry.process(functions.count_and_fail, 2).start()
    report.equal("a failure stands behind the values", [raised(lambda: next(process)) for _ in range(2)]
                 + [type(raised(lambda: next(process)))], [0, 1, functions.OwnError])
    report.equal("a function that yields nothing has no values", list(ferry.process(functions.double, 1).start()), [])


async def use_asyncio(report):
    report.equal("a process is awaited", await ferry.process(functions.double, 4).start(), 8)
    process = ferry.process(functions.count, 1000).start()
    report.equal("with its values or without", (await process, [value async for value in process]),
                 ("the end", list(range(1000))))


def body(report):
    test_results(report)
    test_values(report)
    asyncio.run(use_asyncio(report))


if __name__ == "__main__":
    tap.main(body)
