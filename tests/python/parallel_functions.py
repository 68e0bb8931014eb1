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


def send_and_wait(channel, values, path):
    """Sends the number of the process and values, and then waits for a word in a pipe of the file system."""
    for value in (os.getpid(), *values):
        channel.send(value)
    with open(path, encoding="utf-8") as file:
        channel.send(file.read())


def tell(channel):
    """What this process is, and what it has of its application's."""
    channel.send((os.getpid(), os.getppid(), os.getsid(0), os.readlink("/proc/self/fd/0"), os.readlink("/proc/self/fd/2")))


def add_up_in_a_queue(numbers):
    from ferry import parallel
    queue = parallel.Queue(limit=2)
    for number in numbers:
        queue.manage(parallel.MakeParallel(square))(number)
    return sum(queue)


def answer_for_ever(channel):
    while True:
        channel.send(2 * channel.receive())
