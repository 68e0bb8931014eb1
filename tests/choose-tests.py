#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Names of tests, or what ninja has to make before they run:

choose-tests.py names|targets BUILD SUITE [ARGUMENT...]   the tests that arguments of 'meson test' choose
choose-tests.py for BUILD FILE...                         the tests that say they are for these files

Only tests that are in SUITE as well count; an empty one stands for all. Prints nothing when no test is left; a FILE that
no test is for is an error.
"""

import json
import os
import re
import subprocess
import sys

import tested

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LISTED = re.compile(r"^(?:[^:/]*:)?(\S+) / (\S+)$")


def run(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True).stdout


def choose(build, suite, arguments):
    """Meson lists 'project:suite+suite / name', and fails where the arguments choose nothing."""
    command = ("meson", "test", "-C", build, "--no-rebuild", "--list", *arguments)
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    lines = done.stdout.splitlines()
    # On standard error in newer versions.
    if done.returncode != 0 and "No suitable tests defined." not in lines:
        sys.exit(done.stdout)
    found = (LISTED.match(line) for line in lines)
    return [match[2] for match in found if match and (not suite or suite in match[1].split("+"))]


def targets_of(build, names):
    """An installation takes what is installed, and no test says so."""
    known = json.loads(run("meson", "introspect", build, "--tests", "--targets"))
    files = {target["id"]: target["filename"] for target in known["targets"]}
    wanted = set()
    for test in known["tests"]:
        if test["name"] not in names:
            continue
        if any(suite.endswith(":install") for suite in test["suite"]):
            wanted.update(target["id"] for target in known["targets"] if target["installed"])
        wanted.update(test["depends"])
    return sorted(os.path.relpath(path, build) for target in wanted for path in files[target])


def main():
    kind, build, *arguments = sys.argv[1:]
    if kind == "for":
        found = tested.names_for(TOP, build, arguments)
    else:
        found = choose(build, arguments[0], arguments[1:])
        found = targets_of(build, found) if kind == "targets" else found
    print("\n".join(found))


main()
