#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ferry.parallel has the calls of pprocess: check-parallel.py"""

import asyncio
import os
import signal
import subprocess
import sys
import threading

import parallel_functions
import tap

from ferry import CancelledError, WorkerLost, parallel


def raised(function):
    try:
        return function()
    except BaseException as error:
        return error


def test_channel(report):
    with parallel.start(parallel_functions.answer) as channel:
        for number in range(100):
            channel.send(number)
        report.equal("both ends send", [channel.receive() for _ in range(100)], [2 * i for i in range(100)])
        channel.send("ab" * (1 << 20))
        report.equal("as much as they like", len(channel.receive()), 4 << 20)
    channel.wait()
    report.fact("a function hears of the end", channel.task.done())
    channel = parallel.start(parallel_functions.send_three, 4)
    report.equal("messages are iterated", list(channel), [4, 5, 6])
    report.equal("behind them is the end", type(raised(channel.receive)), EOFError)
    channel = parallel.start(parallel_functions.send_and_fail)
    report.equal("or what the function raised", (channel.receive(), repr(raised(channel.receive))),
                 ("before", "ValueError('after')"))
    channel = parallel.start(parallel_functions.wait_for_word)
    process, _ = channel.receive()
    report.equal("a wait for a message has an end", type(raised(lambda: channel.receive(timeout=0.01))), TimeoutError)
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    report.equal("Ctrl-C ends it", type(raised(lambda: (timer.start(), channel.receive()))), KeyboardInterrupt)
    os.kill(process, signal.SIGKILL)
    report.equal("so does the death of the worker", type(raised(channel.receive)), WorkerLost)
    channel = parallel.start(parallel_functions.wait_for_word)
    channel.receive()
    channel.cancel()
    report.equal("and a cancel", type(raised(channel.receive)), CancelledError)


def test_map(report):
    results = parallel.Map(limit=3)
    calculate = results.manage(parallel.MakeParallel(parallel_functions.square))
    most = 0
    for number in range(20):
        calculate(number)
        most = max(most, len(results.active()))
    report.equal("no more run than are allowed", most, 3)
    report.equal("a map has results in order", (results[0], results[-1], results[2:4]), (0, 361, [4, 9]))
    report.equal("all of them", list(results), [i * i for i in range(20)])
    report.fact("which compare as a list", results == [i * i for i in range(20)])
    report.equal("and no more", type(raised(lambda: results[20])), IndexError)
    for function, kind in ((parallel_functions.fail_at_two, ValueError), (parallel_functions.die_at_two, WorkerLost)):
        with parallel.Map(limit=2) as results:
            calculate = results.manage(parallel.MakeReusable(function))
            for number in range(4):
                calculate(number)
        report.equal("%s stands where its value would" % kind.__name__, [type(raised(lambda i=i: results[i])) for i in range(4)],
                     [int, int, kind, int])
    with parallel.Map() as results:
        results.manage(parallel.MakeParallel(parallel_functions.give_an_exception))(1)
        results.start(parallel_functions.say_nothing)
    report.equal("an exception may be a value", repr(results[0]), "ValueError('a value')")
    report.equal("a function may send none", type(raised(lambda: results[1])), EOFError)
    report.equal("pmap is one call", parallel.pmap(parallel_functions.square, range(100), limit=2),
                 [i * i for i in range(100)])
    report.equal("there are cores", parallel.get_number_of_cores() >= 1, True)


def test_queue(report):
    queue = parallel.Queue(limit=2)
    for number in range(4):
        queue.manage(parallel.MakeParallel(parallel_functions.fail_at_two))(number)
    found = [raised(lambda: next(queue)) for _ in range(5)]
    report.equal("a queue has results as they come, and failures", sorted(repr(value) for value in found),
                 ["0", "1", "3", "StopIteration()", "ValueError('two')"])
    queue = parallel.Queue()
    for first in (0, 10):
        queue.start(parallel_functions.send_three, first)
    report.equal("a function may send several", sorted(queue), [0, 1, 2, 10, 11, 12])


class Sums(parallel.Exchange):
    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.sum = 0

    def store_data(self, channel):
        self.sum += channel.receive()


def test_exchange(report):
    sums = Sums([parallel.start(parallel_functions.send_three, 0)], limit=2)
    sums.add(parallel.start(parallel_functions.send_three, 1))
    sums.add_wait(parallel.start(parallel_functions.send_three, 10))
    sums.finish()
    report.equal("an exchange has store_data()", sums.sum, 3 + 6 + 33)
    report.equal("and nothing is left", (sums.active(), sums.ready()), ([], []))
    sums.start(parallel_functions.wait_for_word)
    report.equal("a message is ready", sums.ready(600), sums.active())
    sums.active()[0].receive()
    report.equal("then there is none", sums.ready(0.01), [])
    sums.active()[0].close()
    report.equal("a failure is told at the end", type(raised(sums.finish)), EOFError)
    report.equal("once", raised(sums.finish), None)
    sums = Sums()
    report.equal("a block that raises cancels", type(raised(lambda: leave(sums))), ZeroDivisionError)
    report.equal("what runs", sums.active(), [])
    error = raised(lambda: sums.start(lambda channel: None))
    report.fact("a lambda is refused", "define it with 'def'" in str(error), [repr(error)])


def leave(exchange):
    with exchange:
        exchange.start(parallel_functions.answer)
        raise ZeroDivisionError


FORK = """
from ferry import parallel
word = ["a copy"]
channel = parallel.create()
if channel.identifier is None:
    try:
        channel.wait()
    except RuntimeError as error:
        word.append("parent" in str(error))
    channel.send(word + [channel.receive()])
    parallel.exit(channel, 3)
channel.send(42)
print(channel.receive(), int(channel.identifier) > 1, channel.wait())
"""


def test_fork(report):
    done = subprocess.run([sys.executable, "-c", FORK], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False, timeout=600)
    report.equal("a process is forked", done.stderr + done.stdout, "['a copy', True, 42] True 3\n")


async def use_asyncio(report):
    report.equal("all of that waits on a loop of asyncio, too", parallel.pmap(abs, [-1, 2]), [1, 2])


def body(report):
    test_channel(report)
    test_map(report)
    test_queue(report)
    test_exchange(report)
    test_fork(report)
    asyncio.run(use_asyncio(report))


if __name__ == "__main__":
    tap.main(body)
