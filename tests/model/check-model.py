#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Has spin search a model to exhaustion, as it is and with each of its weakenings.

check-model.py MODEL PROCESS[,PROCESS...] SIZE LARGE-SIZE...; a size is the model's macros, such as
'CAPACITY=2,MESSAGES=3'. 'NAME*' is a process without an end.

The model as it is must have no error and reach each of its statements; each weakening must have an error, or the model
would prove nothing. The weakenings are read from the model's own list of macros, each with the size that shows its error
where that is not the model's own: 'NAME  (CAPACITY=2) what it does'.

A search has the same end each time. So the large sizes, and all weakenings but the first, are searched only when the
model, or a size, is another than the one whose digest is in the file 'searched', and where FERRY_TEST_LARGE_MODELS is
set. The first weakening shows each time that an error would be found.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile

import tap

TIME_LIMIT = 1200


def weakenings(text):
    """The macros in the comment, each with its size: lines that indent a name in capitals and then say what it does."""
    return re.findall(r"^ \*   ([A-Z_]+)  +(?:\(([A-Z_]+=[A-Z_=0-9,]+)\) )?\S", text, re.MULTILINE)


def digest(text, arguments):
    return hashlib.sha256("\n".join([*arguments, text]).encode()).hexdigest()


def was_searched(model, found):
    with open(os.path.join(os.path.dirname(model), "searched"), encoding="utf-8") as file:
        return [os.path.basename(model), found] in [line.split() for line in file]


def search(model, macros, optimization="-O0"):
    """What the verifier that spin generates prints. A short search ends before a compiler would have made it quick."""
    compiler = os.environ.get("CC", "cc").split()
    with tempfile.TemporaryDirectory() as folder:

        def call(*command):
            done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  timeout=TIME_LIMIT)
            return done.returncode, done.stdout

        for command in (["spin", *macros, "-a", model], [*compiler, optimization, "-w", "-DSAFETY", "-o", "pan", "pan.c"]):
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


def options(size):
    return ["-D" + macro for macro in size.split(",")] if size else []


def search_whole(report, model, processes, size, optimization):
    output = search(model, options(size), optimization)
    label = size.lower().replace(",", " ")
    holds = count_errors(output) == 0
    report.fact("the model holds with " + label, holds, [] if holds else [output])
    for process in processes:
        name = process.rstrip("*")
        report.equal("%s reaches each statement with %s" % (name, label), unreached(output, name), process.count("*"))


def body(report):
    model = os.path.abspath(sys.argv[1])
    processes = sys.argv[2].split(",")
    small, *large = sys.argv[3:]
    with open(model, encoding="utf-8") as file:
        text = file.read()
    weakened = weakenings(text)
    if not shutil.which("spin"):
        report.skip("model", "there is no spin")
        return
    search_whole(report, model, processes, small, "-O0")
    found = digest(text, sys.argv[2:])
    searches_all = bool(os.environ.get("FERRY_TEST_LARGE_MODELS")) or not was_searched(model, found)
    for size in large if searches_all else ():
        search_whole(report, model, processes, size, "-O2")
    report.fact("the model names its weakenings", len(weakened) >= 4, weakened)
    for name, size in weakened if searches_all else weakened[:1]:
        output = search(model, ["-D" + name, *options(size)])
        holds = bool(count_errors(output))
        report.fact("the model fails with " + name, holds, [] if holds else [output])
    if not report.failed and not was_searched(model, found):
        print("# So that it is not searched again, tests/model/searched needs the line\n# %s %s"
              % (os.path.basename(model), found))


tap.main(body)
