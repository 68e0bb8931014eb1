#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs that a worker cannot import as they are: typed in, without a guard, frozen, or with a mistake: check-mains.py"""

import importlib.util
import os
import subprocess
import sys
import tempfile

import tap

# Longer than any of this takes. What hangs is a fault.
LONG = 600

GUARD = "put what it does under if __name__ == \"__main__\":"


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def run(folder, *arguments, typed=None, **variables):
    """What a program prints, and what it complains of."""
    done = subprocess.run([sys.executable, *arguments], cwd=folder, text=True, input=typed, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, timeout=LONG, env={**os.environ, **variables})
    return done.stdout.splitlines(), done.stderr


# Each statement has an empty line behind it, as a prompt wants it.
SESSION = """
import ferry, ferry.concurrent, ferry.pool

class Own(Exception):
    def __init__(self, code, text):
        super().__init__(text)

class Point:
    def __init__(self, x):
        self.x = x

def double(x):
    return 2 * x

def fourfold(x):
    return double(double(x))

def fail():
    raise Own(1, "gone")

def move(point):
    return Point(point.x + 1)

def count():
    yield Point(0)

def send(sender):
    sender.send(Point(1))

executor = ferry.Executor(workers=1)
print(executor.submit(fourfold, 4).result(), list(executor.map(lambda x: x + 1, range(3))))
print(type(executor.submit(fail).exception()) is Own)
moved = executor.submit(move, Point(2)).result()
print(type(moved) is Point, moved.x, [type(value) is Point for value in executor.stream(count)])
sender, receiver = executor.pipe()
task = executor.submit(send, sender)
print(type(receiver.receive()) is Point)
futures = ferry.concurrent.Executor(1, initializer=double, initargs=(1,))
print(futures.submit(lambda: 1).result())
pool = ferry.pool.Pool(1)
print(pool.map(lambda x: -x, range(3)))
pool.terminate()
futures.shutdown()
executor.shutdown()
"""
SAID = ["16 [1, 2, 3]", "True", "True 3 [True]", "True", "1", "[0, -1, -2]"]

CREATE = """
import ferry
class Point:
    pass
with ferry.Executor(workers=1) as executor:
    try:
        executor.create(Point)
    except Exception as error:
        print(error)
"""

PACKAGE = """
import ferry
from . import work
class Own:
    pass
def own(value):
    return work.double(2), value
if __name__ == "__main__":
    with ferry.Executor(workers=1) as executor:
        number, value = executor.submit(own, Own()).result()
        print(number, type(value) is Own)
"""

LAMBDA = """
import ferry
if __name__ == "__main__":
    with ferry.Executor(workers=1) as executor:
        try:
            executor.submit(lambda: 1)
        except Exception as error:
            print(type(error).__name__)
"""


def test_typed_in(report, folder):
    if importlib.util.find_spec("cloudpickle") is None:
        report.skip("functions that are typed in go by value", "cloudpickle is not installed")
        return
    report.equal("functions, classes and exceptions of standard input go by value", run(folder, "-", typed=SESSION), (SAID, ""))
    report.equal("so do those of -c", run(folder, "-c", SESSION), (SAID, ""))
    # What is typed behind a program. A prompt stands before what is printed.
    write(folder, "empty.py", "")
    out, complaint = run(folder, "-i", "empty.py", typed=SESSION)
    report.equal("and those of a prompt behind a program", out, SAID)
    report.equal("which complains of nothing", complaint.replace(">>> ", "").replace("... ", "").split(), [])
    out, _ = run(folder, "-", typed=CREATE)
    report.fact("a class of an object in a worker has to be in a file", out and out[0].endswith("and import that"), out)
    write(folder, "package/__init__.py", "")
    write(folder, "package/work.py", "def double(value):\n    return 2 * value\n")
    write(folder, "package/__main__.py", PACKAGE)
    report.equal("what is in the __main__.py of a package goes by value", run(folder, "-m", "package"), (["4 True"], ""))
    report.equal("a lambda in a file is refused all the same", run(folder, write(folder, "lambda.py", LAMBDA)),
                 (["PicklingError"], ""))


REFUSED = """
import ferry
def double(x):
    return 2 * x
with ferry.Executor(workers=1) as executor:
    try:
        executor.submit(double, 4)
    except Exception as error:
        print(error)
"""


def test_without_cloudpickle(report, folder):
    out, complaint = run(folder, "-", typed="import sys; sys.modules['cloudpickle'] = None\n" + REFUSED)
    report.fact("without cloudpickle, what is typed in is refused with what to do", len(out) == 1 and out[0].endswith(
        "is typed in here, and a worker cannot import it; put it into a file, and import that, or install cloudpickle"),
        [out, complaint])


