# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Functions of workers that ask objects of the application, in the tests of the package."""

import os

import ferry


def raised(function):
    try:
        return function()
    except Exception as error:
        return error


def use(list_):
    """Calls, attributes, items, and what goes wrong."""
    first = list_.add("one").result()
    list_.name = "new"
    list_.texts.append("two")
    error = raised(lambda: list_.fail().result())
    return {
        "first": first,
        "name": ferry.get(list_.name),
        "item": ferry.get(list_.texts[1]),
        "length": len(list_.texts),
        "contains": "two" in list_.texts,
        "passed": ferry.pass_to(list_, give_process).result(),
        "error": (type(error), error.number, error.__notes__[-1]),
        "unknown": type(raised(lambda: list_.nothing().result())),
        "lock": raised(lambda: list_.give_lock().result()).__notes__[0],
        "many": [call.result() for call in [list_.count() for _ in range(1000)]],
    }


def give_process(_):
    return os.getpid()


def add(list_, text):
    """It waits for nothing, and the application has it before the end."""
    list_.add(text)


def give(list_, data):
    return len(list_.echo(data).result())


def add_and_yield(list_):
    yield 1
    list_.add("last")


def wait_for(list_, name):
    """The answer comes later, by a future or a coroutine."""
    return getattr(list_, name)().result()


def lose_patience(list_):
    call = list_.never()
    error = raised(lambda: call.result(0.01))
    call.cancel()
    return type(error), type(raised(call.result))


def wait_for_ever(list_):
    return list_.never().result()


def keep(list_):
    global kept
    kept = list_


def use_kept():
    return type(raised(lambda: kept.add("late").result()))


def set_text(widget, text):
    widget.set_text(text).result()
