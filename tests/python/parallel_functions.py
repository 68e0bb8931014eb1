# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What workers do in the tests of ferry.parallel."""

import os
import threading


def square(number):
    return number * number


def fail_at_two(number):
    if number == 2:
        raise ValueError("two")
    return number


def die_at_two(number):
    if number == 2:
        os._exit(7)
    return number


def give_an_exception(_number):
    return ValueError("a value")


def answer(channel):
    """Answers until the other end closes the channel."""
    count = 0
    try:
        while True:
            channel.send(2 * channel.receive())
            count += 1
    except EOFError:
        pass


def send_three(channel, first):
    for i in range(3):
        channel.send(first + i)


def send_and_fail(channel):
    channel.send("before")
    raise ValueError("after")


def say_nothing(channel):
    pass


def wait_for_word(channel):
    channel.send((os.getpid(), threading.active_count()))
    return channel.receive()
