#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Python reaches Ferry through its introspection data: check-python.py API-VERSION VERSION WORKER

The worker is tests/workers/serving-worker.c, which serves the tasks that are submitted from here.

Skipped where Python has no bindings (PyGObject).
"""

import sys
import threading

import tap

try:
    import gi
    from gi.repository import GLib
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
    report.equal("no deadline is a number below zero", ferry.NO_DEADLINE, -1)


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
    report.equal("pipes are counted", router.get_n_pipes(), 0)


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
    task.wait(ferry.NO_DEADLINE)
    report.equal("a class of Python's hears messages", task.heard,
                 [("number", 0), ("number", 1), ("number", 2), "done"])
    task = noting_task(kind=ferry.TaskKind.ITERATION, function="yield", arguments=GLib.Variant("t", 3))
    executor.submit_task(task)
    report.equal("an iteration has a result at its end", task.wait(ferry.NO_DEADLINE).unpack(), 3)
    report.equal("after its values", task.heard, [0, 1, 2, "done"])


def raised_by(task):
    try:
        task.wait(-1)
    except GLib.Error as error:
        return error
    return GLib.Error("nothing was raised")


def test_failing_task(report, ferry, executor):
    task = executor.submit("fail", GLib.Variant("(sis)", ("g-file-error-quark", 4, "no such file")))
    error = raised_by(task)
    report.fact("a worker's error is raised as itself", error.matches(GLib.file_error_quark(), 4), [str(error)])
    report.fact("its trace is found", "fail" in (ferry.Error.get_trace(error) or ""))
    errors = ferry.ErrorList.new()
    errors.add_task("work", task)
    report.equal("a list has it", [record.get_phase() for record in errors], ["work"])
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
    report.equal("a function of Python's is run", task.wait(ferry.NO_DEADLINE).unpack(), 42)


def test_tasks(report, ferry, router, worker):
    pool = ferry.Pool.new(router, ferry.Launcher.new([worker]))
    executor = ferry.Executor.new(pool)
    test_task(report, ferry, executor)
    test_own_task(report, ferry, executor)
    test_failing_task(report, ferry, executor)
    test_ends_of_tasks(report, ferry, executor)
    test_function(report, ferry, router)


def body(report):
    api_version, version, worker = sys.argv[1:]
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
    report.fact("and stops", router.stop() and not router.get_running())


tap.main(body)
