#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each test says which files it is for, and each file of the library has a test that says so:

check-tested.py TOP BUILD
"""

import os
import subprocess
import sys

import sources
import tap
import tested


def tests_of(tree):
    return {name: tested.files_tested(text) for name, text in sorted(tree.items()) if tested.is_test(name, text)}


def silent_tests(tree):
    return ["%s does not begin with “Tests: FILE”" % name for name, files in tests_of(tree).items() if not files]


def missing_files(tree):
    return ["%s: there is no file %s" % (name, file) for name, files in tests_of(tree).items() for file in files
            if "router/" + file not in tree and file not in tree]


def untested_files(tree):
    subjects = {tested.subject(file) for files in tests_of(tree).values() for file in files}
    return ["no test says that it tests %s" % name for name in sources.select(tree, r"(router|command-worker)/.*\.c$")
            if tested.subject(name) not in subjects]


LICENCE = "/* SPDX-A\n * SPDX-B */\n\n"

CHECKS = {
    "each test says which files it is for": (silent_tests, [
        {"tests/lane/test-a.c": LICENCE + "/* Whatever. */\n"},
        {"tests/lane/test-a.c": LICENCE + "#include <glib.h>\n\n/* Tests: lane/ferry-a.c */\n"},
        {"tests/fuzz/fuzz-a.c": LICENCE + "/* Bytes. */\n\nint\nLLVMFuzzerTestOneInput (const guint8 *data)\n"},
        {"tests/model/a.pml": LICENCE + "/* A model. */\n"},
    ]),
    "each file that a test is for is there": (missing_files, [
        {"tests/lane/test-a.c": LICENCE + "/* Tests: lane/ferry-a.c,\n *        lane/ferry-b.c\n *\n * More. */\n",
         "router/lane/ferry-a.c": ""},
    ]),
    "each file of the library has a test": (untested_files, [
        {"router/lane/ferry-a.c": "", "router/lane/ferry-b.c": "",
         "tests/lane/test-a.c": LICENCE + "/* Tests: lane/ferry-a.c */\n"},
    ]),
}

INNOCENT = {
    "router/lane/ferry-a.c": "",
    "router/lane/ferry-b.c": "",
    "router/lane/ferry-b-private.h": "",
    "demo-app/worker.c": "",
    "tests/lane/test-a.c": LICENCE + "/* Tests: lane/ferry-a.c,\n *        demo-app/worker.c\n *\n * More. */\n",
    "tests/lane/test-b.c": LICENCE + "/* Tests: lane/ferry-b-private.h */\n\n#include <glib.h>\n",
    "tests/lane/lane-test.c": LICENCE + "/* What tests share. */\n",
    "tests/fuzz/fuzz-a.c": LICENCE + "/* What fuzzers share. */\n",
}


def choose(top, build, *arguments):
    done = subprocess.run([sys.executable, os.path.join(top, "tests", "choose-tests.py"), "names", build, "", *arguments],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def body(report):
    tree = sources.read_tree(sys.argv[1])
    for name, (check, bad_samples) in CHECKS.items():
        report.fact("would be seen: " + name, all(check(sample) for sample in bad_samples) and not check(INNOCENT))
        report.none(name, check(tree))
    found = tested.names_for(*sys.argv[1:3], ["engine/ferry-fair-queue.c", "ferry-cell.c"])
    known = {"engine-fair-queue", "lane-cell", "fuzz-cell", "lane-lane"}
    report.equal("the tests of files are found", sorted(known & set(found)), sorted(known - {"lane-lane"}))
    report.equal("a suite that there is not has no tests", choose(*sys.argv[1:3], "--suite", "none-of-this-name"), (0, "\n", ""))
    report.equal("a test is chosen by its name", choose(*sys.argv[1:3], "lane-cell"), (0, "lane-cell\n", ""))


tap.main(body)
