#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""From tasks upwards, a test sees what an application sees: check-private.py TOP

A test program of these layers includes no private header, neither itself nor by a header of the tests: each change inside
would cost its edit. Those that do stand in private.txt. What a header of the tests needs of the inside can be in its .c file.

And what is private is for the library: what only tests call, of all layers, stands in for-tests.txt with the reason why they
cannot see it from outside. What a private header or one of the tests declares, another file than its own calls.
"""

import collections
import posixpath
import re
import sys

import sources
import tap

# How many programs do. The number is only lowered.
PROGRAMS = 104

PROGRAM = r"tests/(task|command|conversation|object|classic|queue|cluster|gtk|demo)/test-[\w-]+\.c$"
LIST = "tests/style/private.txt"

# How many private functions only tests call. The number is only lowered.
FOR_TESTS = 10

LIBRARY = r"(router|demo-app|command-worker|bindings)/.*\.[ch]$"
# A function that is declared and has no body in the header, and where one is defined.
PROTOTYPE = re.compile(r"^(?!static|typedef)\w[\w *]*?\b([a-z]\w+) \([^;{}]*;", re.MULTILINE)
DEFINITION = re.compile(r"^([a-z]\w+) \(", re.MULTILINE)
BODY = re.compile(r"^([a-z]\w+) \([^;{}]*\n\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
FOR_TESTS_LIST = "tests/style/for-tests.txt"

INNER_HEADER = r"router/.*-private\.h$|tests/.*\.h$"
WORD = re.compile(r"\b[a-z]\w+")


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
    return [program for program, in sources.rows(tree, LIST)]


def unlisted(tree):
    known = listed(tree)
    return ["tests/%s includes %s: test what an application sees" % (name, min(headers))
            for name, headers in curious(tree).items() if name not in known]


def stale(tree):
    found = curious(tree)
    return ["%s: %s includes no private header, or is not there: remove its line" % (LIST, name)
            for name in listed(tree) if name not in found]


def called_by_tests_alone(tree):
    """The private functions that nothing of the library names, apart from declaring and defining it."""
    texts = {name: sources.code(text) for name, text in sources.select(tree, LIBRARY).items()}
    declared = {function for name, text in texts.items() if name.endswith("-private.h") for function in PROTOTYPE.findall(text)}
    named = collections.Counter(word for text in texts.values() for word in WORD.findall(text))
    for name, text in texts.items():
        named.subtract((PROTOTYPE if name.endswith(".h") else DEFINITION).findall(text))
        # Nor that it calls itself.
        for function, inside in BODY.findall(text):
            named[function] -= len(re.findall(r"\b%s\b" % function, inside))
    return sorted(function for function in declared if named[function] <= 0)


def unused(tree):
    known = [row[0] for row in sources.rows(tree, FOR_TESTS_LIST)]
    return ["nothing of the library calls %s: see it from outside, or say in %s why that cannot be" % (name, FOR_TESTS_LIST)
            for name in called_by_tests_alone(tree) if name not in known]


def stale_exceptions(tree):
    found = called_by_tests_alone(tree)
    for row in sources.rows(tree, FOR_TESTS_LIST):
        if len(row) != 2 or not row[1]:
            yield "%s: no row of a function and its reason: %s" % (FOR_TESTS_LIST, " | ".join(row))
        elif row[0] not in found:
            yield "%s: %s is called, or is not private: remove its row" % (FOR_TESTS_LIST, row[0])


def called_at_home_alone(tree):
    """What such a header declares, and only the file that has it names."""
    texts = {name: sources.code(text) for name, text in sources.select(tree, LIBRARY, r"(tests|examples)/.*\.[ch]$").items()}
    declared = {function: name for name, text in texts.items() if re.match(INNER_HEADER, name)
                for function in PROTOTYPE.findall(text)}
    named = collections.defaultdict(set)
    for name, text in texts.items():
        for word in WORD.findall(PROTOTYPE.sub("", text) if name.endswith(".h") else text):
            named[word].add(name)
    for name, text in texts.items():
        for function in DEFINITION.findall(text) if name.endswith(".c") else ():
            named[function].discard(name)
    return ["%s declares %s, which no other file calls: make it static, or remove it" % (name, function)
            for function, name in sorted(declared.items()) if not named[function]]


def count(tree, name, expected, constant, advice):
    n = len(sources.rows(tree, name))
    if n != expected:
        yield "%s has %d lines, and %s is %d: %s" % (name, n, constant, expected, "lower it to that" if n < expected else advice)


INNOCENT = {
    "tests/task/test-a.c": '#include <ferry.h>\n#include "task/a-test.h"\n/* #include "task/ferry-b-private.h" */\n',
    "tests/task/a-test.h": '#include <ferry.h>\n', "tests/task/a-test.c": '#include "task/ferry-a-private.h"\n',
    "tests/lane/test-b.c": '#include "lane/ferry-b-private.h"\n',
    "tests/gtk/test-c.c": '#include "gtk/ferry-c-private.h"\n  ask ("nats://%u", \'"\', d_test_see ());\n  ferry_b_look ();\n',
    "tests/gtk/d-test.h": "guint d_test_see (void);\n", "tests/gtk/d-test.c": "guint\nd_test_see (void)\n{\n}\n",
    LIST: "# Programs\n\ngtk/test-c.c\n",
    "router/a/ferry-b-private.h": "void ferry_b_use (int n);\nint ferry_b_look (void);\n"
                                  "static inline int\nferry_b_peek (void)\n{\n  return ferry_b_use (1);\n}\n",
    "router/a/ferry-b.c": "int\nferry_b_look (void)\n{\n}\nvoid\nferry_b_use (int n)\n{\n}\n",
    FOR_TESTS_LIST: "# function | reason\nferry_b_look | nobody else sees it\n",
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
    "what is private is called by the library": (unused, [
        {**INNOCENT, FOR_TESTS_LIST: ""},
        {**INNOCENT, FOR_TESTS_LIST: "", "router/a/ferry-b.c": "int\nferry_b_look (void)\n{\n  ferry_b_look ();\n}\n"},
        {**INNOCENT, "router/a/ferry-c-private.h": "/* ferry_c_see() */\nint ferry_c_see (int (*look) (void),\n    int n);\n"},
    ]),
    "what a header declares is called by another file than its own": (called_at_home_alone, [
        {**INNOCENT, "tests/gtk/test-c.c": '#include "gtk/ferry-c-private.h"\n  ferry_b_look ();\n'},
        {**INNOCENT, "tests/gtk/test-c.c": '#include "gtk/ferry-c-private.h"\n  d_test_see ();\n'},
        {**INNOCENT, "tests/gtk/e-test.h": "/* What it is. */\nEThing *e_test_new (guint n);\n", "tests/gtk/e-test.c":
         "EThing *\ne_test_new (guint n)\n{\n  return n > 0 ? e_test_new (n - 1) : NULL;\n}\n"},
    ]),
    "each exception is one, and has its reason": (lambda tree: list(stale_exceptions(tree)), [
        {**INNOCENT, FOR_TESTS_LIST: "ferry_b_look\n"},
        {**INNOCENT, "router/a/ferry-c.c": "  ferry_b_look ();\n"},
        {**INNOCENT, FOR_TESTS_LIST: "ferry_b_look | nobody\nferry_b_peek | nobody\n"},
    ]),
}

COUNTS = (("a program", "the programs", LIST, PROGRAMS, "PROGRAMS", "a new program includes public headers"),
          ("an exception", "the exceptions", FOR_TESTS_LIST, FOR_TESTS, "FOR_TESTS", "a test sees what an application sees"))


def body(report):
    tree = sources.read_tree(sys.argv[1])
    for name, (check, bad_samples) in CHECKS.items():
        report.fact("would be seen: " + name, all(check(sample) for sample in bad_samples) and not check(INNOCENT))
        report.none(name, check(tree))
    for one, all_of_them, name, expected, *words in COUNTS:
        report.fact("would be seen: %s more, and one less" % one, list(count(INNOCENT, name, 0, *words))
                    and list(count(INNOCENT, name, 2, *words)) and not list(count(INNOCENT, name, 1, *words)))
        report.none("%s are as many as there were" % all_of_them, list(count(tree, name, expected, *words)))


tap.main(body)
