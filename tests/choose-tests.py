#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tests that arguments of 'meson test' choose: choose-tests.py names|targets BUILD SUITE [ARGUMENT...]

Prints their names, or what ninja has to make before they run. Only tests that are in SUITE as well count; an empty one
stands for all. Prints nothing when no test is left.
"""

import json
import os
import re
import subprocess
import sys

LISTED = re.compile(r"^(?:[^:/]*:)?(\S+) / (\S+)$")


def run(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True).stdout


def choose(build, suite, arguments):
    """Meson lists 'project:suite+suite / name', and fails where the arguments choose nothing."""
    command = ("meson", "test", "-C", build, "--no-rebuild", "--list", *arguments)
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    lines = done.stdout.splitlines()
    if lines != ["No suitable tests defined."]:
        done.check_returncode()
    found = (LISTED.match(line) for line in lines)
    return [match[2] for match in found if match and (not suite or suite in match[1].split("+"))]


def targets_of(build, names):
    """What an installation takes is everything."""
    known = json.loads(run("meson", "introspect", build, "--tests", "--targets"))
    files = {target["id"]: target["filename"] for target in known["targets"]}
    targets = set()
    for test in known["tests"]:
        if test["name"] not in names:
            continue
        if any(suite.endswith(":install") for suite in test["suite"]):
            return ["all"]
        for target in test["depends"]:
            targets.update(os.path.relpath(path, build) for path in files[target])
    return sorted(targets)


def main():
    kind, build, suite, *arguments = sys.argv[1:]
    names = choose(build, suite, arguments)
    print("\n".join(names if kind == "names" else targets_of(build, names)))


main()
