#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A worker of Python's own, with functions that use all of a job: python-functions-worker.py API-VERSION GIR

It also has the functions of channels "talk" and "part", and an object where it was given the transport "objects".
"""

import os
import sys

import gi

gi.require_version("Ferry", sys.argv[1])
from gi.repository import Ferry, Gio, GLib

import callables

_, recorder = callables.prepare(Ferry, sys.argv[2])


def use_job(job, arguments):
    """A job that says how far it is, sends and yields, and uses the bytes and the file that it was given."""
    bytes_handle, file_handle = arguments.unpack()
    job.check()
    job.get_cancellable()
    assert not job.is_cancelled()
    job.report(0.1, "begun")
    job.report_amount(1, 4, "bytes", None)
    job.begin_part(0.5)
    job.end_part()
    job.send("word", GLib.Variant("s", "sent"))
    job.yield_(GLib.Variant("s", "yielded"))
    descriptor = job.dup_descriptor(file_handle)
    text = os.pread(descriptor, 100, 0).decode()
    os.close(descriptor)
    return GLib.Variant("s", bytes(job.dup_bytes(bytes_handle).get_data()).decode() + text)


def use_steps(job, _arguments):
    job.set_n_steps(1)
    job.step("one")


def fail(_job, _arguments):
    raise GLib.Error("It is not there", "g-file-error-quark", 4)


def fail_with_trace(job, _arguments):
    job.fail(GLib.Error("It is not there", "g-file-error-quark", 4), "in Python\n")


def take_nothing(_job, arguments):
    return GLib.Variant("b", arguments is None)


def talk(channel, arguments):
    """Says what it was called with, then gives each value back until the other end closes."""
    channel.get_arguments()
    channel.send(arguments, -1, None)
    while True:
        there, value, failure = channel.receive(-1, None)
        if not there or (value is None and failure is None):
            return True
        if failure:
            channel.send_error(failure, -1, None)
        else:
            channel.send_acknowledged(value, -1, None)


def send_buffer():
    """What only a worker of its own can: a buffer through a sender."""
    assert isinstance(Ferry.Worker.get_transport("objects"), Ferry.Transport)
    sender = Ferry.Worker.get_sender("out")
    sender.start()
    buffer = sender.create_buffer(5000000)
    buffer.write(0, b"hello")
    buffer.shrink(5)
    sender.send_buffer(None, buffer)
    sender.stop()


def leave(_job, _arguments):
    Ferry.Worker.exit(7)


def main():
    for name, function, arguments, result in (
            ("use-job", use_job, "(hh)", "s"), ("use-steps", use_steps, None, ""), ("fail", fail, None, ""), ("fail-with-trace", fail_with_trace, None, ""),
            ("take-nothing", take_nothing, None, "b"), ("leave", leave, None, "")):
        Ferry.function_register(name, arguments, result, recorder.heard("FunctionFull", function))
    Ferry.Channel.function_register("talk", "s", recorder.heard("ChannelFunctionFull", talk))
    Ferry.Worker.add_initialiser("greet", recorder.heard("Initialiser", lambda *_: True))
    if sys.argv[3:] == ["send-buffer"]:
        send_buffer()
        return
    was_worker, rest = Ferry.Worker.main(sys.argv)
    print("not a worker", was_worker, rest)


main()
