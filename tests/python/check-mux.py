#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Questions and answers over a pair of sockets: check-mux.py"""

import asyncio
import os
import signal
import socket
import threading

import mux_functions
import tap
from gi.repository import GLib

import ferry


def raised(function):
    try:
        return function()
    except BaseException as error:
        return error


def test_one_process(report):
    one, other = ferry.ChannelPair()
    demux = mux_functions.Answers(other)
    mux = ferry.Mux(one)
    hurried = ferry.Mux(one, timeout=0.1)
    report.equal("a question has its answer", mux.transaction("add", 2, other=3), 5)
    error = raised(lambda: mux.transaction("fail"))
    report.equal("an exception has its own class", (type(error), error.number), (mux_functions.OwnError, 7))
    report.fact("and the traceback of the other end", "in do_fail\n" in error.__notes__[-1]
                and type(error.__cause__) is ferry.RemoteTraceback, error.__notes__)
    error = raised(lambda: mux.transaction("leave"))
    report.equal("one that would end the program is told of", (type(error), error.class_name), (ferry.RemoteError, "SystemExit"))
    error = raised(lambda: mux.transaction("lock"))
    report.fact("an answer that cannot be sent says so", "value of type lock" in error.__notes__[0], [repr(error)])
    answers = [mux.ask("meet") for _ in range(4)]
    report.equal("questions are answered at a time", sorted(answer.result(600) for answer in answers), [0, 1, 2, 3])
    size = 32 << 20
    answers = [mux.ask("repeat", bytes(size)) for _ in range(4)]
    report.equal("large ones, too", [len(answer.result(600)) for answer in answers], [size] * 4)
    sums = []
    threads = [threading.Thread(target=lambda i=i: sums.append(sum(mux.transaction("add", i) for _ in range(100))))
               for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report.equal("threads ask at once", sorted(sums), [100, 200, 300, 400])
    late = mux.ask("meet")
    report.equal("a wait has an end", type(raised(lambda: late.result(0.01))), TimeoutError)
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    report.equal("Ctrl-C ends it", type(raised(lambda: (timer.start(), late.result()))), KeyboardInterrupt)
    late.cancel()
    report.equal("a question is cancelled", type(raised(late.result)), ferry.CancelledError)
    late = mux.ask("wait")
    mux_functions.begun.wait(600)
    late.cancel()
    report.fact("the answer hears that nobody waits for it any more", mux_functions.heard.wait(600))
    error = raised(hurried.ask("wait").result)
    report.fact("a deadline raises", isinstance(error, TimeoutError) and "was not answered in time; " in str(error), [repr(error)])
    late = mux.ask("meet")
    mux.stop()
    report.equal("the end of a mux is the end of its questions", type(raised(late.result)), EOFError)
    report.equal("and it asks no more", type(raised(lambda: mux.transaction("add", 1))), EOFError)
    mux_functions.barrier.abort()
    demux.stop()


def test_workers(report):
    with ferry.Executor(workers=2) as executor:
        one, other = ferry.ChannelPair()
        server = executor.submit(mux_functions.serve, other)
        mux = ferry.Mux(one)
        report.fact("a worker answers", mux.transaction("process") not in (os.getpid(), None))
        report.equal("whatever is asked", [mux.transaction("add", i) for i in range(100)], list(range(1, 101)))
        report.equal("an end that travels is not here any more", type(raised(other.fileno)), ValueError)
        one.close()
        report.equal("it hears of the end", server.result(), True)
        one, other = ferry.ChannelPair()
        server = executor.submit(mux_functions.serve, other)
        mux = ferry.Mux(one)
        report.equal("its death is the end of all questions", type(raised(lambda: mux.transaction("die"))), EOFError)
        report.equal("and its task's", type(server.exception()), ferry.WorkerLost)
        one, other = ferry.ChannelPair()
        demux = ferry.DeMux(one, 1, function=lambda number: 2 * number)
        report.equal("a worker asks", executor.submit(mux_functions.ask, other, [1, 2, 3]).result(), [2, 4, 6])
        report.equal("the end of the worker's end is heard of", demux.wait(600), True)
        error = raised(lambda: ferry.DeMux(ferry.ChannelPair()[0], 0))
        report.equal("without a thread nothing is answered", type(error), ValueError)


def test_sockets(report):
    one, other = socket.socketpair()
    demux = ferry.DeMux(other)
    mux = ferry.Mux(one)
    error = raised(lambda: mux.transaction(1))
    report.fact("sockets do; a demux needs a function", type(error) is NotImplementedError, [repr(error)])
    demux.stop()


def test_room(report):
    """The other end reads nothing until there are more questions than there is room for."""
    one, other = socket.socketpair()
    mux = ferry.Mux(one)
    answers, order = [], []
    while len(mux._blocked) < 3:
        answers.append(mux.ask(len(answers), bytes(1 << 18)))
    answers[-2].cancel()
    demux = ferry.DeMux(other, 1, function=lambda number, _: order.append(number))
    found = [answer.result(600) if answer is not answers[-2] else raised(answer.result) for answer in answers]
    wanted = list(range(len(answers)))
    wanted.pop(-2)
    report.equal("what finds no room is asked later, in its order", order, wanted)
    report.equal("unless it is cancelled", type(found[-2]), ferry.CancelledError)
    mux.stop()
    demux.stop()


async def use_asyncio(report):
    one, other = ferry.ChannelPair()
    demux = ferry.DeMux(other, function=divmod)
    with ferry.Mux(one) as mux:
        report.equal("answers are awaited", await asyncio.gather(*[mux.ask(i, 7) for i in range(100)]),
                     [divmod(i, 7) for i in range(100)])
        try:
            await mux.ask(1, 0)
        except ZeroDivisionError:
            report.fact("an exception comes out", True)
    demux.stop()


def test_glib(report):
    gate = threading.Event()

    def answer(one, other):
        if one == 0:
            gate.wait(600)
        return divmod(one, other)

    one, other = ferry.ChannelPair()
    demux = ferry.DeMux(other, function=answer)
    mux = ferry.Mux(one)
    loop = GLib.MainLoop()
    found = []

    async def use():
        found.append(await mux.ask(22, 7))
        found.append(type(raised(lambda: mux.transaction(0, 7))))
        gate.set()
        loop.quit()

    GLib.idle_add(lambda: ferry.spawn(use()) and False)
    loop.run()
    report.equal("they are on a loop of GLib, whose callbacks do not wait", found, [(3, 1), ferry.Error])
    demux.stop()


def body(report):
    test_one_process(report)
    test_workers(report)
    test_sockets(report)
    test_room(report)
    asyncio.run(use_asyncio(report))
    test_glib(report)


if __name__ == "__main__":
    tap.main(body)
