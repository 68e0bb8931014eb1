#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Functions of ferry.parallel in processes that outlive their application: check-persistent.py"""

import asyncio
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading

import parallel_functions
import tap

import ferry
from ferry import parallel


def raised(function):
    try:
        return function()
    except BaseException as error:
        return error


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
    sums = Sums()
    sums.start(addresses[0], parallel_functions.send_three, 10)
    sums.connect(addresses[0])
    sums.add(parallel.start(parallel_functions.send_three, 100))
    sums.finish()
    report.equal("beside others", sums.sum, 33 + 303)


class Sums(parallel.PersistentExchange):
    sum = 0

    def store_data(self, channel):
        self.sum += channel.receive()


def body(report):
    with tempfile.TemporaryDirectory() as folder:
        test_what_has_come(report, folder)
        test_visits(report, folder)
        test_process(report, folder)
        test_failures(report, folder)
        asyncio.run(test_exchanges(report, folder))


if __name__ == "__main__":
    tap.main(body)
