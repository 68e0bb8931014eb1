#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The programs on pages of docs/ do what the pages say: check-pages.py BUILD SANITIZERS PAGE...

They are taken out of the page, built as its compiler lines say against the installed library, and run.
"""

import os
import sys
import tempfile

import pages
import tap
from installed import Installed


def check(report, build, sanitizers, page):
    with open(page, encoding="utf-8") as file:
        text = file.read()
    files = pages.program_files(text)
    sessions = pages.sessions(text)
    report.fact("%s has programs" % os.path.basename(page), files and sessions)
    report.none("it builds or runs all that it shows", pages.unused(files, text))
    report.none("its programs are as long as it says", pages.wrong_counts(text))
    with tempfile.TemporaryDirectory() as root:
        installed = Installed(build, root, sanitizers)
        report.none("all that it names is in the headers", pages.unknown_names(text, installed.names()))
        pages.write(files, root)
        for session in sessions:
            pages.run_session(report, installed, session)


def body(report):
    build, sanitizers, *names = sys.argv[1:]
    report.equal("would be seen: a program that is not run",
                 pages.unused({"a.c": "", "b.c": ""}, "```console\n$ cc a.c -o a\n$ ./a\n```\n"), ["b.c"])
    report.equal("would be seen: what a command prints",
                 pages.sessions("```console\n$ cc a.c\n$ ./a\none\ntwo\n```\n"), [[("cc a.c", ""), ("./a", "one\ntwo\n")]])
    report.equal("would be seen: a name that is none",
                 pages.unknown_names("`ferry_a()`, `ferry_b (c)`, `FERRY_A`, `FERRY_B`, `FERRY_C=1`, `FERRY_C`, ferry-1, "
                                     "`FerryA:b`", {"ferry_b", "FERRY_A"}),
                 ["there is no FERRY_B", "there is no FerryA", "there is no ferry_a"])
    report.equal("would be seen: a count that is wrong",
                 pages.wrong_counts("## A: 2 lines\n\nText.\n\n```c\na\n\nb\n```\n## B: 2 lines\n```c\nc\n```\n"),
                 ["1 lines, and not 2, are below “B: 2 lines”"])
    for page in names:
        check(report, build, sanitizers, page)


tap.main(body)
