#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What functions of the package ferry say to their tasks, and ask the application's objects: check-jobs.py"""

import asyncio
import concurrent.futures
import functools
import gc
import logging
import os
import pickle
import queue
import tempfile
import threading
import time
import warnings

import functions
import objects
import offer_functions
import tap
from gi.repository import GLib, GObject

import ferry

# The grace time of a task in the tests, in microseconds: longer than a test may take, or none.
LONG = 3600 * 1000000
SHORT = 1000

# When a test gives up, in seconds.
LIMIT = 600


def begun(executor, function, grace):
    """A task whose function has begun."""
    task = ferry.Task(function)
    event = threading.Event()
    task.set_cancel_grace(grace)
    task.connect("notify::text", lambda *_: event.set())
    executor.submit(task)
    assert event.wait(600)
    return task


def raised(function):
    try:
        return function()
    except Exception as error:
        return error


def test_cancels(report, executor):
    _, worker = executor.submit(functions.draw).result()
    for function, what in ((functions.spin, "a loop that calls nothing"), (functions.sleep, "a call of the system"),
                           (functions.finalize_and_spin, "a loop that begins while it comes")):
        task = begun(executor, function, LONG)
        began = time.monotonic()
        task.cancel()
        report.equal("a cancel ends %s" % what, type(raised(task.result)), ferry.CancelledError)
        print("# after %.1f ms" % (1000 * (time.monotonic() - began)))
    with tempfile.TemporaryDirectory() as folder:
        task = ferry.Task(functions.import_for_long, folder)
        task.set_cancel_grace(LONG)
        executor.submit(task)
        while not os.path.exists(os.path.join(folder, "begun")):
            time.sleep(0.001)
        task.cancel()
        report.equal("a cancel comes behind an import", type(raised(task.result)), ferry.CancelledError)
        report.equal("which is whole then", executor.submit(functions.import_for_long, folder).result(), (42, worker))
    task = begun(executor, functions.end_in_own_way, LONG)
    task.cancel()
    report.equal("a function may catch it", type(raised(task.result)), ferry.CancelledError)
    with tempfile.TemporaryDirectory() as folder:
        task = begun(executor, functools.partial(functions.commit, folder), LONG)
        task.cancel()
        open(os.path.join(folder, "go"), "w").close()
        report.equal("a cancel comes too late for what has committed", (task.result(), task.cancelled()), (False, False))
    task = begun(executor, functions.commit_late, LONG)
    task.cancel()
    report.equal("and a commit for what was cancelled", type(raised(task.result)), ferry.CancelledError)
    report.equal("the same worker takes the next task", executor.submit(functions.draw).result()[1], worker)
    task = begun(executor, functions.be_deaf, SHORT)
    task.cancel()
    report.equal("what does not hear is ended", type(raised(task.result)), ferry.CancelledError)
    report.fact("and its worker replaced", executor.submit(functions.draw).result()[1] != worker)
    task = ferry.Task(functions.spin)
    task.set_run_timeout(50000)
    report.equal("a function has its time", type(raised(executor.submit(task).result)), TimeoutError)
    waiting = [executor.submit(functions.sleep) for _ in range(3)]
    executor.cancel_all()
    report.equal("all are cancelled at once", {type(raised(task.result)) for task in waiting}, {ferry.CancelledError})


def test_progress(report, executor):
    task = ferry.Task(functions.begin)
    heard = []
    task.connect("notify::fraction", lambda task, _: heard.append((task.get_fraction(), task.get_text())))
    report.equal("at first there is none", task.progress, (0, None))
    executor.submit(task).result()
    report.equal("a report is a property", heard[0], (0.5, "begun"))
    report.equal("which any thread reads", task.progress, (0.5, "begun"))
    task = executor.submit(functions.track, 1000)
    report.equal("items pass", task.result(), 499500)
    report.equal("and are counted", (task.props.amount, task.props.total, task.props.text), (1000, 1000, "counting"))
    report.equal("a function that was not cancelled hears so", executor.submit(functions.ask_nothing).result(), False)


