#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pipes of the package ferry: check-pipes.py"""

import asyncio
import collections
import functools
import gc
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import weakref

import pipe_functions
import tap
from gi.repository import GLib

import ferry


def raised(function):
    try:
        return function()
    except BaseException as error:
        return error


def test_messages(report, executor):
    sender, receiver = executor.pipe()
    task = executor.submit(pipe_functions.send_numbers, sender, 1000)
    report.equal("messages come in order", list(receiver), list(range(1000)))
    report.equal("and the result besides", task.result(), 1000)
    report.equal("a receiver at its end says so", type(raised(receiver.receive)), EOFError)
    tasks = [executor.submit(pipe_functions.send_numbers, sender, 100) for _ in range(10)]
    report.equal("several tasks may have one sender", collections.Counter(receiver), {i: 10 for i in range(100)})
    report.equal("all of which end", [task.result() for task in tasks], [100] * 10)
    stream = executor.stream(pipe_functions.send_and_yield, sender, 100)
    report.equal("a function that yields sends besides", (list(stream), list(receiver)), (list(range(100)),
                                                                                       [-i for i in range(100)]))
    function = functools.partial(pipe_functions.send_one, sender)
    report.equal("a function of many items sends", list(executor.map(function, range(2000))), [-i for i in range(2000)])
    report.equal("whatever the chunk", sorted(receiver), list(range(2000)))
    results = executor.map(pipe_functions.send_one, [sender] * 100, range(100), chunksize=1)
    found = [receiver.receive() for _ in range(4)]
    report.fact("messages of a map do not end between two chunks", not receiver._is_at_end(), [found])
    report.equal("but with its last one", (len(list(results)), len(list(receiver))), (100, 96))
    executor.submit(pipe_functions.send_in_threads, sender, 300).result()
    report.equal("threads of a worker may send", collections.Counter(receiver), {i: 4 for i in range(300)})


def test_large_messages(report, executor):
    try:
        import numpy
    except ImportError:
        report.skip("arrays", "there is no numpy")
        return
    sender, receiver = executor.pipe()
    executor.submit(pipe_functions.send_arrays, sender, 4)
    kept = list(receiver)
    report.equal("large messages come in order", [message["index"] for message in kept], [0, 1, 2, 3])
    report.fact("whole", all((message["array"] == message["index"]).all() and message["bytes"] == bytes(1 << 20)
                             for message in kept))
    kept[0]["array"][0] = 7
    report.equal("arrays can be changed", kept[0]["array"][:2].tolist(), [7, 0])
    numpy.testing.assert_array_equal(kept[1]["array"], 1)


def test_ends(report, executor, folder):
    sender, receiver = executor.pipe()
    task = executor.submit(pipe_functions.send_and_die, sender, 200)
    report.equal("a worker that is killed loses nothing that it had sent", list(receiver), list(range(200)))
    report.equal("its task tells of its end", type(task.exception()), ferry.WorkerLost)
    task = executor.submit(pipe_functions.send_until_refused, sender)
    receiver.receive()
    receiver.close()
    report.fact("a receiver that is closed is no place to send to", "closed" in task.result(), [task.result()])
    report.equal("which goes for tasks that come later", type(raised(lambda: executor.submit(pipe_functions.send_one, sender, 1))),
                 BrokenPipeError)
    sender, receiver = executor.pipe()
    error = executor.submit(pipe_functions.send_after_close, sender).exception()
    report.fact("a sender that was closed sends no more", type(error) is ferry.Error and list(receiver) == [1], [repr(error)])
    path = os.path.join(folder, "count")
    # The reader has begun.
    receiver._poll()
    task = executor.submit(pipe_functions.send_for_ever, sender, path)
    taken = [receiver.receive() for _ in range(3000)]
    while "waits for this program to handle" not in ferry.describe_application():
        GLib.MainContext.default().iteration(False)
    report.fact("a function that waits for its reader is said to be held up", True)
    task.cancel()
    report.equal("a function that waits for its reader is cancelled", type(raised(task.result)), ferry.CancelledError)
    sent = int(open(path, encoding="ascii").read())
    report.fact("and was not far ahead of it", taken == list(range(3000)) and sent <= 3000 + 1024, [sent])
    sender, receiver = executor.pipe()
    task = executor.submit(pipe_functions.send_until_refused, sender)
    del sender, receiver
    gc.collect()
    report.fact("a receiver that nobody has is closed", "closed" in task.result())


def test_refusals(report, executor):
    sender, receiver = executor.pipe()
    error = executor.submit(pipe_functions.send_the_sender, sender).exception()
    report.fact("a message has no sender in it", type(error) is pickle.PicklingError and "argument" in str(error), [repr(error)])
    error = raised(lambda: ferry.Executor(initializer=print, initargs=(sender,)))
    report.equal("nor has an initializer", type(error), pickle.PicklingError)
    report.equal("a wait has an end", type(raised(lambda: receiver.receive(timeout=0.01) and None)), EOFError)
    sender, receiver = executor.pipe()
    report.equal("also where no sender is used yet", type(raised(lambda: receiver.receive(timeout=0.01))), TimeoutError)
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    report.equal("Ctrl-C ends one", type(raised(lambda: (timer.start(), list(receiver)))), KeyboardInterrupt)
    del sender
    report.equal("a sender that is dropped ends the messages", list(receiver), [])


