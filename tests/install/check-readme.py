#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The README's application and worker do what it says: check-readme.py README BUILD SANITIZERS

Takes the C blocks whose first line is a comment with a file's name, such as app.c, out of the README. They are built as
the README's own compiler lines say, against the installed library, and the application is run; what it prints is what
the README shows under it.
"""

import os
import re
import shlex
import sys
import tempfile

import tap
from installed import Installed

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FILE_NAME = re.compile(r"/\* (\w+\.c) \*/\n")
LIMITS = {"app.c": 40, "worker.c": 20}


def program_files(text):
    """File name -> contents."""
    files = {}
    for language, block in BLOCK.findall(text):
        match = FILE_NAME.match(block)
        if language == "c" and match:
            files[match[1]] = block
    return files


def session(text):
    """The commands of the block that compiles app.c, and what the last of them prints."""
    for language, block in BLOCK.findall(text):
        if language in ("console", "sh") and "app.c" in block:
            commands = re.findall(r"^\$ (.*)$", block, re.MULTILINE)
            return commands, block.rpartition("\n$ ")[2].partition("\n")[2]
    return [], ""


def body(report):
    readme, build, sanitizers = sys.argv[1:]
    if not os.path.exists(readme):
        report.fact("there is a README", False)
        return
    with open(readme, encoding="utf-8") as file:
        text = file.read()
    files = program_files(text)
    commands, expected = session(text)
    report.equal("the README has an application and a worker", sorted(files), sorted(LIMITS))
    for name, limit in LIMITS.items():
        count = len([line for line in files.get(name, "").splitlines() if line.strip()])
        report.fact("%s is short" % name, 0 < count <= limit, ["%d lines, %d are allowed" % (count, limit)])
    report.fact("the README says how they are built and run", len(commands) >= 3, commands)

    if "gtk4" in " ".join(commands) and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        report.skip("application", "there is no display")
        return
    with tempfile.TemporaryDirectory() as root:
        installed = Installed(build, root, sanitizers)
        for name, contents in files.items():
            with open(os.path.join(root, name), "w", encoding="utf-8") as file:
                file.write(contents)
        compiler = " ".join([os.environ.get("CC", "cc"), "-Wall -Werror", *installed.sanitizers])
        for command in commands[:-1]:
            installed.run("sh", "-ec", re.sub(r"^cc ", lambda _: compiler + " ", command))
            report.fact("this builds: " + re.sub(r"#", "", command), True)
        report.equal("the application prints what the README says", installed.run(*shlex.split(commands[-1])), expected)


tap.main(body)
