#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Functions with names and types: a Python worker serves programs of any language, and a Python program has workers of any
language: check-functions.py [WORKER]

WORKER is a program in C, with the function "add" of two numbers.
"""

import os
import sys

import functions
import named_functions
import tap
from gi.repository import GLib

import ferry
from ferry._library import Ferry


def raised(function):
    try:
        return function()
    except Exception as error:
        return error


def test_python_worker(report):
    """As a program in C or JavaScript has it: by the library alone."""
    with Ferry.Router() as router:
        launcher = Ferry.Launcher([sys.executable, "-m", "ferry.worker", "named_functions"])
        folder = os.path.dirname(os.path.abspath(__file__))
        launcher.setenv("PYTHONPATH", folder + os.pathsep + os.environ.get("PYTHONPATH", ""))
        executor = Ferry.Executor(Ferry.Pool(router, launcher, max_workers=1))
        for name, arguments, result in (("repeat", GLib.Variant("(su)", ("ab", 3)), 6),
                                        ("backwards", GLib.Variant("ay", b"abc"), b"cba"),
                                        ("give_both", None, ("a", 0.5)),
                                        ("give_nothing", GLib.Variant("s", "a"), None),
                                        ("count", GLib.Variant("as", ["a", "b", "a"]), {"a": 2, "b": 1})):
            task = executor.submit(name, arguments)
            value = Ferry.from_variant(task.wait(-1))
            report.equal("a program calls %s()" % name, value, () if result is None and value == () else result)
        error = raised(lambda: executor.submit("repeat", GLib.Variant("s", "a")).wait(-1))
        report.fact("other types are refused", "(su)" in str(error), [str(error)])
        error = raised(lambda: executor.submit("give_nothing", GLib.Variant("s", "fail")).wait(-1))
        report.fact("an exception is an error, with its sentence", "not so" in str(error), [str(error)])
        report.fact("and the name of its class in the trace", "OwnError" in (Ferry.error_get_trace(error) or ""),
                    [Ferry.error_get_trace(error)])


def test_python_program(report):
    with ferry.Executor(workers=1, modules=["named_functions"]) as executor:
        report.equal("a function is called by its name", executor.call("repeat", "ab", 4).result(), 8)
        report.equal("it is still one of Python's", executor.submit(named_functions.repeat, "ab", 4).result(), 8)
        report.equal("several values come back", executor.call("give_both").result(), ("a", 0.5))
        error = raised(lambda: executor.call("give_nothing", "fail").result())
        report.equal("an exception has its own class", (type(error), error.number), (functions.OwnError, 7))
        report.equal("a wrong number of arguments is refused", type(raised(lambda: executor.call("repeat", "ab"))), TypeError)
        report.equal("a task has progress", (lambda task: (task.result(), task.progress[0]))(executor.call("repeat", "a", 1)),
                     (1, 0.5))


def test_other_program(report):
    # The worker finds the module beside this file.
    os.environ["PYTHONPATH"] = os.pathsep.join([os.path.dirname(os.path.abspath(__file__)), os.environ.get("PYTHONPATH", "")])
    with ferry.Executor(workers=1, program=[sys.executable, "-m", "ferry.worker", "named_functions"]) as executor:
        report.equal("a program of workers may be Python", executor.call("repeat", "ab", 4).result(), 8)
        error = raised(lambda: executor.call("give_nothing", "fail").result())
        report.fact("what it sends is not unpickled", type(error) is ferry.Error and "not so" in str(error), [repr(error)])


def test_other_worker(report, worker):
    with ferry.Executor(workers=1, program=[worker]) as executor:
        report.equal("a function in C is called", executor.call("add", 12, 30).result(), 42)
        report.equal("with a signature", executor.call("add", 1, 2, signature="xx").result(), 3)
        report.equal("with a GVariant", executor.call("add", GLib.Variant("(xx)", (4, 5))).result(), 9)
        error = raised(lambda: executor.call("add", "a").result())
        report.equal("other types are an error", type(error), ferry.Error)
        error = raised(lambda: executor.submit(functions.double, 1))
        report.fact("it knows no function of Python", type(error) is ferry.Error and "call()" in str(error), [repr(error)])


def body(report):
    test_python_worker(report)
    test_python_program(report)
    test_other_program(report)
    if len(sys.argv) > 1 and os.path.exists(sys.argv[1]):
        test_other_worker(report, sys.argv[1])
    else:
        report.skip("a worker in C", "it was not built")


if __name__ == "__main__":
    tap.main(body)