def test_own_threads(report, executor):
    sender, receiver = executor.pipe()
    with sender:
        executor.submit(pipe_functions.send_numbers, sender, 10).result()
        thread = threading.Thread(target=pipe_functions.send_numbers, args=(sender, 10))
        thread.start()
        report.equal("threads of the application may send", sorted(receiver.receive() for _ in range(20)),
                     sorted([*range(10)] * 2))
        thread.join()
        report.equal("a block of the sender keeps the pipe", type(raised(lambda: receiver.receive(timeout=0.01))), TimeoutError)
    report.equal("until its end", list(receiver), [])


def test_signals(report, executor):
    sender, receiver = executor.pipe()
    # Without the block, the messages may be at their end with that of the first task.
    with sender:
        executor.submit(pipe_functions.send_numbers, sender, 10).result()
        heard = []
        ended, ten = threading.Event(), threading.Event()

        def hear(_, message):
            heard.append((message, threading.current_thread().name))
            if len(heard) == 10:
                ten.set()

        receiver.connect("message", hear)
        receiver.connect("closed", lambda _: ended.set())
        # Those of two workers have no order.
        report.fact("messages wait for a handler", ten.wait(600))
        known = weakref.ref(receiver)
        del receiver
        gc.collect()
        executor.submit(pipe_functions.send_numbers, sender, 10).result()
    del sender
    report.fact("closed comes at the end", ended.wait(600))
    report.equal("messages are signals, also those that came before the handler", heard,
                 [(i, "ferry") for i in [*range(10)] * 2])
    gc.collect()
    report.equal("a receiver with a handler lives as long as its senders", known(), None)


def test_handlers(report, executor):
    """Handlers are called as those of signals are."""
    sender, receiver = executor.pipe()
    heard = []
    ended = threading.Event()
    receiver.connect("closed", lambda _: ended.set())
    first = receiver.connect("message", lambda _, message, word: heard.append((word, message)), "first")
    second = receiver.connect("message", lambda _, message: 1 // message)
    executor.submit(pipe_functions.send_one, sender, 1).result()
    ended.wait(600)
    receiver.disconnect(second)
    receiver.connect("message", lambda _, message: heard.append(("next", message)))
    receiver.connect("message", lambda _, message: heard.append(("last", message)))
    ended.clear()
    executor.submit(pipe_functions.send_one, sender, 2).result()
    ended.wait(600)
    receiver.disconnect(first)
    ended.clear()
    executor.submit(pipe_functions.send_one, sender, 3).result()
    ended.wait(600)
    report.equal("handlers come and go", heard, [("first", 1), ("first", 2), ("next", 2), ("last", 2), ("next", 3),
                                                 ("last", 3)])
    report.equal("a signal that there is not is refused", type(raised(lambda: receiver.connect("done", print))), TypeError)

    sender, receiver = executor.pipe()
    heard.clear()
    ended.clear()
    receiver.connect("message", lambda receiver, message: heard.append(message) or receiver.close() or ended.set())
    executor.submit(pipe_functions.send_numbers, sender, 100).exception()
    ended.wait(600)
    report.equal("a handler closes its receiver", heard, [0])


def test_latest(report, executor):
    sender, receiver = executor.pipe(latest=True)
    executor.submit(pipe_functions.send_numbers, sender, 20000).result()
    found = list(receiver)
    report.fact("of latest messages the last one comes", found[-1] == 19999 and len(found) < 20000 and found == sorted(found),
                [len(found)])


async def use_asyncio(report):
    async with ferry.Executor(workers=2) as executor:
        sender, receiver = executor.pipe()
        task = executor.submit(pipe_functions.send_numbers, sender, 1000)
        report.equal("messages are read by async for", [message async for message in receiver], list(range(1000)))
        report.equal("beside the task", await task, 1000)


def test_glib(report):
    """A loop of GLib: the signals come on its thread."""
    loop = GLib.MainLoop()
    heard = []

    async def use(executor):
        sender, receiver = executor.pipe()
        executor.submit(pipe_functions.send_numbers, sender, 100)
        heard.append([message async for message in receiver])
        receiver.connect("message", lambda _, message: heard.append(threading.current_thread()))
        receiver.connect("closed", lambda _: executor.shutdown() or loop.quit())
        executor.submit(pipe_functions.send_one, sender, 1)

    GLib.idle_add(lambda: ferry.spawn(use(ferry.Executor(workers=1))) and False)
    loop.run()
    report.equal("messages come on the loop's thread", heard, [list(range(100)), threading.current_thread()])


OPEN_AT_THE_END = """
import ferry

sender, receiver = ferry.pipe()
sender.send("told")
print(receiver.receive())
"""


def test_end_of_the_program(report):
    done = subprocess.run([sys.executable, "-c", OPEN_AT_THE_END], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, timeout=600)
    report.equal("a program may end with an open pipe", (done.returncode, done.stderr + done.stdout), (0, "told\n"))


def body(report):
    test_end_of_the_program(report)
    with ferry.Executor(workers=2) as executor:
        with tempfile.TemporaryDirectory() as folder:
            test_messages(report, executor)
            test_large_messages(report, executor)
            test_ends(report, executor, folder)
            test_refusals(report, executor)
            test_own_threads(report, executor)
            test_signals(report, executor)
            test_handlers(report, executor)
            test_latest(report, executor)
    asyncio.run(use_asyncio(report))
    test_glib(report)


if __name__ == "__main__":
    tap.main(body)
