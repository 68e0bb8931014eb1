#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Objects of the application that workers call, without a loop, under asyncio and under a loop of GLib: check-offers.py"""

import asyncio
import concurrent.futures
import gc
import os
import pickle
import threading

import functions
import objects
import offer_functions
import tap
from gi.repository import GLib, GObject

import ferry

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


def raised(function):
    try:
        return function()
    except Exception as error:
        return error


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


def body(report):
    with ferry.Executor(workers=1) as executor:
        for test in (test_calls, test_ends, test_objects, test_leaks):
            test(report, executor)
    test_glib(report)
    asyncio.run(use_asyncio(report))


if __name__ == "__main__":
    tap.main(body)
