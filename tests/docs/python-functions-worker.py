#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A worker of Python's own, with functions that use all of a job: python-functions-worker.py API-VERSION GIR

It also has the functions of channels "talk" and "part", and an object where it was given the transport "objects". With a
word behind its arguments, it does one thing and serves nothing: "send-buffer", or "listen" for a persistent worker.
"""

import ctypes
import os
import random
import sys
import tempfile
import time

import gi

gi.require_version("Ferry", sys.argv[1])
from gi.repository import Ferry, Gio, GLib

import callables

# More than goes through a lane: it travels in shared memory. A variant of bytes that are given as such is made at once.
LARGE = GLib.Variant.new_from_bytes(GLib.VariantType("ay"), GLib.Bytes.new(bytes(5000000)), True)

# The processes in which a handler of Python's own ran: none, or this one.
FORKED = []

_, recorder = callables.prepare(Ferry, sys.argv[2])


def run_fork_handlers(*_):
    ctypes.pythonapi.PyOS_BeforeFork()
    ctypes.pythonapi.PyOS_AfterFork_Child()


def use_job(job, arguments):
    """A job that says how far it is, sends and yields, and uses the bytes and the file that it was given."""
    bytes_handle, file_handle = arguments.unpack()
    job.check()
    job.commit()
    job.get_cancellable()
    assert not job.is_cancelled()
    assert not job.is_repeated()
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


def use_sender(job, _arguments):
    sender = job.get_sender(0)
    sender.start()
    for number in range(3):
        sender.send(GLib.Variant("x", number))
    buffer = job.create_buffer(100000)
    ctypes.memmove(buffer.get_data()[0], b"hello", 5)
    buffer.shrink(50000)
    job.return_buffer(buffer)


def use_steps(job, _arguments):
    job.set_n_steps(1)
    job.step("one")


def fail(_job, _arguments):
    raise GLib.Error("It is not there", "g-file-error-quark", 4)


def fail_with_trace(job, _arguments):
    job.fail(GLib.Error("It is not there", "g-file-error-quark", 4), "in Python\n")


def count(job, number):
    for i in range(number.unpack()):
        job.yield_(GLib.Variant("u", i))
    return number


def use_transport(job, handle):
    """The descriptor of a task is a socket here, and a channel over it has messages both ways."""
    descriptor = job.dup_descriptor(handle.unpack())
    channel = Ferry.Channel.new(Ferry.Transport.new_for_descriptors(descriptor, descriptor))
    _, value, _ = channel.receive(-1, None)
    channel.send(value, -1, None)
    channel.send_acknowledged(LARGE, -1, None)


def give_descriptor(job, _arguments):
    """A file and one end of a channel come home with a message."""
    with tempfile.TemporaryFile() as file:
        file.write(b"from the worker")
        file.flush()
        file_handle = job.return_descriptor(file.fileno())
        job.send_partial_result(job.return_file(file.fileno(), GLib.VariantType("s")))
    transport, transport_handle = job.return_transport()
    channel = Ferry.Channel.new(transport)
    job.send("home", GLib.Variant("(hh)", (file_handle, transport_handle)))
    _, value, _ = channel.receive(-1, None)
    channel.send_acknowledged(value, -1, None)


def run_programs(job, _arguments):
    """Two programs, a folder for what they write, and a question to the application."""
    path = os.path.join(job.get_scratch_folder(), "copy")
    _, result = job.run_command(Ferry.Command.new(["echo", "from a program"]))
    job.run_task(Ferry.Task.new_for_command(Ferry.Command.new(["touch", path])))
    assert os.path.exists(path)
    job.ask("Which?")
    answers = job.dup_answers()
    answer = os.read(answers, 100)
    os.close(answers)
    return GLib.Variant("(ss)", (bytes(result.unpack()[1]).decode(), answer.decode()))


def return_bytes(_job, _arguments):
    return LARGE


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


def get_late_sender():
    """A sender that the application gives to this process while it runs."""
    while True:
        try:
            return Ferry.Worker.get_sender("late")
        except GLib.Error:
            time.sleep(0.01)


def send_buffer():
    """What only a worker of its own can: a buffer through a sender."""
    assert isinstance(Ferry.Worker.get_transport("objects"), Ferry.Transport)
    sender = Ferry.Worker.get_sender("out")
    sender.start()
    buffer = sender.create_buffer(5000000)
    address, size = buffer.get_data()
    memory = (ctypes.c_char * size).from_address(address)
    memory[:5] = b"hello"
    buffer.shrink(5)
    sender.send_buffer(None, buffer)
    sender.stop()
    sender = get_late_sender()
    sender.start()
    sender.send(GLib.Variant("s", "late"))


def listen():
    """What only a worker that outlives its application does: it keeps a result until one has attached and taken it."""
    listener = Ferry.Listener.new_from_environment()
    transport = listener.accept(-1, None)
    channel = Ferry.Channel.new(transport)
    channel.send_acknowledged(GLib.Variant("s", "kept"), -1, None)
    channel.close()
    # It leaves when it has taken the end.
    channel.receive(-1, None)
    listener.close()


def draw(_job, _arguments):
    """A random number, the process, and the processes in which Python's own handler ran."""
    return GLib.Variant("(diai)", (random.random(), os.getpid(), FORKED))


def leave(_job, _arguments):
    Ferry.Worker.exit(7)


def main():
    for name, function, arguments, result in (
            ("use-job", use_job, "(hh)", "s"), ("use-sender", use_sender, None, "ay"),
            ("use-steps", use_steps, None, ""), ("fail", fail, None, ""), ("fail-with-trace", fail_with_trace, None, ""),
            ("count", count, "u", "u"),
            ("use-transport", use_transport, "h", ""), ("give-descriptor", give_descriptor, None, ""), ("run-programs", run_programs, None, "(ss)"),
            ("return-bytes", return_bytes, None, "ay"), ("take-nothing", take_nothing, None, "b"), ("leave", leave, None, ""), ("draw", draw, None, "(diai)")):
        Ferry.function_register(name, arguments, result, recorder.heard("FunctionFull", function))
    Ferry.Channel.function_register("talk", "s", recorder.heard("ChannelFunctionFull", talk))
    os.register_at_fork(after_in_child=lambda: FORKED.append(os.getpid()))
    Ferry.Worker.add_fork_handler(recorder.heard("ForkHandler", run_fork_handlers))
    Ferry.Worker.set_program_version("1.0")
    Ferry.Worker.add_initialiser("greet", recorder.heard("Initialiser", lambda *_: True))
    alone = {"send-buffer": send_buffer, "listen": listen}
    if sys.argv[3:]:
        alone[sys.argv[3]]()
        return
    was_worker, rest = Ferry.Worker.main(sys.argv)
    print("not a worker", was_worker, rest)


main()
