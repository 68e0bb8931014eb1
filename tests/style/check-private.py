#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""From tasks upwards, a test sees what an application sees: check-private.py TOP

A test program of these layers includes no private header, neither itself nor by a header of the tests: each change inside
would cost its edit. Those that do stand in private.txt. What a header of the tests needs of the inside can be in its .c file.
"""

import posixpath
import re
import sys

import sources
import tap

# How many programs do. The number is only lowered.
PROGRAMS = 107

PROGRAM = r"tests/(task|command|conversation|object|classic|queue|cluster|gtk|demo)/test-[\w-]+\.c$"
LIST = "tests/style/private.txt"


def headers_of(tree, name, seen):
    """The private headers that a file of the tests includes, also by others of the tests."""
    found = set()
    for _, bracket, header in sources.includes(tree[name]):
        if bracket == '"' and header.endswith("-private.h"):
            found.add(header)
        for place in (posixpath.join("tests", header), posixpath.join(posixpath.dirname(name), header)):
            if place in tree and place not in seen:
                seen.add(place)
                found |= headers_of(tree, place, seen)
    return found


def curious(tree):
    """Program -> the private headers that it sees, of those that see some."""
    programs = {name: headers_of(tree, name, {name}) for name in sources.select(tree, PROGRAM)}
    return {name[len("tests/"):]: headers for name, headers in programs.items() if headers}


def listed(tree):
    return [line for line in tree.get(LIST, "").splitlines() if line and not line.startswith("#")]


def unlisted(tree):
    known = listed(tree)
    return ["tests/%s includes %s: test what an application sees" % (name, min(headers))
            for name, headers in curious(tree).items() if name not in known]


def stale(tree):
    found = curious(tree)
    return ["%s: %s includes no private header, or is not there: remove its line" % (LIST, name)
            for name in listed(tree) if name not in found]


def count(tree, expected=PROGRAMS):
    n = len(listed(tree))
    if n != expected:
        yield "%s has %d lines, and PROGRAMS is %d: %s" % (
            LIST, n, expected, "lower it to that" if n < expected else "a new program includes public headers")


INNOCENT = {
    "tests/task/test-a.c": '#include <ferry.h>\n#include "task/a-test.h"\n/* #include "task/ferry-b-private.h" */\n',
    "tests/task/a-test.h": '#include <ferry.h>\n', "tests/task/a-test.c": '#include "task/ferry-a-private.h"\n',
    "tests/lane/test-b.c": '#include "lane/ferry-b-private.h"\n',
    "tests/gtk/test-c.c": '#include "gtk/ferry-c-private.h"\n', LIST: "# Programs\n\ngtk/test-c.c\n",
}
CHECKS = {
    "no test of tasks and what is above sees the inside, but those of the list": (unlisted, [
        {**INNOCENT, "tests/task/test-a.c": '#include "task/ferry-b-private.h"\n'},
        {**INNOCENT, "tests/task/a-test.h": '#include "task/ferry-b-private.h"\n'},
        {"tests/gtk/test-a.c": '#include "d.h"\n', "tests/gtk/d.h": '#include "e.h"\n', "tests/e.h": '#include "f-private.h"\n'},
    ]),
    "each program of the list does": (stale, [
        {**INNOCENT, "tests/gtk/test-c.c": "#include <ferry.h>\n"},
        {**INNOCENT, LIST: "gtk/test-c.c\ngtk/test-d.c\n"},
    ]),
}


def body(report):
    tree = sources.read_tree(sys.argv[1])
    for name, (check, bad_samples) in CHECKS.items():
        report.fact("would be seen: " + name, all(check(sample) for sample in bad_samples) and not check(INNOCENT))
        report.none(name, check(tree))
    report.fact("would be seen: a program more, and one less", list(count(INNOCENT, 0)) and list(count(INNOCENT, 2))
                and not list(count(INNOCENT, 1)))
    report.none("the programs are as many as there were", list(count(tree)))


tap.main(body)
