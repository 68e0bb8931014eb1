# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Both ends of a channel in the tests of mux and demux."""

import os
import threading
import time

import ferry

barrier = threading.Barrier(4)
# Set when an answer is made, and when that has heard that nobody waits for it: one that has not begun is not made.
begun = threading.Event()
heard = threading.Event()


class OwnError(Exception):
    def __init__(self, message, number):
        super().__init__(message, number)
        self.number = number


class Answers(ferry.DeMux):
    def process_transaction(self, what, *args, **kwargs):
        return getattr(self, "do_" + what)(*args, **kwargs)

    def do_add(self, one, other=1):
        return one + other

    def do_fail(self):
        raise OwnError("not so", 7)

    def do_leave(self):
        raise SystemExit("bye")

    def do_meet(self):
        return barrier.wait(600)

    def do_lock(self):
        return threading.Lock()

    def do_repeat(self, data):
        return data

    def do_wait(self):
        begun.set()
        while not ferry.cancelled():
            time.sleep(0.001)
        heard.set()

    def do_process(self):
        return os.getpid()

    def do_die(self):
        os._exit(7)


def serve(channel):
    demux = Answers(channel)
    return demux.wait()


def ask(channel, numbers):
    with ferry.Mux(channel) as mux:
        return [mux.transaction(number) for number in numbers]
