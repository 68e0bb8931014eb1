#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Objects of the package ferry that live in workers, without a loop, under asyncio and under a loop of GLib:
check-objects.py
"""

import asyncio
import logging
import os
import pickle
import select
import subprocess
import sys
import tempfile
import threading
import time

import functions
import objects
import tap
from gi.repository import GLib, GObject

import ferry

LOOP_COUNT = 20


LEAVE = """
import objects, ferry
counter = ferry.Executor(workers=1).create(objects.Counter)
counter.add(1).result()
counter.spin()
"""


@ferry.export
class Own:
    """A class of the program itself."""

    number: int = 3

    def give(self):
        return self, [Own]


def raised(function):
    try:
        return function()
    except Exception as error:
        return error


def wait_for(condition, proxy, name):
    """On another thread than the home's: until the condition holds, which a property's change may make true."""
    event = threading.Event()
    handler = proxy.connect("notify::" + name, lambda *_: event.set() if condition() else None)
    if not condition():
        assert event.wait(600)
    proxy.disconnect(handler)


def test_calls(report, executor):
    counter = executor.create(objects.Counter, 1)
    report.equal("a method is called", counter.add(3).result(), 4)
    report.equal("its property has the new value then", (counter.value, counter.double), (4, 8))
    report.equal("each property has a value", (counter.ratio, counter.label, counter.anything), (0.5, "first", None))
    calls = [counter.add(1) for _ in range(3000)]
    report.equal("many calls are in flight, in their order", [call.result() for call in calls], list(range(5, 3005)))
    report.equal("keywords go along", counter.add(amount=1).result(), 3005)
    error = raised(lambda: counter.fail().result())
    report.equal("an exception has its own class", (type(error), error.number), (functions.OwnError, 7))
    report.fact("its note names the method", "Raised by Counter.fail in the worker" in error.__notes__[-1]
                and "in fail\n" in error.__notes__[-1], error.__notes__)
    report.equal("exception() returns it", type(counter.fail().exception()), functions.OwnError)
    report.equal("an unknown method is an AttributeError", type(raised(lambda: counter.nothing().result())), AttributeError)
    report.equal("what cannot be sent is an exception", type(raised(lambda: counter.give_a_lock().result())), TypeError)
    report.equal("the worker is well after all that", counter.add(1).result(), 3006)
    report.fact("it can be told from others", "spin" in str(raised(lambda: counter.spin().result(0.01))))
    counter.close()


def test_chains(report, executor):
    with executor.create(objects.Counter) as counter:
        report.equal("a chain is asked for", ferry.get(counter.words["a"][1]), "y")
        report.equal("a chain is called", counter.words["a"].index("y").result(), 1)
        report.equal("a call is in its middle", ferry.get(ferry.later(counter.words.get, "a")[0]), "x")
        report.equal("an item is a part", ferry.get(counter["a"][0]), "x")
        counter["b"] = ["z"]
        counter.words["c"] = []
        del counter["a"]
        report.equal("items are set and deleted", ferry.get(counter.words), {"b": ["z"], "c": []})
        report.equal("they are counted and looked for", (len(counter), len(counter.words), "b" in counter, "a" in counter),
                     (2, 2, True, False))
        counter.other = 4
        report.equal("an attribute is set", ferry.get(counter.other), 4)
        del counter.other
        report.equal("and deleted", type(raised(lambda: ferry.get(counter.other))), AttributeError)
        report.equal("a name with an underscore is in reach", ferry.get(counter.remote._hidden), 5)
        report.equal("a function is passed to the object", ferry.pass_to(counter, objects.count_words, 3).result(), 5)
        report.equal("a method of its class, too", ferry.pass_to(counter, objects.Counter.add, 0).result(), counter.value)
        report.fact("an object is true, whatever its length is", bool(counter) and bool(counter.words))
        report.equal("it is no iterable", type(raised(lambda: list(counter.words))), TypeError)
        report.equal("a view is no value", type(raised(lambda: counter.echo(counter.words))), pickle.PicklingError)
        report.equal("a view says what it is", repr(counter.words["b"]), "<ferry.View Counter.words['b']>")


def test_references(report, executor):
    with executor.create(objects.Counter) as counter, executor.create(objects.Counter) as stranger:
        report.fact("a method that returns its object gives the proxy", counter.give_itself().result() is counter)
        one, two = counter.give_others(10, 20).result()
        report.equal("an object that is returned stays where it is", (type(one).__name__, one.value, two.double),
                     ("CounterProxy", 10, 40))
        report.equal("it is called there", (two.add(1).result(), two.value), (21, 21))
        report.equal("it goes back as itself", (one.is_it(one).result(), one.is_it(two).result()), (True, False))
        report.equal("inside of values too", one.echo([one, 3]).result(), [one, 3])
        report.fact("a pickle of it is a reference", pickle.loads(pickle.dumps(one)) is one)
        error = raised(lambda: stranger.is_it(one).result())
        report.fact("no other worker can use it", type(error) is ferry.Error and "another worker" in str(error), [repr(error)])
        number = one._number
        del one
        error = raised(lambda: counter._connection.ask(number, [], "it").result())
        report.equal("a proxy that is dropped lets its object go", type(error), KeyError)
    with executor.create(Own) as own:
        same, classes = own.give().result()
        report.fact("a class of the program itself will do", same is own and own.number == 3 and classes[0] is Own)


def test_large_values(report, executor):
    size = 20 << 20
    with executor.create(objects.Counter) as counter:
        report.equal("large arguments arrive", counter.give_length(bytes(size)).result(), size)
        report.equal("large results arrive", len(counter.echo(bytes(size)).result()), size)
        report.equal("many large ones do", [call.result() for call in
                                            [counter.give_length(bytes(1 << 17)) for _ in range(400)]], [1 << 17] * 400)
        report.equal("and many that wait for room", [len(call.result()) for call in
                                                     [counter.echo(bytes(50000)) for _ in range(200)]], [50000] * 200)
        try:
            import numpy
        except ImportError:
            report.skip("arrays", "there is no numpy")
            return
        array = numpy.arange(1 << 20, dtype=float)
        result = counter.echo(array).result()
        result[0] = 7
        report.fact("an array goes there and back, and can be changed", (result[1:] == array[1:]).all() and array[0] == 0)


def test_properties(report, executor):
    with executor.create(objects.Counter, 1) as counter:
        report.equal("properties have the types of the annotations",
                     {spec.name: spec.value_type.name for spec in counter.list_properties()},
                     {"value": "gint64", "ratio": "gdouble", "label": "gchararray", "anything": "PyObject",
                      "double": "gint64", "even": "gint64"})
        heard = []
        counter.connect("notify::value", lambda proxy, _: heard.append((proxy.value, threading.current_thread().name)))
        counter.value = 5
        report.equal("a property that is set has the value at once", counter.value, 5)
        report.equal("and the object has it", ferry.get(counter.remote.value), 5)
        report.equal("a change is told on the home's thread", heard, [(5, "ferry")])
        report.equal("what is computed changes too", counter.double, 10)
        counter.even = 7
        report.equal("the object may decide otherwise", (ferry.get(counter.remote.even), counter.even, counter.value), (6, 6, 6))
        report.fact("what is only read cannot be set", raised(lambda: setattr(counter, "double", 3)) is not None)
        for number in range(1000):
            counter.value = number
        report.equal("of many values the newest one arrives", counter.add(0).result(), 999)
        counter.value = 0
        counter.count_in_thread(1000)
        wait_for(lambda: counter.value == 1000, counter, "value")
        report.fact("changes of other threads are told", True)
        counter.value = 0
        counter.count_on_the_loop()
        wait_for(lambda: counter.value == LOOP_COUNT, counter, "value")
        report.fact("changes on the worker's loop are told", True)
        counter.value = 0
        call = counter.count_for_long()
        wait_for(lambda: counter.value > 10, counter, "value")
        report.fact("changes are told while a method runs", not call.done())
        call.cancel()
        report.equal("which is cancelled then", type(raised(call.result)), ferry.CancelledError)
    with executor.create(objects.Thing) as thing:
        thing.grow().result()
        report.equal("a GObject has its own properties", (thing.size, thing.props.size), (4, 4))
    with executor.create(objects.Plain) as plain:
        report.equal("an object of any class will do", ferry.get(plain.number), 4)
        report.equal("names of the proxy's own are behind 'remote'", plain.remote.connect("a").result(), "a!")


def test_ends(report, executor):
    error = raised(lambda: executor.create(objects.Counter, -1).add(1).result())
    report.equal("a class that fails makes each call fail", (type(error), error.number), (functions.OwnError, -1))

    def enter():
        with executor.create(objects.Counter, -2):
            pass

    report.equal("and the block", type(raised(enter)), functions.OwnError)
    report.equal("an inner class is refused", type(raised(lambda: executor.create(type("Inner", (), {"__qualname__": "f.<locals>.Inner"})))), pickle.PicklingError)
    with executor.create(objects.Counter) as counter:
        lost = threading.Event()
        errors = []
        counter.connect("lost", lambda _, error: (errors.append(error), lost.set()))
        waiting = [counter.leave(), counter.add(1)]
        found = [raised(call.result) for call in waiting]
        report.equal("a worker that ends is lost to each call", [type(error) for error in found], [ferry.WorkerLost] * 2)
        report.equal("with its exit", found[0].exit_status, 7)
        assert lost.wait(600)
        report.equal("the proxy tells of it", type(errors[0]), ferry.WorkerLost)
        report.equal("a later call fails too", type(raised(lambda: counter.add(1).result())), ferry.WorkerLost)
        report.equal("unless it has a default", ferry.get(counter.words, default=3), 3)
    counter = executor.create(objects.Counter)
    process = ferry.pass_to(counter, functions.get_process).result()
    call = counter.spin()
    counter.close()
    report.fact("a close ends what runs", "was closed" in str(raised(call.result)), [str(raised(call.result))])
    report.fact("and what comes later", "was closed" in str(raised(lambda: counter.add(1).result())))
    report.fact("the process is gone", waits_for_end(process))
    counter = executor.create(objects.Counter)
    process = ferry.pass_to(counter, functions.get_process).result()
    del counter, call
    report.fact("a proxy that is dropped ends the worker", waits_for_end(process))


def waits_for_end(process):
    """Whether a process ends, before the test does."""
    try:
        descriptor = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 600)[0])
    finally:
        os.close(descriptor)


def test_cancel(report, executor):
    with executor.create(objects.Counter) as counter:
        call = counter.spin()
        wait_for(lambda: counter.label == "spinning", counter, "label")
        later = counter.add(1)
        later.cancel()
        began = time.monotonic()
        call.cancel()
        report.equal("a cancel ends a loop that calls nothing", type(raised(call.result)), ferry.CancelledError)
        print("# after %.1f ms" % (1000 * (time.monotonic() - began)))
        report.equal("what waits is not begun", (type(raised(later.result)), counter.value), (ferry.CancelledError, 0))
        report.equal("the object goes on", counter.add(1).result(), 1)


def test_coroutines(report, executor):
    with executor.create(objects.Waiter) as waiter:
        report.equal("calls are in flight at once", sorted(call.result() for call in [waiter.meet() for _ in range(3)]), [0, 1, 2])
        first, _, second = waiter.note_and_wait("one"), waiter.note("two"), waiter.note_and_wait("three")
        waiter.let_end()
        second.result(), first.result()
        report.equal("they begin in their order, and plain methods in between", waiter.note("four").result(),
                     ["one", "two", "three", "one ended", "three ended", "four"])
        call = waiter.wait()
        wait_for(lambda: waiter.state == "waiting", waiter, "state")
        report.equal("a call goes by one that waits", waiter.count_plainly(0).exception(), None)
        call.cancel()
        report.equal("a cancel ends it", type(raised(call.result)), ferry.CancelledError)
        report.equal("and it knows why", waiter.state, "cancelled")
        report.equal("the main loop goes on meanwhile", waiter.wait_for_timer().result(), 7)
        error = raised(lambda: waiter.fail().result())
        report.equal("its exception has its own class", (type(error), error.number), (functions.OwnError, 7))
        report.fact("with its traceback", "in fail\n" in error.__notes__[-1] and "_objects.py" not in error.__notes__[-1],
                    error.__notes__)
        error = raised(lambda: waiter.leave().result())
        report.equal("one that would end the program is told of", (type(error), error.class_name),
                     (ferry.RemoteError, "SystemExit"))
        spinning, call = waiter.spin(), waiter.note_and_wait("never")
        wait_for(lambda: waiter.state == "spinning", waiter, "state")
        call.cancel(), spinning.cancel()
        report.equal("what has not begun does not begin", (type(raised(call.result)), "never" in waiter.note("five").result()),
                     (ferry.CancelledError, False))
        listener = Listener()
        logging.getLogger("objects").addHandler(listener)
        waiter.log().result()
        wait_until(waiter, lambda: len(listener.heard) == 2)
        logging.getLogger("objects").removeHandler(listener)
        report.equal("what it logs comes home, that of its tasks too", [text for _, text in listener.heard], ["one", "two"])
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "ended")
            call = waiter.wait(path)
            wait_for(lambda: waiter.state == "waiting", waiter, "state")
            end_time, ferry._proxy.END_TIME = ferry._proxy.END_TIME, 600
            waiter.__exit__(None, None, None)
            ferry._proxy.END_TIME = end_time
            report.fact("the end of the object cancels it", os.path.exists(path) and "was closed" in str(raised(call.result)))


def test_generators(report, executor):
    with executor.create(objects.Waiter) as waiter:
        report.equal("what it yields is iterated", list(waiter.count(1000)), list(range(1000)))
        report.equal("by plain generators, too", list(waiter.count_plainly(3)), [0, 1, 2])
        values = iter(waiter.count(2, fails=True))
        error = raised(lambda: [next(values), next(values), next(values)])
        report.equal("its exception comes behind its values", (type(error), error.number), (functions.OwnError, 2))
        report.equal("and then the end", list(values), [])
        waiter.state = "on"
        for number in waiter.count(1 << 40):
            if number == 2:
                break
        wait_for(lambda: waiter.state == "over", waiter, "state")
        report.fact("it ends with its reader", True)
        values = waiter.count(1 << 40).result()
        next(values)
        values.close()
        report.equal("or when it is closed", (type(raised(lambda: list(values))), list(values)), (ferry.CancelledError, []))
        del values
        report.equal("nothing is kept of them", ferry.pass_to(waiter, count_objects).result(), 1)


def count_objects(_):
    return len(ferry._objects._state.objects)


class Listener(logging.Handler):
    def __init__(self):
        super().__init__()
        self.heard = []

    def emit(self, record):
        self.heard.append((record.name, record.getMessage()))


def wait_until(proxy, condition):
    event = ferry._home.Event()
    source = GLib.Idle(priority=GLib.PRIORITY_LOW)
    source.set_callback(lambda *_: not condition() or event.set())
    source.attach(proxy._connection.home.context)
    event.wait(proxy._connection.home, None)


def test_notices(report, executor):
    listener = Listener()
    logging.getLogger("objects").addHandler(listener)
    with executor.create(objects.Counter) as counter:
        counter.log().result()
        # The record comes as a signal does.
        wait_until(counter, lambda: listener.heard)
    logging.getLogger("objects").removeHandler(listener)
    report.equal("what is logged comes home", listener.heard, [("objects", "it is 0")])


async def use_asyncio(report):
    async with ferry.Executor(workers=1) as executor:
        async with executor.create(objects.Counter, 1) as counter:
            report.equal("a call is awaited", await counter.add(2), 3)
            report.equal("a view is", await counter.words["a"][0], "x")
            report.equal("many are", await asyncio.gather(*[counter.add(0) for _ in range(100)]), [3] * 100)
            try:
                await asyncio.wait_for(counter.spin(), 0.05)
            except TimeoutError:
                report.equal("what awaits is cancelled, and so is the method", await counter.add(1), 4)
        async with executor.create(objects.Waiter) as waiter:
            report.equal("what a generator yields is awaited", [number async for number in waiter.count(3)], [0, 1, 2])
        report.equal("a proxy is awaited", (await executor.create(objects.Counter, 6)).value, 6)


def test_glib(report):
    """Under a loop of GLib: a property of the object is bound to that of another one, and back."""
    loop = GLib.MainLoop()
    main = threading.current_thread()

    class Widget(GObject.Object):
        value = GObject.Property(type=GObject.TYPE_INT64, default=0)

    async def use():
        executor = ferry.Executor(workers=1)
        counter = await executor.create(objects.Counter, 1)
        widget = Widget()
        threads = set()
        widget.connect("notify::value", lambda *_: threads.add(threading.current_thread()))
        counter.bind_property("value", widget, "value", GObject.BindingFlags.SYNC_CREATE | GObject.BindingFlags.BIDIRECTIONAL)
        report.equal("a widget has the value", widget.value, 1)
        await counter.add(2)
        report.equal("it follows the object", widget.value, 3)
        for number in range(100):
            widget.value = number
        report.equal("the object follows the widget", await counter.add(1), 100)
        report.equal("and the widget that", widget.value, 100)
        report.equal("on the thread of the loop", threads, {main})
        error = raised(lambda: counter.add(1).result())
        report.fact("no callback waits for its own loop", "await it" in str(error), [str(error)])
        counter.close()
        await counter._connection.ended
        executor.shutdown()

    async def whole():
        try:
            await use()
        finally:
            GLib.idle_add(loop.quit)

    GLib.idle_add(lambda: ferry.spawn(whole()) and False)
    loop.run()


def test_end_of_program(report):
    done = subprocess.run([sys.executable, "-c", LEAVE], text=True, stderr=subprocess.PIPE, check=False,
                          cwd=os.path.dirname(objects.__file__), timeout=600)
    report.fact("a program that ends says nothing of a call that runs", (done.returncode, "lost" in done.stderr) == (0, False),
                [done.returncode, done.stderr])


def body(report):
    with ferry.Executor(workers=1) as executor:
        for test in (test_calls, test_chains, test_references, test_large_values, test_properties, test_ends, test_cancel,
                     test_coroutines, test_generators, test_notices):
            test(report, executor)
        open_object = executor.create(objects.Counter)
        open_object.add(1).result()
    report.fact("the end of the executor is that of its objects", "was closed" in str(raised(lambda: open_object.add(1).result())))
    test_end_of_program(report)
    asyncio.run(use_asyncio(report))
    test_glib(report)


if __name__ == "__main__":
    tap.main(body)
