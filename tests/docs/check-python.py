#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Python reaches Ferry through its introspection data: check-python.py API-VERSION VERSION WORKER OBJECT-WORKER

The first worker is tests/workers/serving-worker.c, which serves the tasks that are submitted from here, the other one
tests/workers/object-worker.c, whose counter counts as long as it is not stopped.

Skipped where Python has no bindings (PyGObject).
"""

import concurrent.futures
import sys
import threading

import tap

try:
    import gi
    from gi.repository import Gio, GLib, GObject
except ImportError:
    gi = None

MESSAGES = [("first", 1), ("second", 2), ("third", 3)]


class Pipe:
    """A pipe whose sender is used by a thread; what its receiver hears is kept, and its end ends the loop."""

    def __init__(self, ferry, router):
        self.loop = GLib.MainLoop()
        self.heard = []
        self.exits = []
        _, self.sender, self.receiver = router.pipe(ferry.PipeFlags.QUEUED)
        self.receiver.connect("message", lambda _, message: self.heard.append(message.unpack()))
        self.receiver.connect("closed", self.end)

    def end(self, _, end):
        self.exits.append(end)
        self.loop.quit()

    def run(self, send):
        """Has send (sender) run in a thread, and the loop until the pipe is at its end."""
        def body():
            self.sender.start()
            send(self.sender)
            self.sender.stop()

        thread = threading.Thread(target=body)
        thread.start()
        self.loop.run()
        thread.join()


def send_variants(sender):
    for message in MESSAGES:
        sender.send(GLib.Variant("(si)", message))


def test_values(report, ferry, version):
    report.equal("the version is told", ferry.VERSION_STRING, version)
    report.equal("the priority is what C has", ferry.PRIORITY_DEFAULT, GLib.PRIORITY_HIGH_IDLE + 25)
    report.equal("the router has it", ferry.Router.new(None).props.priority, ferry.PRIORITY_DEFAULT)


def test_messages(report, ferry, router):
    pipe = Pipe(ferry, router)
    pipe.run(send_variants)
    report.equal("messages arrive, in order", pipe.heard, MESSAGES)
    report.equal("the pipe ends once", len(pipe.exits), 1)
    report.equal("with the reason", pipe.exits[0].get_reason(), ferry.CloseReason.STOPPED)
    report.fact("which is a success", pipe.exits[0].is_success())
    report.equal("the receiver says so as well", pipe.receiver.get_exit().get_message(), pipe.exits[0].get_message())


def test_handler(report, ferry, router):
    pipe = Pipe(ferry, router)
    heard = []
    # Versions of the bindings differ in whether they hand on the size, which the bytes know.
    pipe.receiver.set_handler(lambda _receiver, data, *others: heard.append((bytes(data), *others[-2:])), "word")
    pipe.run(lambda sender: sender.send_bytes(b"bytes"))
    report.equal("a handler is given bytes, no type and its data", heard, [(b"bytes", None, "word")])


def test_route_until(report, ferry, router):
    pipe = Pipe(ferry, router)
    pipe.sender.start()
    send_variants(pipe.sender)
    router.route_until(lambda _: len(pipe.heard) == len(MESSAGES), None, GLib.USEC_PER_SEC * 30)
    report.equal("the router routes until a condition holds", pipe.heard, MESSAGES)
    router.close_pipe(pipe.receiver)
    report.equal("pipes are counted", router.props.n_pipes, 0)


def test_error(report, ferry, router):
    try:
        router.start()
        report.fact("a second start fails", False)
    except GLib.Error as error:
        report.fact("a second start fails with an error of Ferry's",
                    error.matches(ferry.Error.quark(), ferry.Error.ALREADY_RUNNING), [str(error)])


def define_noting_task(ferry):
    """A task of Python's own, which notes what it hears."""
    class NotingTask(ferry.Task):
        def __init__(self, **properties):
            super().__init__(**properties)
            self.heard = []

        def do_message(self, kind, value):
            self.heard.append((kind, value.unpack()))

        def do_yielded(self, value):
            self.heard.append(value.unpack())

        def do_done(self):
            self.heard.append("done")

    return NotingTask


def test_task(report, ferry, executor):
    loop = GLib.MainLoop()
    task = executor.submit("add", GLib.Variant("(xx)", (40, 2)))
    task.connect("done", lambda _: loop.quit())
    loop.run()
    report.equal("a task gives its result", task.get_result().unpack(), 42)
    report.equal("and says how it ended", task.props.state, ferry.TaskState.COMPLETED)
    report.equal("it is counted", executor.props.n_completed, 1)


