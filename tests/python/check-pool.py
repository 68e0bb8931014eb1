#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ferry.pool.Pool is a pool of multiprocessing: check-pool.py

CPython's own tests of multiprocessing.Pool are run with it by check-suites.py.
"""

import asyncio
import itertools
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from multiprocessing.pool import MaybeEncodingError

import functions
import tap

import ferry
import ferry.pool

AT_THE_END = """
from ferry.pool import Pool

class Keeper:
    def __init__(self):
        self.pool = Pool(processes=1)

if __name__ == "__main__":
    keeper = Keeper()
    print(keeper.pool.map(float, range(3)))
"""


def raised(function):
    try:
        return function()
    except BaseException as error:
        return error


def test_calls(report):
    with ferry.pool.Pool(2) as pool:
        report.equal("a call has a result", pool.apply(functions.double, (21,)), 42)
        result = pool.apply_async(functions.fail)
        error = raised(result.get)
        report.fact("an exception has its own class, and the traceback", type(error) is functions.OwnError
                    and "in fail\n" in error.__cause__.tb, [repr(error)])
        report.equal("a result says whether it is one", (result.ready(), result.successful()), (True, False))
        error = raised(lambda: pool.apply(functions.give_a_lock))
        report.fact("a result that cannot be sent is multiprocessing's error", type(error) is MaybeEncodingError
                    and "unlocked _th" in error.value and "pickle '_thread.lock'" in error.exc
                    and "give_a_lock gave" in error.__cause__.__notes__[0], [repr(error)])
        for name, call in (("map", lambda: pool.map(functions.give_a_lock_at_three, range(6))),
                           ("imap", lambda: list(pool.imap(functions.give_a_lock_at_three, range(6))))):
            error = raised(call)
            report.fact("out of %s(), too" % name, type(error) is MaybeEncodingError and "unlocked _th" in error.value, [repr(error)])
        report.equal("a lost worker is one call's error", type(raised(lambda: pool.apply(functions.leave))), ferry.WorkerLost)
        report.equal("after which the pool goes on", pool.map(functions.double, range(100)), [2 * i for i in range(100)])
        error = raised(lambda: pool.map(functions.fail_at_three, range(6), chunksize=2))
        report.equal("a map has the first failure", (type(error), error.number), (functions.OwnError, 3))
        report.fact("with its traceback", "in fail_at_three\n" in error.__cause__.tb, [repr(error.__cause__)])
        results = pool.imap(functions.fail_at_three, range(5))
        report.equal("an iterator goes on behind it", [type(raised(lambda: next(results))) for _ in range(6)],
                     [int, int, int, functions.OwnError, int, StopIteration])
        endless = pool.imap(functions.double, itertools.count())
        report.equal("items may have no end", list(itertools.islice(endless, 100)), [2 * i for i in range(100)])
        result = pool.apply_async(functions.sleep)
        report.equal("a wait has an end", isinstance(raised(lambda: result.get(0.01)), TimeoutError), True)
        report.equal("so has one for an iterator", isinstance(raised(lambda: pool.imap(time.sleep, [1000]).next(0.01)),
                                                              multiprocessing.TimeoutError), True)
        report.equal("a call that is not over has not succeeded", type(raised(result.successful)), ValueError)
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
        report.equal("Ctrl-C ends a wait", type(raised(lambda: (timer.start(), result.get()))), KeyboardInterrupt)
        report.equal("a pool that runs is not joined", type(raised(pool.join)), ValueError)
    report.equal("the end of the block ends what runs", type(raised(result.get)), ferry.CancelledError)
    pool.join()
    report.equal("then nothing is taken", type(raised(lambda: pool.apply(functions.double, (1,)))), ValueError)


def test_settings(report):
    for settings in ({"processes": 0}, {"maxtasksperchild": 0}):
        report.equal("%s is refused" % settings, type(raised(lambda: ferry.pool.Pool(**settings))), ValueError)
    report.equal("an initializer is a function", type(raised(lambda: ferry.pool.Pool(1, initializer=1))), TypeError)
    pool = ferry.pool.Pool(1, functions.set_word, ("ready",))
    report.equal("which is called first", pool.apply(functions.get_word), "ready")
    results = pool.imap_unordered(functions.double, range(100))
    pool.close()
    pool.join()
    report.equal("results are there behind the end", sorted(results), [2 * i for i in range(100)])
    with ferry.pool.Pool(1, maxtasksperchild=2) as pool:
        processes = [pool.apply(functions.draw)[1] for _ in range(6)]
    report.equal("a worker makes so many calls", len(set(processes)), 3)


async def use_asyncio(report):
    with ferry.pool.Pool(1) as pool:
        report.equal("a result is awaited", await pool.map_async(abs, [-1, 2]), [1, 2])


def test_end(report):
    done = subprocess.run([sys.executable, "-c", AT_THE_END], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False, timeout=600)
    report.equal("a program ends while it has a pool", done.stderr + done.stdout, "[0.0, 1.0, 2.0]\n")


def body(report):
    test_calls(report)
    test_settings(report)
    asyncio.run(use_asyncio(report))
    test_end(report)


if __name__ == "__main__":
    tap.main(body)
