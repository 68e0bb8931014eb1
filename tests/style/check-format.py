#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""C files and their headers are as clang-format writes them: check-format.py TOP

Versions of clang-format differ in what they write,
so only one counts; without it the check is skipped.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

import sources
import tap

VERSION = 14
FOLDERS = ("router", "command-worker", "demo-app", "examples", "tests")
# A process takes as long to start as to read dozens of files.
FILES_A_PROCESS = 400
SAMPLE = "int a( void ){return 1 ;}\n"


def find_program():
    for name in ("clang-format-%d" % VERSION, "clang-format"):
        path = shutil.which(name)
        if path:
            output = subprocess.run([path, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
            if re.search(r"version %d\." % VERSION, output):
                return path
    return None


def complaints(program, top, names):
    """The lines that clang-format would write otherwise; of many files in one process, with a limit for each process."""
    found = []
    for start in range(0, len(names), FILES_A_PROCESS):
        done = subprocess.run([program, "--dry-run", "-Werror", "--ferror-limit=20", "--style=file",
                               *names[start:start + FILES_A_PROCESS]], cwd=top, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        lines = [line for line in done.stderr.splitlines() if "error:" in line]
        found += lines or [done.stderr] * (done.returncode != 0)
    return found


def would_be_seen(program, top):
    """The last of many files, a C file and a header, is looked at as well, and by the rules of the project."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(os.path.join(top, ".clang-format"), folder)
        good = ["a%d.c" % number for number in range(FILES_A_PROCESS + 1)]
        for name, text in [(name, "int a;\n") for name in good] + [("b.c", SAMPLE), ("b.h", SAMPLE)]:
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        return (all(complaints(program, folder, [*good, bad]) for bad in ("b.c", "b.h", "missing.c"))
                and not complaints(program, folder, good))


def body(report):
    top = sys.argv[1]
    program = find_program()
    if not program:
        report.skip("format", "there is no clang-format %d" % VERSION)
        return
    report.fact("would be seen: a file that is not formatted", would_be_seen(program, top))
    tree = sources.read_tree(top)
    for folder in FOLDERS:
        report.none("%s is formatted" % folder, complaints(program, top, list(sources.select(tree, folder + r"/.*\.[ch]$"))))


tap.main(body)