def test_own_task(report, ferry, executor):
    noting_task = define_noting_task(ferry)
    task = noting_task(function="send", arguments=GLib.Variant("t", 3))
    executor.submit_task(task)
    task.wait(-1)
    report.equal("a class of Python's hears messages", task.heard,
                 [("number", 0), ("number", 1), ("number", 2), "done"])
    task = noting_task(kind=ferry.TaskKind.ITERATION, function="yield", arguments=GLib.Variant("t", 3))
    executor.submit_task(task)
    report.equal("an iteration has a result at its end", task.wait(-1).unpack(), 3)
    report.equal("after its values", task.heard, [0, 1, 2, "done"])


def raised_in(function):
    try:
        function()
    except GLib.Error as error:
        return error
    return GLib.Error("nothing was raised")


def raised_by(task):
    return raised_in(lambda: task.wait(-1))


def test_failing_task(report, ferry, executor):
    task = executor.submit("fail", GLib.Variant("(sis)", ("g-file-error-quark", 4, "no such file")))
    error = raised_by(task)
    report.fact("a worker's error is raised as itself", error.matches(GLib.file_error_quark(), 4), [str(error)])
    report.fact("its trace is found", "fail" in (ferry.Error.get_trace(error) or ""))
    task = executor.submit("crash", GLib.Variant("i", 9))
    error = raised_by(task)
    report.fact("a death is the task's error", error.matches(ferry.Error.quark(), ferry.Error.WORKER_LOST), [str(error)])
    report.equal("with the reason", task.get_exit().get_reason(), ferry.CloseReason.KILLED)


def test_ends_of_tasks(report, ferry, executor):
    loop = GLib.MainLoop()
    group = ferry.TaskGroup.new()
    task = executor.submit("sleep-until-cancelled", None)
    group.add(task)
    report.equal("a group cancels its tasks", group.cancel(), 1)

    def end(_, result):
        executor.shutdown_finish(result)
        loop.quit()

    executor.shutdown_async(GLib.USEC_PER_SEC * 10, None, end)
    loop.run()
    report.equal("what was cancelled says so", task.props.state, ferry.TaskState.CANCELLED)
    report.equal("a shutdown ends", executor.props.state, ferry.ExecutorState.STOPPED)


def test_function(report, ferry, router):
    """Functions may be Python's as well; here they run in threads of this program."""
    ferry.function_register("python-double", "x", "x", lambda _job, number: GLib.Variant("x", 2 * number.unpack()))
    executor = ferry.Executor.new(ferry.Pool.new_for_threads(router))
    task = executor.submit("python-double", GLib.Variant("x", 21))
    report.equal("a function of Python's is run", task.wait(-1).unpack(), 42)


def call(executor, function, arguments, cancellable=None):
    """What one call gives: a value, or an error."""
    loop = GLib.MainLoop()
    outcome = []

    def called(source, result):
        try:
            outcome.append(source.call_finish(result))
        except GLib.Error as error:
            outcome.append(error)
        loop.quit()

    executor.call_async(function, arguments, cancellable, called)
    if cancellable:
        cancellable.cancel()
    loop.run()
    return outcome[0]


def test_calls(report, ferry, worker):
    executor = ferry.Executor.new_for_program(worker)
    report.fact("the default router was started", ferry.Router.get_default().get_running())
    report.equal("a call gives a result", call(executor, "add", GLib.Variant("(xx)", (2, 3))).unpack(), 5)
    report.equal("or none", call(executor, "nothing", None), None)
    error = call(executor, "fail", GLib.Variant("(sis)", ("g-file-error-quark", 4, "It is not there")))
    report.fact("or an error", error.matches(GLib.file_error_quark(), 4), [str(error)])
    error = call(executor, "sleep-until-cancelled", None, Gio.Cancellable())
    report.fact("a call can be cancelled", error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED), [str(error)])
    error = raised_in(lambda: ferry.Executor.new_for_program("/nowhere/worker"))
    report.fact("a program that is not there raises", error.matches(ferry.Error.quark(), ferry.Error.LAUNCH_FAILED), [str(error)])


def test_tasks(report, ferry, router, worker):
    pool = ferry.Pool.new(router, ferry.Launcher.new([worker]))
    executor = ferry.Executor.new(pool)
    test_task(report, ferry, executor)
    test_own_task(report, ferry, executor)
    test_failing_task(report, ferry, executor)
    test_ends_of_tasks(report, ferry, executor)
    test_function(report, ferry, router)


def run_in_thread(function):
    """Has function run in a thread, where it may wait, and the main loop until it is through. Returns its result."""
    loop = GLib.MainLoop()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        future = pool.submit(function)
        future.add_done_callback(lambda _: GLib.idle_add(loop.quit))
        loop.run()
    return future.result()


