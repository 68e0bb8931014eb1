#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A task is a future for asyncio and for concurrent.futures, without a loop, under asyncio and under one of GLib:
check-futures.py
"""

import asyncio
import concurrent.futures
import gc
import math
import os
import pickle
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

import functions
import tap
from gi.repository import Gio, GLib

import ferry
import ferry.concurrent

# Longer than any of this takes. What hangs is a fault.
LONG = 600


def raised(function):
    try:
        return function()
    except BaseException as error:
        return error


async def raised_by(awaitable):
    try:
        return await awaitable
    except BaseException as error:
        return error


async def use_wait(report, executor):
    tasks = [executor.submit(functions.double, number) for number in range(10)]
    done, pending = await asyncio.wait(tasks)
    report.equal("asyncio.wait() waits for tasks", ({task.result() for task in done}, pending), (set(range(0, 20, 2)), set()))
    slow, quick = executor.submit(functions.sleep), executor.submit(functions.double, 4)
    found = await asyncio.wait([slow, quick], return_when=asyncio.FIRST_COMPLETED)
    report.equal("and for the first one", found, ({quick}, {slow}))
    failing = executor.submit(functions.fail)
    found = await asyncio.wait([slow, failing], return_when=asyncio.FIRST_EXCEPTION)
    report.equal("and for the first one that fails", found, ({failing}, {slow}))
    found = await asyncio.wait([slow], timeout=0.01)
    report.equal("and for a time", found, (set(), {slow}))
    slow.cancel()
    report.equal("a task that is cancelled is done", await asyncio.wait([slow]), ({slow}, set()))
    report.fact("and says so", slow.cancelled() and not failing.cancelled() and not quick.cancelled())


async def use_wrappers(report, executor):
    loop = asyncio.get_running_loop()
    report.equal("wrap_future() makes a future of asyncio", await asyncio.wrap_future(executor.submit(functions.double, 5)), 10)
    slow = executor.submit(functions.sleep)
    wrapped = asyncio.wrap_future(slow)
    wrapped.cancel()
    report.equal("whose cancel is the task's", type(await asyncio.to_thread(raised, slow.result)), ferry.CancelledError)
    report.equal("run_in_executor() takes an executor", await loop.run_in_executor(executor, functions.double, 6), 12)
    report.equal("and raises what the function does", type(await raised_by(loop.run_in_executor(executor, functions.fail))),
                 functions.OwnError)
    report.equal("as_completed() takes tasks", sorted([await first for first in asyncio.as_completed(
        [executor.submit(functions.double, number) for number in range(5)])]), [0, 2, 4, 6, 8])
    report.equal("shield() lets a task go on", await asyncio.shield(executor.submit(functions.double, 7)), 14)


async def wait_for(task):
    return await task


async def use_groups(report, executor):
    loop = asyncio.get_running_loop()
    task = executor.submit(functions.double, 8)
    for name, create in (("create_task()", loop.create_task), ("create_task() of asyncio", asyncio.create_task)):
        error = raised(lambda create=create: create(task))
        report.fact("%s refuses a future at once, and says what it is" % name, type(error) is TypeError
                    and "ferry.Task double, " in str(error) and "a future, which is awaited as it is" in str(error), [repr(error)])
    async with asyncio.TaskGroup() as group:
        error = raised(lambda: group.create_task(task))
        waiting = group.create_task(wait_for(task))
    report.fact("so does a group", type(error) is TypeError and "awaited as it is" in str(error), [repr(error)])
    report.equal("which takes a coroutine that awaits it", waiting.result(), 16)
    slow = executor.submit(functions.sleep)

    async def fail():
        raise ZeroDivisionError

    async def use_group():
        async with asyncio.TaskGroup() as group:
            group.create_task(wait_for(slow))
            group.create_task(fail())

    report.equal("a group that fails", type(await raised_by(use_group())), ExceptionGroup)
    report.equal("cancels the task that its coroutine awaits", type(await asyncio.to_thread(raised, slow.result)),
                 ferry.CancelledError)


async def use_cancel(report, executor):
    slow = executor.submit(functions.sleep)
    report.equal("cancel() says that the task was not done", slow.cancel(), True)
    report.equal("await raises asyncio's error of a cancelled task", type(await raised_by(slow)), asyncio.CancelledError)
    report.equal("result() that of concurrent.futures", type(raised(slow.result)), concurrent.futures.CancelledError)
    report.equal("which a second cancel finds done", slow.cancel(), False)
    waiting = asyncio.ensure_future(wait_for(executor.submit(functions.sleep)))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    report.fact("a coroutine whose task is cancelled is cancelled", waiting.cancelled())


async def use_callbacks(report, executor):
    threads = []
    called = asyncio.Event()

    def note(_):
        threads.append(threading.current_thread())
        called.set()

    task = executor.submit(functions.double, 1)
    task.add_done_callback(note)
    await asyncio.wait_for(called.wait(), LONG)
    called.clear()
    task.add_done_callback(note)
    await asyncio.wait_for(called.wait(), LONG)
    report.equal("a callback of a coroutine comes on its loop", threads, 2 * [threading.current_thread()])
    slow = executor.submit(functions.sleep)
    slow.add_done_callback(note)
    slow.add_done_callback(note)
    report.equal("callbacks are taken back", (slow.remove_done_callback(note), slow.remove_done_callback(note)), (2, 0))
    slow.cancel()
    await raised_by(slow)
    await asyncio.sleep(0.01)
    report.equal("and are not called", len(threads), 2)


async def use_asyncio(report):
    async with ferry.Executor(workers=2) as executor:
        await use_wait(report, executor)
        await use_wrappers(report, executor)
        await use_groups(report, executor)
        await use_cancel(report, executor)
        await use_callbacks(report, executor)
    with ferry.concurrent.Executor(2) as executor:
        futures = [executor.submit(functions.double, number) for number in range(10)]
        report.equal("asyncio.wait() waits for futures of ferry.concurrent", await asyncio.wait(futures), (set(futures), set()))


def test_callback_of_a_closed_loop(report):
    called = threading.Event()

    async def begin(executor):
        task = executor.submit(functions.sleep)
        task.add_done_callback(lambda _: called.set())
        return task

    with ferry.Executor(workers=1) as executor:
        asyncio.run(begin(executor)).cancel()
        report.fact("a callback is called where its loop is closed", called.wait(LONG))


def test_concurrent(report):
    with ferry.Executor(workers=2) as executor:
        tasks = [executor.submit(functions.double, number) for number in range(10)]
        report.fact("a task is a future of concurrent.futures", isinstance(tasks[0], concurrent.futures.Future))
        done, pending = concurrent.futures.wait(tasks)
        report.equal("its wait() waits for tasks", (done, pending), (set(tasks), set()))
        tasks = [executor.submit(functions.double, number) for number in range(10)]
        report.equal("its as_completed() takes them", sorted(task.result() for task in concurrent.futures.as_completed(tasks)),
                     list(range(0, 20, 2)))
        slow, quick = executor.submit(functions.sleep), executor.submit(functions.double, 4)
        found = concurrent.futures.wait([slow, quick], return_when=concurrent.futures.FIRST_COMPLETED)
        report.equal("wait() is over with the first one", found, ({quick}, {slow}))
        failing = executor.submit(functions.fail)
        found = concurrent.futures.wait([slow, failing], return_when=concurrent.futures.FIRST_EXCEPTION)
        report.equal("or with the first one that fails", found, ({failing}, {slow}))
        report.equal("or in time", concurrent.futures.wait([slow], 0.01), (set(), {slow}))
        report.fact("a task that runs is running", slow.running() and not slow.done())
        threading.Timer(0.05, slow.cancel).start()
        report.equal("a cancel ends the wait", concurrent.futures.wait([slow]), ({slow}, set()))
        error = raised(lambda: concurrent.futures.wait([ferry.Task(functions.double, 1)]))
        report.fact("what was not submitted is refused", isinstance(error, ferry.Error) and "submit" in str(error), [repr(error)])
        mixed = [executor.submit(functions.double, 1), concurrent.futures.Future()]
        mixed[1].set_result(None)
        report.equal("futures of other kinds are beside it", concurrent.futures.wait(mixed), (set(mixed), set()))


def test_two_that_look_at_once(report):
    """Another thread looks after each step of the first look."""
    lists = []
    here = threading.current_thread()

    class Interrupted(dict):
        def setdefault(self, *arguments):
            found = super().setdefault(*arguments)
            if threading.current_thread() is here:
                thread = threading.Thread(target=lambda: lists.append(raised(lambda: look(task))))
                thread.start()
                thread.join()
            return found

    def look(outcome):
        with outcome._condition:
            return outcome._waiters

    class Waiting(ferry._outcome.Outcome):
        def __init__(self):
            self._ended = ferry._home.Event()

    task = Waiting()
    task.__dict__ = Interrupted(task.__dict__)
    own = look(task)
    report.fact("each of two threads that look at once finds the list", len(lists) == 2 and all(each is own for each in lists),
                [repr(lists)])


def test_repr(report):
    with ferry.Executor(workers=1) as executor:
        task = executor.submit(functions.double, 4)
        task.result()
        slow = executor.submit(functions.sleep)
        waiting = executor.submit(functions.double, 1)
        failing = executor.submit(functions.fail)
        new = ferry.Task(functions.double, 1)
        said = [repr(each).split(":")[0] for each in (task, waiting, new)]
        report.equal("repr() says function and state", said, ["<ferry.Task double, completed", "<ferry.Task double, waiting",
                                                              "<ferry.Task double, not submitted"])
        slow.cancel()
        failing.exception()
        said = [repr(each).split(":")[0] for each in (slow, failing)]
        report.equal("also of what has no result", said, ["<ferry.Task sleep, cancelled", "<ferry.Task fail, failed"])


# The main loop of GTK programs is on the thread that waits.
ON_THE_LOOP = """
import concurrent.futures
import ferry
from gi.repository import Gio

