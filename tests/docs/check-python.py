#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Python reaches Ferry through its introspection data: check-python.py API-VERSION VERSION

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


def body(report):
    api_version, version = sys.argv[1:]
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
    report.fact("and stops", router.stop() and not router.get_running())


tap.main(body)