def use_counter(ferry, counter):
    """A counter of another process is toggled, read and stopped while it runs."""
    toggle = GLib.Variant("((ss))", (("pass-to", "toggle"),))
    counter.wait_until_listening(-1, None)
    start = counter.get("value", -1, None).unpack()
    while counter.get("value", -1, None).unpack() < start + 100:
        pass
    is_counting = counter.resolve(toggle, None, -1, None).value.unpack()
    halted = [counter.get("value", -1, None).unpack() for _ in range(100)]
    counter.set("value", GLib.Variant("i", 5), -1, None)
    added = counter.call("add", GLib.Variant("(i)", (3,)), -1, None).value.unpack()
    counts_again = counter.resolve(toggle, None, -1, None).value.unpack()
    while counter.get("value", -1, None).unpack() == added:
        pass
    itself = counter.call("get_self", None, -1, None).object
    counter.call("stop", None, -1, None)
    return is_counting, len(set(halted)), added, counts_again, itself


def test_proxy(report, ferry, router, worker):
    launcher = ferry.Launcher.new([worker, "turns"])
    counter = ferry.Proxy.new(launcher.add_transport(router, "objects"), "counter")
    process = launcher.spawn(router)
    loop = GLib.MainLoop()
    process.connect("ended", lambda *_: loop.quit())
    report.equal("a counter elsewhere is toggled, read and stopped while it runs",
                 run_in_thread(lambda: use_counter(ferry, counter)), (False, 1, 8, True, counter))
    if process.props.state != ferry.WorkerState.ENDED:
        loop.run()
    report.equal("after which its process ends in good order", process.props.exit.props.exit_status, 7)
    error = run_in_thread(lambda: raised_in(lambda: counter.call("stop", None, -1, None)))
    report.fact("and calls are errors", error.matches(ferry.Error.quark(), ferry.Error.CLOSED), [str(error)])
    error = raised_in(lambda: counter.call("stop", None, -1, None))
    report.fact("no call waits on the main loop's thread",
                error.matches(ferry.Error.quark(), ferry.Error.WRONG_THREAD), [str(error)])


def define_counter():
    class Counter(GObject.Object):
        value = GObject.Property(type=int, default=0, minimum=0, maximum=100)

    return Counter


def export_counter(ferry, transport):
    """An object of Python's own, with a method and a property. Returns it, and what has to be kept."""
    def add(counter, call, word):
        number, = call.get_arguments().unpack()
        if number < 0:
            call.return_error(GLib.Error(word, "g-io-error-quark", Gio.IOErrorEnum.INVALID_ARGUMENT))
            return
        counter.value += number
        call.return_value(GLib.Variant("i", counter.value))

    counter = define_counter()()
    interface = ferry.Interface.new("org.example.Counter", type(counter))
    interface.add_method("add", "i", "i", add, "less than nothing")
    interface.add_property("value", Gio.DBusPropertyInfoFlags.READABLE)
    exporter = ferry.Exporter.new()
    exporter.set_context(None)
    exporter.export("counter", counter, interface, ferry.CallPolicy.SERIAL)
    exporter.add_transport(transport)
    exporter.start()
    return counter, exporter


def test_exported_object(report, ferry):
    here, there = ferry.Transport.new_pair()
    counter, exporter = export_counter(ferry, here)
    proxy = ferry.Proxy.new(there, "counter")
    heard = []
    loop = GLib.MainLoop()

    def hear(_, name, value):
        heard.append((name, value.unpack()))
        if value.unpack() == 42:
            loop.quit()

    proxy.connect("changed", hear)
    proxy.follow(["value"], None)
    run_in_thread(lambda: proxy.wait_until_listening(-1, None))
    report.equal("a method of Python's is called", run_in_thread(
        lambda: proxy.call("add", GLib.Variant("(i)", (3,)), -1, None).value.unpack()), 3)
    error = run_in_thread(lambda: raised_in(lambda: proxy.call("add", GLib.Variant("(i)", (-1,)), -1, None)))
    report.fact("its error is raised", error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.INVALID_ARGUMENT), [str(error)])
    GLib.idle_add(lambda: counter.set_property("value", 42))
    loop.run()
    report.equal("its property is followed", heard[-1], ("value", 42))
    exporter.stop(ferry.StopMode.DRAIN)
    report.fact("it can be stopped", not exporter.props.listening)


def body(report):
    api_version, version, worker, object_worker = sys.argv[1:]
    if gi is None:
        report.skip("python", "there is no PyGObject for %s" % sys.executable)
        return
    gi.require_version("Ferry", api_version)
    from gi.repository import Ferry

    test_values(report, Ferry, version)
    router = Ferry.Router.new(None)
    report.fact("a router starts", router.start() and router.get_running())
    test_messages(report, Ferry, router)
    test_handler(report, Ferry, router)
    test_route_until(report, Ferry, router)
    test_error(report, Ferry, router)
    test_tasks(report, Ferry, router, worker)
    test_calls(report, Ferry, worker)
    test_proxy(report, Ferry, router, object_worker)
    test_exported_object(report, Ferry)
    report.fact("and stops", router.stop() and not router.get_running())


tap.main(body)