def test_bar_is_taken_back(report, executor):
    heard = queue.SimpleQueue()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "fifo")
        os.mkfifo(path)
        task = ferry.Task(functions.take_back, path)
        task.connect("notify::indeterminate",
                     lambda task, _: heard.put((task.props.indeterminate, task.get_fraction(), task.get_text())))
        executor.submit(task)
        report.equal("a function has a bar", heard.get(timeout=LIMIT), (False, 0.5, "first part"))
        open(path, "w").close()
        report.equal("and takes it back", heard.get(timeout=LIMIT)[:2], (True, 0))
        open(path, "w").close()
        task.result()
        report.equal("whatever it reports later", heard.get(timeout=LIMIT), (False, 1, "second part"))


class Listener(logging.Handler):
    """Keeps what is logged."""

    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)


def test_notices(report, executor):
    listener = Listener()
    logging.getLogger().addHandler(listener)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        executor.submit(functions.notice).result()
    logging.getLogger().removeHandler(listener)
    report.equal("records come home", [(record.name, record.levelno, record.getMessage()) for record in listener.records],
                 [("functions", logging.WARNING, "there are 3"), ("functions", logging.ERROR, "it failed")])
    report.fact("with the task and the traceback", listener.records[0].task == "notice"
                and "OwnError" in listener.records[1].exc_text)
    report.equal("and warnings", [(str(warning.message), warning.category, os.path.basename(warning.filename))
                                  for warning in heard], [("it is old", UserWarning, "functions.py")])


def test_here(report):
    ferry.report(0.5, "nothing hears it")
    ferry.commit()
    report.equal("outside of a worker nothing is said", (list(ferry.track([1, 2])), ferry.cancelled()), ([1, 2], False))


def test_jobs(report):
    with ferry.Executor(workers=1) as executor:
        test_progress(report, executor)
        test_bar_is_taken_back(report, executor)
        test_notices(report, executor)
        test_cancels(report, executor)
    test_here(report)


MANY = 1000
LARGE = 1 << 20


class List:
    """The object of the application. It notes where it is called."""

    def __init__(self):
        self.name = "old"
        self.texts = []
        self.threads = set()
        self.future = concurrent.futures.Future()
        self.was_asked = threading.Event()
        self.open = []
        self._number = 0

    def add(self, text):
        self.threads.add(threading.current_thread())
        self.texts.append(text)
        return len(self.texts)

    def echo(self, value):
        return value

    def count(self):
        self._number += 1
        return self._number

    def fail(self):
        raise functions.OwnError("not so", 7)

    def give_lock(self):
        return threading.Lock()

    def later(self):
        threading.Thread(target=self.future.set_result, args=("later",)).start()
        return self.future

    def ask(self, word):
        return word + "?"

    async def awaited(self):
        return await self.other.add(1)

    def never(self):
        self.was_asked.set()
        self.open.append(concurrent.futures.Future())
        return self.open[-1]

    def drop(self):
        return concurrent.futures.Future()


def test_calls(report, executor):
    list_ = List()
    said = executor.submit(offer_functions.use, ferry.offer(list_)).result()
    report.equal("a function calls a method of an object of the application", said["first"], 1)
    report.equal("it sets and gets attributes and items", (said["name"], said["item"], said["length"], said["contains"]),
                 ("new", "two", 2, True))
    report.equal("which are those of the object itself", (list_.name, list_.texts), ("new", ["one", "two"]))
    report.equal("a function is passed to it", said["passed"], os.getpid())
    report.equal("an exception has its own class", said["error"][:2], (functions.OwnError, 7))
    report.fact("its note says where it was raised", "Raised by List.fail in the application" in said["error"][2]
                and "_offer.py" not in said["error"][2], [said["error"][2]])
    report.equal("an unknown method is an AttributeError", said["unknown"], AttributeError)
    report.fact("what cannot be sent says so", "value of type lock" in said["lock"], [said["lock"]])
    report.equal("many calls are in flight, in their order", said["many"], list(range(1, MANY + 1)))
    large = executor.submit(offer_functions.give, ferry.offer(list_), bytes(LARGE)).result()
    report.equal("what is large goes there and back", large, LARGE)
    report.equal("it may be as large as a result", ferry.ChannelPair()[0]._transport().get_property("max-message-size"), 1 << 30)
    report.equal("without a loop they come on Ferry's thread", {thread.name for thread in list_.threads}, {"ferry"})


