# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What workers do in the tests of ferry.traits."""

import os
import signal

from ferry.traits import BaseTask, TaskCancelled


def square(number):
    return number * number


def fail():
    raise ValueError("it fails")


def spin():
    while True:
        pass


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def give_a_function():
    return lambda: None


def wait_for(event):
    return event.wait()


def count(number):
    yield from range(number)
    return "counted"


def count_for_ever():
    number = 0
    while True:
        yield number
        number += 1


def add_up(numbers, progress):
    total = 0
    for number in numbers:
        total += number
        progress((number, total))
    return total


def give_up(progress):
    progress("given up")
    raise TaskCancelled


def report_for_ever(path, progress):
    try:
        while True:
            progress("more")
    except TaskCancelled:
        with open(path, "w", encoding="utf-8"):
            pass
        raise


class FizzBuzz(BaseTask):
    """Counts until it is cancelled, and then says so in a file, which nothing may interrupt."""

    def __init__(self, path):
        self.path = path

    def run(self):
        number = 0
        while not self.cancelled():
            number += 1
            if number % 15 == 0:
                self.send("fizz_buzz", number)
            elif number <= 15 and number % 3 == 0:
                self.send("fizz", number)
        self.send("fizz", "behind the cancel")
        os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY))
        return "not wanted"


class Waits(BaseTask):
    """Hears of no cancel: it waits for a word in a pipe of the file system."""

    def __init__(self, path):
        self.path = path

    def run(self):
        self.send("opens")
        with open(self.path, encoding="utf-8") as file:
            return file.read()


def talk(send, cancelled):
    """A task of another protocol than BaseTask's."""
    send("one")
    send("two")


def talk_and_die(send, cancelled):
    send("one")
    die()
