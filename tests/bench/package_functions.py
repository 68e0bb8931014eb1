# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What workers run in bench-package.py: a module, as loky sends the functions of a program by their code."""

import functools
import sys
import time


def echo(value):
    return value


def work(seconds):
    """Takes so much of a processor, however busy the machine is."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass
    return seconds


def has_numpy(_):
    return "numpy" in sys.modules


@functools.cache
def make_bytes(size):
    return b"x" * size


@functools.cache
def make_array(size):
    import numpy
    return numpy.ones(size, dtype=numpy.uint8)


def send_numbers(sender, count):
    for number in range(count):
        sender.send(number)


def put_numbers(queue, count):
    for number in range(count):
        queue.put(number)


def get_own_memory():
    """Bytes of this process that are no other's: what it takes by itself."""
    with open("/proc/self/smaps_rollup", encoding="ascii") as file:
        lines = [line.split() for line in file]
    return sum(int(line[1]) for line in lines if line[0] in ("Private_Clean:", "Private_Dirty:")) * 1024
