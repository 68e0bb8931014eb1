#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""C files are as clang-format writes them: check-format.py TOP

Versions of clang-format differ in what they write,
so only one counts; without it the check is skipped.
"""

import os
import re
import shutil
import subprocess
import sys

import sources
import tap

VERSION = 14
FOLDERS = ("router", "demo-app", "tests")


def find_program():
    for name in ("clang-format-%d" % VERSION, "clang-format"):
        path = shutil.which(name)
        if path:
            output = subprocess.run([path, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
            if re.search(r"version %d\." % VERSION, output):
                return path
    return None


def complaints(program, top, name, text):
    """The lines that clang-format would write otherwise, at most a few."""
    path = os.path.join(top, name)
    done = subprocess.run([program, "--dry-run", "-Werror", "--ferror-limit=3", "--style=file",
                           "--assume-filename=" + path], input=text, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, check=False)
    return [line.replace(top + "/", "") for line in done.stderr.splitlines() if "error:" in line]


def body(report):
    top = sys.argv[1]
    program = find_program()
    if not program:
        report.skip("format", "there is no clang-format %d" % VERSION)
        return
    report.fact("would be seen: a file that is not formatted",
                complaints(program, top, "router/a.c", "int a( void ){return 1 ;}\n")
                and not complaints(program, top, "router/a.c", "int a;\n"))
    tree = sources.read_tree(top)
    for folder in FOLDERS:
        found = []
        for name, text in sources.select(tree, folder + r"/.*\.c$").items():
            found += complaints(program, top, name, text)
        report.none("%s is formatted" % folder, found)


tap.main(body)
