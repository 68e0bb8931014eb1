#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library itself is one of Python's, by the overrides: check-overrides.py

This program is its own worker.
"""

import asyncio
import os
import sys
import threading

import gi
import tap

gi.require_version("Ferry", "1")
from gi.repository import Ferry, GLib  # noqa: E402


def double(_job, number):
    return GLib.Variant("x", 2 * number.unpack())


def reverse(_job, data):
    return Ferry.to_variant(bytes(reversed(Ferry.from_variant(data))))


def count(channel, _data):
    for number in range(channel.get_arguments().unpack()):
        channel.send(number)
    return True


def register():
    Ferry.function_register("double", "x", "x", double)
    Ferry.function_register("reverse", "ay", "ay", reverse)
    Ferry.Channel.function_register("count", "x", count)
    Ferry.Worker.main(sys.argv)


def raised(function):
    try:
        return function()
    except Exception as error:
        return error


def test_values(report):
    for value, kind in ((True, "b"), (3, "x"), (0.5, "d"), ("a", "s"), (b"\0a", "ay"), ((1, "a"), "(xs)"), ([1, "a"], "av"),
                        ({"a": 1}, "a{sv}")):
        variant = Ferry.to_variant(value)
        report.equal("%r is %s, and comes back" % (value, kind), (variant.get_type_string(), Ferry.from_variant(variant)),
                     (kind, value))
    own = GLib.Variant("y", 3)
    report.fact("a GVariant stays as it is", Ferry.to_variant(own) is own)
    report.equal("what has no such type is refused", type(raised(lambda: Ferry.to_variant(object()))), TypeError)


def test_executor(report, launcher):
    loop = GLib.MainLoop()
    ended = []
    with Ferry.Router() as router:
        report.fact("a block starts a router", router.get_running())
        pool = Ferry.Pool(router, launcher, max_workers=1, use_fork_server=False)
        report.equal("keywords are properties", (pool.props.max_workers, pool.props.use_fork_server), (1, False))
        with Ferry.Executor(pool=pool) as executor:
            report.equal("arguments are packed", executor.submit("double", 21).wait(-1).unpack(), 42)
            report.equal("bytes are", Ferry.from_variant(executor.submit("reverse", b"abc").wait(-1)), b"cba")
            task = executor.submit("double", 1)
            report.equal("tasks are a list", [item.props.function for item in executor][-1], "double")
            executor.connect("notify::state", lambda *_: executor.props.state == Ferry.ExecutorState.STOPPED
                             and (ended.append(task.get_done()), loop.quit()))
        loop.run()
        report.equal("the end of a block is that of an executor, after its tasks", ended, [True])
    report.fact("and of a router", not router.get_running())


def test_awaits(report, launcher):
    """An executor at home in another context than the loop's own, which a thread iterates."""
    context = GLib.MainContext.new()
    loop = GLib.MainLoop(context)
    ready = threading.Event()
    things = []

    def run():
        context.push_thread_default()
        with Ferry.Router(context) as router:
            pool = Ferry.Pool(router, launcher, max_workers=1, use_fork_server=False)
            things.append(Ferry.Executor.new(pool))
            ready.set()
            loop.run()
            things.clear()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait()

    async def use():
        report.equal("a task is awaited", await things[0].submit("double", 4), 8)
        try:
            await things[0].submit("nothing", 4)
        except GLib.Error as error:
            report.fact("and its error raised", error.matches(Ferry.Error.quark(), Ferry.Error.UNKNOWN_FUNCTION), [error])

    try:
        asyncio.run(use())
    finally:
        loop.quit()
        thread.join()


def test_channel(report, launcher):
    with Ferry.Router() as router:
        channel = Ferry.Channel.start(launcher, router, "count", GLib.Variant("x", 5))
        values = []
        loop = GLib.MainLoop()

        def take():
            values.extend(channel)
            GLib.idle_add(loop.quit)

        thread = threading.Thread(target=take)
        thread.start()
        loop.run()
        thread.join()
        report.equal("a channel is read to its end", values, [0, 1, 2, 3, 4])


def test_others(report):
    one, other = Ferry.Transport.new_pair()
    with one:
        pass
    report.fact("a block closes a transport", one.props.closed)
    with Ferry.Router() as router:
        pipe = router.pipe(Ferry.PipeFlags(0))
        sender, receiver = pipe.sender, pipe.receiver
        heard = []
        receiver.connect("message", lambda _receiver, message: heard.append(message.unpack()))
        closed = []
        receiver.connect("closed", lambda *_: closed.append(True))
        with sender:
            sender.send(Ferry.to_variant("hello"))
        while not closed:
            GLib.MainContext.default().iteration(True)
        report.equal("a block starts a sender, and stops it", heard, ["hello"])
        pipe = router.pipe(Ferry.PipeFlags(0))
        with pipe.sender:
            memory = pipe.sender.create_buffer(3).memory
            memory[::2] = b"ac"
            report.equal("a buffer has its memory", memory.tobytes()[::2], b"ac")
        router.close_pipe(pipe.receiver)


def body(report):
    launcher = Ferry.Launcher([sys.executable, os.path.abspath(__file__)], name="double")
    test_values(report)
    test_others(report)
    test_executor(report, launcher)
    test_awaits(report, launcher)
    test_channel(report, launcher)


if __name__ == "__main__":
    register()
    tap.main(body)