if __name__ == "__main__":
    application = Gio.Application(application_id="org.example.Ferry")
    Gio.Application.set_default(application)
    with ferry.Executor(workers=1) as executor:
        task = executor.submit(abs, -1)
        for wait in (concurrent.futures.wait, lambda tasks: next(concurrent.futures.as_completed(tasks))):
            try:
                wait([task])
            except ferry.Error as error:
                print(error)
        print(task.result(), concurrent.futures.wait([task]).done == {task})
"""


def test_main_loop(report):
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "program.py")
        with open(program, "w", encoding="utf-8") as file:
            file.write(ON_THE_LOOP)
        done = subprocess.run([sys.executable, program], text=True, stdout=subprocess.PIPE, check=False, timeout=LONG)
    refusal = ("The main loop of this thread brings the end of 'abs', and concurrent.futures would stand in its way; "
               "call result(), await it, or connect to 'done'")
    report.equal("a wait that would stop the main loop is refused", done.stdout.splitlines(), 2 * [refusal] + ["1 True"])


def interrupt_once(work):
    """Does the work again and again until a signal raises KeyboardInterrupt. Returns who has dropped that, if it has not
    come here. Python itself does so in a callback of a weak reference, such as of the set of its threads."""
    fired, dropped = [], []

    def take(*_):
        fired.append(True)
        raise KeyboardInterrupt

    def repeat():
        while not fired:
            work()

    before, hook = signal.signal(signal.SIGALRM, take), sys.unraisablehook
    sys.unraisablehook = lambda args: dropped.append(getattr(args.object, "__module__", None))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0005 + random.random() * 0.003)
        # A function of its own: Python 3.13 has no handler for what is raised as a loop in 'try' is left.
        repeat()
    except KeyboardInterrupt:
        return []
    finally:
        signal.signal(signal.SIGALRM, before)
        sys.unraisablehook = hook
    return [] if dropped and set(dropped) <= {"_weakrefset", "weakref"} else [dropped]


def test_interrupts(report):
    for class_ in (ferry.Executor, ferry.concurrent.Executor):
        with class_(1) as executor:
            executor.submit(abs, 1).result()
            lost = [who for _ in range(60)
                    for work in (lambda: executor.submit(abs, 1), lambda: executor.submit(abs, 1).result())
                    for who in interrupt_once(work)]
            report.equal("each Ctrl-C arrives where %s submits or waits" % class_.__module__, lost, [])
            report.equal("and what follows has a result", executor.submit(abs, -3).result(), 3)
    # Only the arguments of a call may have a sender.
    with ferry.Executor(1) as executor:
        sender, _receiver = executor.pipe()
        report.equal("none of them leaves a call half packed", type(raised(lambda: pickle.dumps(sender))), pickle.PicklingError)


def test_pickles(report):
    with ferry.Executor(1) as executor, tempfile.TemporaryDirectory() as folder:
        _sender, receiver = executor.pipe()
        with ferry.Queue(os.path.join(folder, "queue.db"), executor) as queue:
            ours = (executor, ferry.concurrent.Executor(1), queue, executor.submit(abs, 1), executor.map(abs, [1]), receiver,
                    executor.run(["true"]))
            said = [str(raised(lambda value=value: pickle.dumps(value))) for value in ours]
            report.none("each says that it stays in its process, and what to do", [line for line in said if not re.match(
                r"A ferry\.[A-Z][A-Za-z.]+ stays in its process; pass ", line)])
            error = raised(lambda: executor.submit(print, executor).result())
            report.fact("so does an argument", "make an executor there" in str(error), [repr(error)])


def test_times_that_are_odd(report):
    with ferry.Executor(1) as executor:
        task = executor.submit(time.sleep, 0.05)
        for seconds in (0, -1, math.nan):
            report.equal("result(%s) does not wait" % seconds, type(raised(lambda: task.result(seconds))), TimeoutError)
        report.equal("result() waits for a time without end", task.result(math.inf), None)
        report.equal("result() waits for a very long time", executor.submit(time.sleep, 0.01).result(1e300), None)


def test_watcher(report):
    with ferry.Executor(1) as executor:
        # It is so long that a thread of the library's watches for its cancel.
        executor.submit(time.sleep, 0.02).result()
        executor.submit(abs, 1).result()
        before = executor.submit(functions.count_sleeps, "ferry-watch").result()
        for _ in range(100):
            executor.submit(abs, 1).result()
            # The worker sleeps, and the next message wakes it.
            time.sleep(0.002)
        after = executor.submit(functions.count_sleeps, "ferry-watch").result()
        report.equal("messages wake no thread that watches for nobody", after - before < 20, True)


def test_forked_child(report):
    with ferry.concurrent.Executor(1) as executor:
        values = executor.map(time.sleep, [0.01] * 20)
        next(values)
        child = os.fork()
        if child == 0:
            # What a generator does at its end is done here too.
            values.close()
            os._exit(7)
        report.equal("a forked child drops a map, and waits for nobody", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 7)
        report.equal("and its parent has all results", len(list(values)), 19)


def test_futures(report):
    # In Python alone, PyGObject may print what a signal raises in what it calls.
    if "_ferry" in sys.modules:
        test_interrupts(report)
    test_pickles(report)
    test_times_that_are_odd(report)
    if "_ferry" in sys.modules:
        test_watcher(report)
    test_forked_child(report)
    asyncio.run(asyncio.wait_for(use_asyncio(report), LONG))
    test_callback_of_a_closed_loop(report)
    test_concurrent(report)
    test_two_that_look_at_once(report)
    test_repr(report)
    test_main_loop(report)


def begun(executor, function, *arguments):
    """A task whose function has begun."""
    task = ferry.Task(function, *arguments)
    event = threading.Event()
    task.connect("notify::text", lambda *_: event.set())
    executor.submit(task)
    assert event.wait(600)
    return task


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


async def use_asyncio_of_loops(report):
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


def test_loops(report):
    test_neither(report)
    asyncio.run(use_asyncio_of_loops(report))
    test_glib(report)
    test_application(report)


def body(report):
    test_futures(report)
    test_loops(report)


if __name__ == "__main__":
    tap.main(body)
