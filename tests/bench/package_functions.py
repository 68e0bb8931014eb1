# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What workers run in bench-package.py: a module, as loky sends the functions of a program by their code."""

import functools
import sys


def echo(value):
    return value


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
