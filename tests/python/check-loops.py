#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The package ferry without a loop, under asyncio and under a loop of GLib: check-loops.py"""

import asyncio
import gc
import os
import signal
import sys
import threading

import functions
import tap
from gi.repository import Gio, GLib

import ferry


def begun(executor, function, *arguments):
    """A task whose function has begun."""
    task = ferry.Task(function, *arguments)
    event = threading.Event()
    task.connect("notify::text", lambda *_: event.set())
    executor.submit(task)
    assert event.wait(600)
    return task


def raised(function):
    try:
        return function()
    except BaseException as error:
        return error


def test_neither(report):
    with ferry.Executor(workers=1) as executor:
        task = begun(executor, functions.spin)
        report.equal("result() waits for a time", type(raised(lambda: task.result(0.01))), TimeoutError)
        threads, called = [], threading.Event()
        task.connect("done", lambda *_: threads.append(threading.current_thread().name))
        task.add_done_callback(lambda _: threads.append(threading.current_thread().name) or called.set())
        task.cancel()
        report.equal("a task that was cancelled raises that", type(raised(task.result)), ferry.CancelledError)
        # Who waits for the result may go on before the last callback was called.
        called.wait(600)
        report.equal("signals come on Ferry's thread", threads, ["ferry", "ferry"])
        report.equal("a callback that comes late is called", raised(lambda: task.add_done_callback(threads.append)), None)
        report.equal("with the task", threads[-1], task)
        waiting = executor.submit(functions.sleep)
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
        report.equal("Ctrl-C ends a wait", type(raised(lambda: (timer.start(), waiting.result()))), KeyboardInterrupt)
        report.fact("and nothing else", not waiting.done())
        waiting.cancel()
    report.equal("a block that raises cancels", type(raised(leave_block)), ZeroDivisionError)


def leave_block():
    with ferry.Executor(workers=1) as executor:
        begun(executor, functions.sleep)
        raise ZeroDivisionError


async def use_asyncio(report):
    async with ferry.Executor(workers=2) as executor:
        report.equal("a task is awaited", await executor.submit(functions.double, 3), 6)
        report.equal("many are", await asyncio.gather(*[executor.submit(functions.double, i) for i in range(100)]),
                     [2 * i for i in range(100)])
        try:
            await executor.submit(functions.fail)
        except functions.OwnError as error:
            report.equal("an exception comes out", error.number, 7)
        report.equal("a stream is read", [value async for value in executor.stream(functions.count, 200)], list(range(200)))
        report.equal("a map is", [value async for value in executor.map(functions.double, range(1000))],
                     [2 * i for i in range(1000)])
        report.equal("without order it is complete",
                     sorted([value async for value in executor.map(abs, range(1000), ordered=False)]), list(range(1000)))
        task = executor.submit(functions.sleep)
        try:
            await asyncio.wait_for(task, 0.05)
        except TimeoutError:
            report.equal("what awaits is cancelled, and so is the task", type(await asyncio.to_thread(raised, task.result)),
                         ferry.CancelledError)


def run_loop(body):
    """Has the coroutine of body (executor) run on the main loop of this thread, until its end."""
    loop = GLib.MainLoop()
    executors = []

    async def whole():
        executors.append(ferry.Executor(workers=2))
        try:
            await body(executors[0])
        finally:
            executors[0].shutdown()
            GLib.idle_add(loop.quit)

    GLib.idle_add(lambda: ferry.spawn(whole()) and False)
    loop.run()


def test_glib(report):
    main = threading.current_thread()
    threads = set()

    async def use(executor):
        task = ferry.Task(functions.double, 4)
        task.connect("notify::is-done", lambda *_: threads.add(threading.current_thread()))
        report.equal("a task is awaited on a loop of GLib", await executor.submit(task), 8)
        report.equal("a stream is read there", [value async for value in executor.stream(functions.count, 100)],
                     list(range(100)))
        report.equal("a map, too", [value async for value in executor.map(functions.double, range(100))],
                     [2 * i for i in range(100)])
        slow = executor.submit(functions.sleep)
        report.fact("no callback waits for its own loop", "await it" in str(raised(slow.result)), [str(raised(slow.result))])
        slow.cancel()
        try:
            await slow
        except asyncio.CancelledError:
            report.fact("a task that was cancelled raises that there, too", True)
        results = executor.map(functions.sleep_at_three, [0, 3], chunksize=1)
        # What is printed of a coroutine that ends so would go to this.
        printed, sys.excepthook = sys.excepthook, lambda *found: failures.append(found)

        async def read():
            async for value in results:
                values.append(value)
                results.close()

        values, failures = [], []
        ended = ferry.spawn(read())
        while not ended.is_set():
            await executor.submit(functions.double, 1)
        sys.excepthook = printed
        report.equal("a loop over a map is ended from elsewhere, and the coroutine with it, in silence",
                     (values, failures), ([0], []))
        # A thread waits while the loop goes on.
        thread = threading.Thread(target=lambda: threads.add(executor.submit(functions.double, 5).result(600)))
        thread.start()
        while thread.is_alive():
            await executor.submit(functions.double, 1)

    run_loop(use)
    report.equal("signals come on the thread of the loop", threads, {main, 10})


def test_application(report):
    """Before its loop runs, a program with an application waits by running the loop."""
    application = Gio.Application(application_id="org.example.Ferry")
    Gio.Application.set_default(application)
    threads = []
    with ferry.Executor(workers=1) as executor:
        task = executor.submit(functions.double, 4)
        task.connect("done", lambda *_: threads.append(threading.current_thread()))
        report.equal("a program with an application waits before its loop runs", task.result(), 8)
        report.equal("signals come on its thread", threads, [threading.current_thread()])
        report.equal("it waits for a time", type(raised(lambda: executor.submit(functions.sleep).result(0.01))), TimeoutError)
        waiting = executor.submit(functions.sleep)
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
        report.equal("Ctrl-C ends its wait", type(raised(lambda: (timer.start(), waiting.result()))), KeyboardInterrupt)
        before = len(gc.get_objects())
        for _ in range(100):
            raised(lambda: waiting.result(0.001))
        grown = len(gc.get_objects()) - before
        report.fact("a wait that is repeated leaves nothing", grown < 50, [grown])
        executor.cancel_all()


def body(report):
    test_neither(report)
    asyncio.run(use_asyncio(report))
    test_glib(report)
    test_application(report)


if __name__ == "__main__":
    tap.main(body)