def test_ends(report, executor):
    list_ = List()
    offer = ferry.offer(list_)
    executor.submit(offer_functions.add, offer, "unheard").result()
    report.equal("what a function asked last is done before its end", list_.texts, ["unheard"])
    report.equal("that of a stream, too", (list(executor.stream(offer_functions.add_and_yield, offer)), list_.texts[-1]),
                 ([1], "last"))
    list(executor.map(offer_functions.add, [offer] * 10, "abcdefghij"))
    report.equal("any number of tasks have it", sorted(list_.texts[2:]), list("abcdefghij"))
    report.equal("a wait has an end, and a call is cancelled", executor.submit(offer_functions.lose_patience, offer).result(),
                 (TimeoutError, ferry.CancelledError))
    list_.was_asked.clear()
    task = executor.submit(offer_functions.wait_for_ever, offer)
    list_.was_asked.wait(600)
    task.cancel()
    report.equal("a cancel ends a function that waits for an answer", type(raised(task.result)), ferry.CancelledError)
    executor.submit(offer_functions.keep, offer).result()
    report.equal("after the task it is closed", executor.submit(offer_functions.use_kept).result(), EOFError)
    report.equal("an answer may come later", executor.submit(offer_functions.wait_for, offer, "later").result(), "later")
    error = raised(lambda: executor.submit(offer_functions.wait_for, offer, "drop").result())
    report.fact("an answer that is not to come is an error", type(error) is ferry.Error, [repr(error)])
    error = raised(lambda: pickle.dumps(offer))
    report.fact("an offer is no message", isinstance(error, pickle.PicklingError), [repr(error)])


def test_objects(report, executor):
    list_ = List()
    list_.other = executor.create(objects.Counter, 5)
    with executor.create(objects.Teller, ferry.offer(list_)) as teller:
        report.equal("an object in a worker has it", [teller.tell(text).result() for text in "ab"], [1, 2])
        report.equal("its coroutines await it", teller.ask(ferry.offer(list_)).result(), ("why?", ["a", "b"]))
        error = raised(lambda: teller.tell(executor.pipe()[0]))
        report.fact("a sender is for functions", isinstance(error, pickle.PicklingError), [repr(error)])
    report.equal("a coroutine answers", executor.submit(offer_functions.wait_for, ferry.offer(list_), "awaited").result(), 6)
    list_.other.close()


def test_leaks(report, executor):
    class Value(List):
        pass

    for _ in range(5):
        executor.submit(offer_functions.add, ferry.offer(Value()), "a").result()
    descriptors = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        executor.submit(offer_functions.add, ferry.offer(Value()), "a").result()
    executor.submit(functions.double, 1).result()
    gc.collect()
    report.fact("no descriptor is left", len(os.listdir("/proc/self/fd")) <= descriptors + 2)
    report.fact("nor an object", sum(isinstance(value, Value) for value in gc.get_objects()) <= 2)


def test_glib(report):
    """Under a loop of GLib: methods are called between its callbacks, and may use widgets."""
    loop = GLib.MainLoop()

    class Widget(GObject.Object):
        text = GObject.Property(type=str)

        def set_text(self, text):
            self.text = text
            self.thread = threading.current_thread()

    widget = Widget()

    async def use():
        with ferry.Executor(workers=1) as executor:
            await executor.submit(offer_functions.set_text, ferry.offer(widget), "said")
        loop.quit()

    GLib.idle_add(lambda: ferry.spawn(use()) and False)
    loop.run()
    report.equal("a GObject is called on the thread of the loop", (widget.text, widget.thread), ("said", threading.main_thread()))


async def use_asyncio(report):
    list_ = List()
    async with ferry.Executor(workers=1) as executor:
        report.equal("under asyncio it is called", await executor.submit(offer_functions.wait_for, ferry.offer(list_), "count"), 1)


def test_offers(report):
    with ferry.Executor(workers=1) as executor:
        for test in (test_calls, test_ends, test_objects, test_leaks):
            test(report, executor)
    test_glib(report)
    asyncio.run(use_asyncio(report))


def body(report):
    test_jobs(report)
    test_offers(report)


if __name__ == "__main__":
    tap.main(body)
