#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Processes as pprocess and remoteobj have them: ferry.parallel, also with processes that outlive their application, and
ferry.process(): check-parallel.py
"""

import asyncio
import functools
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading

import functions
import parallel_functions
import tap

import ferry
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


def test_parallel(report):
    test_channel(report)
    test_map(report)
    test_queue(report)
    test_exchange(report)
    test_fork(report)
    asyncio.run(use_asyncio(report))


def text_of(program, *arguments):
    done = subprocess.run([sys.executable, "-c", program, *arguments], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, timeout=600, cwd=os.path.dirname(os.path.abspath(__file__)))
    return done.stdout + done.stderr


STARTS = """
import sys
import parallel_functions
from ferry import parallel
parallel.BackgroundCallable(sys.argv[1], parallel_functions.send_and_wait)([2, 3], sys.argv[2])
"""

TAKES_ONE = """
import sys
from ferry import parallel
print(next(parallel.BackgroundQueue(sys.argv[1])))
"""


def test_what_has_come(report, folder):
    """It is taken where the program is, as a way to the home and back is slow for each of many messages."""
    address = os.path.join(folder, "here")
    ended = os.pidfd_open(int(parallel.start_persistent(address, parallel_functions.send_three, 1)))
    with parallel.connect_persistent(address, 60) as channel:
        queue = parallel.PersistentQueue([channel])
        queue.ready()
        home, channel._connection.home = channel._connection.home, None
        found = [raised(channel.receive)]
        channel._connection.home = home
        queue.ready()
        channel._connection.home = None
        found.append(raised(lambda: next(queue)))
        channel._connection.home = home
        report.equal("what has come is taken without a way to the home", found + [channel.receive()], [1, 2, 3])
        report.equal("and the end is seen", type(raised(channel.receive)), EOFError)
    select.select([ended], [], [], 600)
    os.close(ended)


def test_visits(report, folder):
    """One program starts it, a second one takes a result, and this one takes the others."""
    address, path = os.path.join(folder, "visits"), os.path.join(folder, "fifo")
    os.mkfifo(path)
    report.equal("a program starts it, and ends", text_of(STARTS, address, path), "")
    ended = os.pidfd_open(int(text_of(TAKES_ONE, address)))
    report.fact("another one takes a result", not select.select([ended], [], [], 0)[0])
    with parallel.connect_persistent(address) as channel:
        report.equal("a third one takes the next", channel.receive(), 2)
        error = text_of(TAKES_ONE, address)
        report.fact("while no other one is let in", "refused to let this process attach" in error, [error])
    queue = parallel.BackgroundQueue(address)
    report.equal("who comes again has what is left", next(queue), 3)
    with open(path, "w", encoding="utf-8") as file:
        file.write("the end")
    report.equal("and waits for more, until the function ends", list(queue), ["the end"])
    select.select([ended], [], [], 600)
    os.close(ended)
    report.equal("then nothing is there", type(raised(lambda: parallel.connect_persistent(address))), ConnectionRefusedError)
    report.equal("no file either", os.listdir(folder), ["fifo"])


def test_process(report, folder):
    address = os.path.join(folder, "process")
    identifier = parallel.start_persistent(address, parallel_functions.tell)
    with parallel.connect_persistent(address) as channel:
        process, parent, session, *streams = channel.receive()
    report.equal("it is a process of its own", str(process), identifier)
    report.fact("which is no child, and of no terminal", parent != os.getpid() and session != os.getsid(0))
    report.equal("and has no stream of the application's", streams, 2 * [os.devnull])
    address = os.path.join(folder, "talk")
    identifier = parallel.start_persistent(address, parallel_functions.answer_for_ever)
    for _ in range(2):
        with parallel.connect_persistent(address) as channel:
            for i in range(100):
                channel.send(i)
            report.equal("it answers who is there", [channel.receive() for _ in range(100)], [2 * i for i in range(100)])
            large = "ab" * (1 << 20)
            channel.send(large)
            report.equal("at any length", channel.receive(), 2 * large)
    report.equal("a channel that was left is at its end", type(raised(channel.receive)), EOFError)
    error = raised(lambda: parallel.start_persistent(address, parallel_functions.tell))
    report.fact("an address has one process", type(error) is ferry.Error and address in str(error), [repr(error)])
    for i in range(20):
        parallel.connect_persistent(address).send(i)
    with parallel.connect_persistent(address) as channel:
        report.equal("what is sent by who leaves at once arrives", [channel.receive() for _ in range(20)], list(range(0, 40, 2)))
        report.equal("a wait has an end", type(raised(lambda: channel.receive(timeout=0.01))), TimeoutError)
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
        report.equal("Ctrl-C ends it", type(raised(lambda: (timer.start(), channel.receive()))), KeyboardInterrupt)
        os.kill(int(identifier), signal.SIGKILL)
        report.equal("so does the death of the process", type(raised(channel.receive)), ferry.WorkerLost)
    report.equal("whose address is free again", parallel.start_persistent(address, parallel_functions.tell) != identifier, True)
    with parallel.connect_persistent(address) as channel:
        report.equal("for a second one", len(list(channel)), 1)


def test_failures(report, folder):
    address = os.path.join(folder, "failures")
    parallel.start_persistent(address, parallel_functions.send_and_fail)
    channel = parallel.connect_persistent(address)
    report.equal("a failure comes behind the messages", (channel.receive(), repr(raised(channel.receive))),
                 ("before", "ValueError('after')"))
    report.equal("again and again", repr(raised(channel.receive)), "ValueError('after')")
    channel.close()
    error = raised(lambda: parallel.BackgroundCallable(address, lambda channel: None))
    report.fact("a lambda is refused", "define it with 'def'" in str(error), [repr(error)])
    error = raised(lambda: parallel.start_persistent(os.path.join(folder, "no", "folder"), parallel_functions.tell))
    report.fact("an address that cannot be says so", type(error) is ferry.Error and "folder" in str(error), [repr(error)])


async def test_exchanges(report, folder):
    """As pprocess's examples have it: a background process with processes of its own. A loop of asyncio waits as others do."""
    addresses = [os.path.join(folder, "task-%d" % i) for i in range(2)]
    queue = parallel.PersistentQueue(limit=3)
    task = parallel.MakeParallel(parallel_functions.add_up_in_a_queue)
    for i, address in enumerate(addresses):
        queue.manage(address, task)(range(i, i + 4))
    report.equal("an exchange starts, and does not stay", queue.active(), [])
    for address in addresses:
        queue.connect(address)
    report.equal("it is connected to many", sorted(queue), [0 + 1 + 4 + 9, 1 + 4 + 9 + 16])
    sums = SumsOfPersistent()
    sums.start(addresses[0], parallel_functions.send_three, 10)
    sums.connect(addresses[0])
    sums.add(parallel.start(parallel_functions.send_three, 100))
    sums.finish()
    report.equal("beside others", sums.sum, 33 + 303)


