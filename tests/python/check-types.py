#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The package has types, and so have programs that use it: check-types.py FOLDER

FOLDER is that of the package. mypy checks both, as strictly as it can, where it is installed (Debian: mypy).
"""

import importlib.util
import os
import re
import subprocess
import sys

import tap

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(HERE, "typed.py")


def run_mypy(folder, *arguments):
    done = subprocess.run([sys.executable, "-m", "mypy", "--cache-dir=" + os.devnull, "--no-error-summary", "--config-file",
                           os.path.join(folder, "mypy.ini"), *arguments],
                          env=dict(os.environ, MYPYPATH=folder), text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, timeout=600)
    return done.stdout.splitlines()


def expected_lines():
    """(number, what the comment at its end says) of each line of the program that has one."""
    with open(PROGRAM, encoding="utf-8") as file:
        return [(number, match[1]) for number, line in enumerate(file, 1) if (match := re.search(r"  # (.*)$", line))]


def found_lines(messages):
    found = {}
    for message in messages:
        if match := re.match(r".*?:(\d+): (note|error): (.*)", message):
            revealed = re.match('Revealed type is "(.*)"', match[3])
            what = revealed[1].replace("builtins.", "") if revealed else "mistake" if match[2] == "error" else None
            if what:
                found.setdefault(int(match[1]), what)
    return sorted(found.items())


def body(report):
    folder = sys.argv[1]
    report.fact("the package says that it has types", os.path.exists(os.path.join(folder, "ferry", "py.typed")))
    if importlib.util.find_spec("mypy") is None:
        report.skip("the types", "mypy is not installed")
        return
    report.none("the package is typed, all of it", run_mypy(folder, os.path.join(folder, "ferry")))
    report.equal("a program knows types, and mistakes are found", found_lines(run_mypy(folder, PROGRAM)), expected_lines())


tap.main(body)
