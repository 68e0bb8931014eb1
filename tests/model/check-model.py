#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Has spin search a model to exhaustion, as it is and with each of its weakenings.

check-model.py MODEL PROCESS[,PROCESS...] SIZE...; a size is the model's macros, such as 'CAPACITY=2,MESSAGES=3'. 'NAME*'
is a process without an end.

The model as it is must have no error and reach each of its statements; each weakening must have an error, or the model
would prove nothing. The weakenings are read from the model's own list of macros.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

import tap

TIME_LIMIT = 1200


def weakenings(text):
    """The macros in the comment: lines that indent a name in capitals and then say what it does."""
    return re.findall(r"^ \*   ([A-Z_]+)  +\S", text, re.MULTILINE)


def search(model, macros):
    """What the verifier that spin generates prints."""
    compiler = os.environ.get("CC", "cc").split()
    with tempfile.TemporaryDirectory() as folder:

        def call(*command):
            done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  timeout=TIME_LIMIT)
            return done.returncode, done.stdout

        for command in (["spin", *macros, "-a", model], [*compiler, "-O2", "-w", "-DSAFETY", "-o", "pan", "pan.c"]):
            status, output = call(*command)
            if status != 0 or not os.path.exists(os.path.join(folder, "pan.c")):
                raise RuntimeError("%s failed:\n%s" % (" ".join(command), output))
        return call("./pan", "-m1000000")[1]


def count_errors(output):
    """The number of errors; None when the search did not come to its end."""
    match = re.search(r"errors: (\d+)", output)
    if not match or "search depth too small" in output or "not completed" in output and match.group(1) == "0":
        return None
    return int(match.group(1))


def unreached(output, process):
    """How many statements of a process the search never came to; None when it does not say."""
    match = re.search(r"unreached in proctype %s\n(?:\t\S.*\n)*?\t\((\d+) of \d+ states\)" % process, output)
    return int(match.group(1)) if match else None


def body(report):
    model = os.path.abspath(sys.argv[1])
    processes = sys.argv[2].split(",")
    sizes = [["-D" + macro for macro in size.split(",")] for size in sys.argv[3:]]
    with open(model, encoding="utf-8") as file:
        names = weakenings(file.read())
    if not shutil.which("spin"):
        report.skip("model", "there is no spin")
        return
    for size in sizes:
        output = search(model, size)
        label = " ".join(part[2:].lower() for part in size)
        holds = count_errors(output) == 0
        report.fact("the model holds with " + label, holds, [] if holds else [output])
        for process in processes:
            name = process.rstrip("*")
            report.equal("%s reaches each statement with %s" % (name, label), unreached(output, name), process.count("*"))
    report.fact("the model names its weakenings", len(names) >= 4, names)
    for name in names:
        output = search(model, ["-D" + name])
        found = bool(count_errors(output))
        report.fact("the model fails with " + name, found, [] if found else [output])


tap.main(body)