class SumsOfPersistent(parallel.PersistentExchange):
    sum = 0

    def store_data(self, channel):
        self.sum += channel.receive()


def test_persistent(report):
    with tempfile.TemporaryDirectory() as folder:
        test_what_has_come(report, folder)
        test_visits(report, folder)
        test_process(report, folder)
        test_failures(report, folder)
        asyncio.run(test_exchanges(report, folder))


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
    report.equal("a block that raises ends it", (type(raised(lambda: leave_of_process(process))), type(raised(process.join))),
                 (ZeroDivisionError, ferry.CancelledError))
    report.equal("all run at once", [process.result for process in [ferry.process(functions.double, i).start()
                                                                    for i in range(20)]], [2 * i for i in range(20)])


def leave_of_process(process):
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


async def use_asyncio_of_process(report):
    report.equal("a process is awaited", await ferry.process(functions.double, 4).start(), 8)
    process = ferry.process(functions.count, 1000).start()
    report.equal("with its values or without", (await process, [value async for value in process]),
                 ("the end", list(range(1000))))


def test_one_process(report):
    test_results(report)
    test_values(report)
    asyncio.run(use_asyncio_of_process(report))


def body(report):
    test_parallel(report)
    test_persistent(report)
    test_one_process(report)


if __name__ == "__main__":
    tap.main(body)