# What a program does at its top level, and what it is told.
UNGUARDED = {
    "Gtk.Application(application_id='org.example.Unguarded').run()": "runs its main loop",
    "GLib.idle_add(loop.quit) and loop.run()": "runs its main loop",
    "Gtk.init()": "opens its window",
    "Gtk.Window()": "opens its window",
    "ferry.Executor(workers=1)": "starts workers",
}
UNGUARDED_PROGRAM = """
import gi
gi.require_version("Gtk", "%s")
from gi.repository import GLib, Gtk
import ferry
loop = GLib.MainLoop()
def double(x):
    return 2 * x
if __name__ != "__main__":
    %s
else:
    with ferry.Executor(workers=1) as executor:
        try:
            print(executor.submit(double, 4).result())
        except Exception as error:
            print(type(error).__name__, error)
"""


def find_gtk():
    import gi  # noqa: PLC0415 (it need not have GTK)
    versions = gi.Repository.get_default().enumerate_versions("Gtk")
    return next((version for version in ("4.0", "3.0") if version in versions), None)


def test_unguarded(report, folder):
    version = find_gtk()
    for number, (deed, words) in enumerate(UNGUARDED.items()):
        name = "%s without a guard is told" % deed
        if version is None:
            report.skip(name, "there is no GTK")
            continue
        program = write(folder, "unguarded%d.py" % number, UNGUARDED_PROGRAM % (version, deed))
        out, complaint = run(folder, program)
        report.fact(name, out == ["Error The program %s while a worker imports it; %s" % (words, GUARD)], [out, complaint])


MISTAKEN = """
import ferry
if __name__ != "__main__":
    open("/nothing/there")
def double(x):
    return 2 * x
if __name__ == "__main__":
    with ferry.Executor(workers=1) as executor:
        try:
            print(executor.submit(double, 4).result())
        except Exception as error:
            print(type(error).__name__, error)
            print("line 4, in <module>" in error.__cause__.tb)
"""


def test_mistaken(report, folder):
    out, complaint = run(folder, write(folder, "mistaken.py", MISTAKEN))
    report.equal("a program that a worker could not import is told as that", (out, complaint), (
        ["Error A worker could not import the program, and so has no 'double' of it: FileNotFoundError: [Errno 2] No such file "
         "or directory: '/nothing/there'; mend that, or put what only the application does under "
         "if __name__ == \"__main__\":", "True"], ""))


# A program that PyInstaller has made is one file, which has this attribute and is sys.executable.
FROZEN = """
import os
import sys
sys.frozen = True
sys.executable = os.environ["FROZEN"]
import ferry

class Own(Exception):
    pass

def double(x):
    return 2 * x

def fail():
    raise Own("gone")

@ferry.export
class Counter:
    value: int
    def __init__(self, value):
        self.value = value

if __name__ == "__main__":
    if sys.argv[1:] != ["forgets"]:
        ferry.freeze_support()
    try:
        with ferry.Executor(workers=1) as executor:
            print(executor.submit(double, 4).result(), list(executor.map(double, range(3))))
            print(type(executor.submit(fail).exception()) is Own)
            with executor.create(Counter, 5) as counter:
                print(counter.value)
    except ferry.Error as error:
        print(error)
"""


def test_frozen(report, folder):
    program = write(folder, "frozen.py", FROZEN)
    frozen = write(folder, "frozen", "#!/bin/sh\nexec '%s' '%s' \"$@\"\n" % (sys.executable, program))
    os.chmod(frozen, 0o755)
    report.equal("a frozen program is its own worker", run(folder, program, FROZEN=frozen), (["8 [0, 2, 4]", "True", "5"], ""))
    report.equal("one that forgets freeze_support() is told, and starts nothing", run(folder, program, "forgets", FROZEN=frozen), (
        ["The workers of a frozen program are that program; call ferry.freeze_support() as the first thing under "
         "if __name__ == \"__main__\":"], ""))


DEPRECATED = """
import warnings
import ferry
def warn():
    warnings.warn("old", DeprecationWarning)
if __name__ == "__main__":
    with ferry.Executor(workers=1) as executor:
        executor.submit(warn).result()
"""


def test_warnings(report, folder):
    program = write(folder, "deprecated.py", DEPRECATED)
    report.fact("a DeprecationWarning of the program's own function is seen",
                "deprecated.py:5: DeprecationWarning: old" in run(folder, program, PYTHONWARNINGS="")[1])
    report.equal("and is not where the user has said so", run(folder, "-W", "ignore", program), ([], ""))


def body(report):
    with tempfile.TemporaryDirectory() as folder:
        folder = os.path.realpath(folder)
        test_typed_in(report, folder)
        test_without_cloudpickle(report, folder)
        test_unguarded(report, folder)
        test_mistaken(report, folder)
        test_frozen(report, folder)
        test_warnings(report, folder)


if __name__ == "__main__":
    tap.main(body)
