#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Names of files that are no UTF-8, as os.listdir() gives them, go through each door of the package: check-texts.py"""

import os
import subprocess
import sys
import tempfile

import functions
import objects
import tap
from gi.repository import GObject

import ferry

# Longer than any of this takes. What hangs is a fault.
LONG = 600

NAME = os.fsdecode(b"caf\xe9.txt")
SHOWN = "caf\ufffd.txt"


def raised(function):
    try:
        return function()
    except Exception as error:
        return error


class Label(GObject.Object):
    label = GObject.Property(type=str, default="")


def test_tasks(report, executor):
    report.equal("a name that is no UTF-8 goes and comes back", executor.submit(functions.echo, NAME).result(), NAME)
    error = raised(lambda: executor.submit(functions.fail_with, NAME).result())
    report.equal("an exception with such a text is raised as it was", repr(error), repr(ValueError("cannot read " + NAME)))
    error = raised(lambda: executor.submit(functions.fail_hidden_with, NAME).result())
    report.fact("so is one whose class is not known here", type(error) is ferry.RemoteError and NAME in str(error), [ascii(error)])
    error = raised(lambda: list(executor.stream(functions.yield_and_fail, NAME)))
    report.equal("so is one of a stream", repr(error), repr(ValueError(NAME)))
    task = ferry.Task(functions.report_text, NAME)
    task.props.name = NAME
    report.equal("a function reports such a text, and counts such things", executor.submit(task).result(), [1])
    report.equal("people read a replacement character in it", (task.props.text, task.props.name), (SHOWN, SHOWN))
    report.equal("a task is submitted by such a name",
                 executor.submit_named(NAME, functions.echo, 1).props.name, SHOWN)
    error = raised(lambda: executor.submit(functions.say_last_words, NAME).result())
    report.equal("the last lines of a lost worker have it", getattr(error, "last_lines", ascii(error)), (SHOWN,))


def test_objects(report, executor):
    with executor.create(objects.Labeled, NAME) as labeled:
        shown = Label()
        labeled.bind_property("text", shown, "label", GObject.BindingFlags.SYNC_CREATE)
        report.equal("a property of an object has it as it is, and a widget a replacement character",
                     (labeled.text, shown.label), (NAME, SHOWN))
        labeled.text = NAME + "2"
        report.equal("a property is set to it", (labeled.text, labeled.get_text().result()), (NAME + "2", NAME + "2"))


def test_programs(report, executor, folder):
    path, inner = os.path.join(folder, NAME), os.path.join(folder, "d" + NAME)
    with open(path, "w", encoding="utf-8") as file:
        file.write("hello\n")
    os.mkdir(inner)
    for label, arguments, keywords, expected in (
            ("its arguments", ["cat", path], {}, b"hello\n"),
            ("its folder", ["pwd"], {"cwd": inner}, os.fsencode(inner) + b"\n"),
            ("its environment", ["/usr/bin/env"], {"env": {"A": NAME}}, b"A=" + os.fsencode(NAME) + b"\n"),
            ("the file that it reads", ["cat"], {"input_file": path}, b"hello\n"),
            ("its name", ["true"], {"name": NAME}, b"")):
        report.equal("a program has it in " + label, executor.run(arguments, **keywords).result().stdout, expected)
    executor.run(["echo", "out"], output_file=path + ".out").result()
    error = raised(lambda: executor.run(["sh", "-c", 'echo half > "$1"; exit 3', "sh", path + ".half"],
                                        output_files=[path + ".half"]).result())
    report.equal("what a program that fails has half written is removed by such a name",
                 (getattr(error, "returncode", ascii(error)), sorted(os.listdir(folder))),
                 (3, sorted([NAME, NAME + ".out", "d" + NAME])))
    error = raised(lambda: ferry.Executor(program=[path + ".no"]).call("add", 1).result())
    report.fact("a program of workers that is missing is told by what people read",
                type(error) is ferry.Error and SHOWN in str(error), [ascii(error)])


PROGRAM = """
import ferry

def double(number):
    return 2 * number

if __name__ == "__main__":
    for fork in (True, False):
        with ferry.Executor(workers=1, fork=fork) as executor:
            print(executor.submit(double, 21).result())
"""


def test_path(report, folder):
    inner = os.path.join(folder, "d" + NAME)
    path = os.path.join(inner, "p" + NAME + ".py")
    with open(path, "w", encoding="utf-8") as file:
        file.write(PROGRAM)
    for label, place, arguments in (("path", folder, [path, NAME]), ("folder", inner, [os.path.basename(path)])):
        done = subprocess.run([sys.executable, *arguments], cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=False, timeout=LONG)
        report.equal("a program has workers whose %s is such a name" % label, (done.stdout, done.stderr), (b"42\n42\n", b""))


def body(report):
    with tempfile.TemporaryDirectory() as folder:
        with ferry.Executor(workers=1) as executor:
            test_tasks(report, executor)
            test_objects(report, executor)
            test_programs(report, executor, folder)
        test_path(report, folder)


if __name__ == "__main__":
    tap.main(body)
