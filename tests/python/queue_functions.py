# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What workers run for check-queue.py."""

import os
import time

import ferry


class NotSo(Exception):
    pass


class Point:
    """An argument of a class of the program's."""

    def __init__(self, x, y):
        self.x = x
        self.y = y


def double(number):
    return 2 * number


def add(point, more=0):
    return point.x + point.y + more


def fail(number):
    raise NotSo("not so: %d" % number)


def fill(size):
    return bytes(size)


def where(number):
    """Which host runs it, if one does."""
    return number, os.environ.get("FERRY_TEST_HOST")


def die():
    os._exit(3)


def note(log, word):
    """Leaves a line."""
    with open(log, "a", encoding="utf-8") as file:
        file.write(word + "\n")
    return word.upper()


def wait_for_file(path, log=None):
    """Waits until there is a file; says first that it does."""
    if log is not None:
        note(log, "begun")
    ferry.report(0.5, "waits")
    while not os.path.exists(path):
        time.sleep(0.01)
    return "found"
