# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What workers send in the tests of pipes."""

import os
import signal
import threading

import ferry


def send_numbers(sender, number):
    for i in range(number):
        sender.send(i)
    return number


def send_from_block(sender, number):
    with sender:
        return send_numbers(sender, number)


def send_one(sender, value):
    sender.send(value)
    return -value


def send_and_yield(sender, number):
    for i in range(number):
        sender.send(-i)
        yield i


def send_and_die(sender, number):
    send_numbers(sender, number)
    os.kill(os.getpid(), signal.SIGKILL)


def send_for_ever(sender, path):
    """The file has how many were sent."""
    ferry.report(0.5, "begun")
    number = 0
    with open(path, "wb", buffering=0) as file:
        while True:
            sender.send(number)
            number += 1
            file.seek(0)
            file.write(b"%10d" % number)


def send_until_refused(sender):
    try:
        while True:
            sender.send(bytes(1000))
    except BrokenPipeError as error:
        return str(error)


def send_after_close(sender):
    sender.send(1)
    sender.close()
    sender.send(2)


def send_arrays(sender, number):
    import numpy
    for i in range(number):
        sender.send({"index": i, "array": numpy.full(1 << 18, i, dtype=float), "bytes": bytes(1 << 20)})


def send_the_sender(sender):
    sender.send([sender])


def send_in_threads(sender, number):
    threads = [threading.Thread(target=send_numbers, args=(sender, number)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
