#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Examples are short, say what they show, are in the build and in a test, and are what pages show: check-examples.py TOP

The lines of an example are those behind its first comment that are not empty.
"""

import collections
import re
import sys

import sources
import tap

MOST_LINES = 105
# One whose undo is a toast: libadwaita before 1.5 bears none that is dismissed as it comes, so it gets new words.
LONGER = {"examples/adwaita.c": 112}
# All files of C of an application that is an example.
MOST_APPLICATION_LINES = 728
# The first program of the README, with progress and a cancel.
SHORTEST = {"examples/hello.c": 45, "examples/hello-worker.c": 15}
HEAD = re.compile(r"/\* (.*)\n \* .*\n \* .*\n \*\n \* SPDX-FileCopyrightText: .*\n \* SPDX-License-Identifier: .* \*/\n\n")
FREE = "SPDX-" + "License-Identifier: 0BSD"
STEPS = "docs/twelve-steps.md"
BLOCK = re.compile(r"^```c\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def programs(tree):
    """Programs of one file; those of a folder are whole projects."""
    return sources.select(tree, r"examples/[\w-]+\.c$")


def code_of(text):
    """What is behind the first comment."""
    head = HEAD.match(text)
    return text[head.end():] if head else text


def silent(tree):
    return ["%s does not begin with a comment of three lines and the licence" % name
            for name, text in programs(tree).items() if not HEAD.match(text)]


def conditional(tree):
    """Examples are to be copied into any program, so their licence has no conditions."""
    return ["%s is not under %s" % (name, FREE) for name, text in sources.select(tree, r"examples/").items() if FREE not in text]


def long(tree):
    counts = {name: len([line for line in code_of(text).splitlines() if line.strip()])
              for name, text in programs(tree).items()}
    allowed = {name: MOST_LINES for name in counts} | SHORTEST | LONGER
    return ["%s has %d lines; %d are allowed" % (name, count, allowed[name]) for name, count in counts.items() if count > allowed[name]]


def large(tree):
    """An application is read in one go."""
    counts = collections.Counter()
    for name, text in sources.select(tree, r"examples/[\w-]+/.*\.[ch]$").items():
        counts[name.split("/")[1]] += len(text.splitlines())
    return ["examples/%s has %d lines; %d are allowed" % (name, count, MOST_APPLICATION_LINES)
            for name, count in counts.items() if count > MOST_APPLICATION_LINES]


def listed(tree):
    """The examples of the build; a worker that is beside one is no example."""
    match = re.search(r"^examples = \[(.*?)\]", tree.get("examples/meson.build", ""), re.MULTILINE | re.DOTALL)
    return re.findall(r"'([\w-]+)'", match[1]) if match else []


def unbuilt(tree):
    return ["examples/meson.build does not build %s" % name for name in programs(tree)
            if "'%s'" % re.sub(r".*/|\.c$", "", name) not in tree.get("examples/meson.build", "")]


def unplayed(tree):
    scenes = re.search(r"^SCENES = \{(.*?)^\}", tree.get("tests/examples/scenes.py", ""), re.MULTILINE | re.DOTALL)
    return ["tests/examples/scenes.py does not play %s" % name for name in listed(tree)
            if not scenes or '"%s":' % name not in scenes[1]]


def not_as_in_readme(tree):
    """The README's first program is an example, line by line."""
    shown = {match[1]: match[2] for match in re.finditer(r"^```c\n/\* ([\w-]+\.c) \*/\n(.*?)^```$", tree.get("README.md", ""),
                                                         re.MULTILINE | re.DOTALL)}
    return ["README.md does not show %s as it is" % name for name in SHORTEST
            if shown.get(name.split("/")[1]) != code_of(tree.get(name, ""))]


def unexplained(tree):
    return ["%s does not link to examples/%s.c" % (STEPS, name) for name in listed(tree)
            if not re.search(r"\]\(\.\./examples/%s(\.c|/src/main\.c)\)" % name, tree.get(STEPS, ""))]


def misquoted(tree):
    """What the page of the steps shows is in the example that its text names last: lines one after the other, or with
    lines left out where there is an empty one."""
    complaints = []
    page = tree.get(STEPS, "")
    for match in BLOCK.finditer(page):
        names = re.findall(r"\]\(\.\./(examples/[\w/-]+\.c)\)", page[:match.start()])
        code = [line.strip() for line in tree.get(names[-1], "").splitlines()] if names else []
        for part in match[1].strip().split("\n\n"):
            lines = [line.strip() for line in part.splitlines()]
            if not any(code[start:start + len(lines)] == lines for start in range(len(code))):
                complaints.append("%s: “%s” is not in %s" % (STEPS, lines[0], names[-1] if names else "any example"))
    return complaints


LICENCE = " *\n * SPDX-FileCopyrightText: A\n * " + FREE + " */\n\n"
START = "/* A: one.\n * Two.\n * Three.\n" + LICENCE
INNOCENT = {
    "README.md": "```c\n/* hello.c */\nint a;\n```\n```c\n/* hello-worker.c */\nint w;\n```\n",
    "docs/twelve-steps.md": "[hello.c](../examples/hello.c)\n[a.c](../examples/a.c)\n```c\nint a0;\nint a1;\n\nint a3;\n```\n",
    "examples/hello.c": START + "int a;\n",
    "examples/hello-worker.c": START + "int w;\n",
    "examples/a.c": START + "".join("  int a%d;\n\n" % i if i == 1 else "  int a%d;\n" % i for i in range(MOST_LINES)),
    "examples/meson.build": "# " + FREE + "\nexamples = ['hello',\n  'a']\nexecutable('hello-worker')\n",
    "tests/examples/scenes.py": "SCENES = {\n    \"hello\": hello, \"a\": a,\n}\n",
}

CHECKS = {
    "each begins with three lines that say what it shows": (silent, [
        {"examples/a.c": "/* A: one.\n * Two.\n" + LICENCE},
        {"examples/a.c": "int a;\n"},
    ]),
    "each may be copied without a condition": (conditional, [
        {"examples/a.c": START.replace("0BSD", "LGPL-2.1-or-later")},
        {"examples/python/a.py": "# SPDX-" + "License-Identifier: LGPL-2.1-or-later\n"},
    ]),
    "each is short": (long, [
        {"examples/a.c": START + "int a;\n" * (MOST_LINES + 1)},
        {"examples/hello.c": START + "int a;\n" * 46},
        {"examples/hello-worker.c": START + "int a;\n" * 16},
    ]),
    "an application is read in one go": (large, [
        {"examples/a/a.c": "int a;\n" * 400, "examples/a/src/b.h": "int b;\n" * (MOST_APPLICATION_LINES - 399)},
    ]),
    "each is built": (unbuilt, [{**INNOCENT, "examples/b.c": START}]),
    "each is played in a test": (unplayed, [{**INNOCENT, "tests/examples/scenes.py": "SCENES = {\n    \"a\": a,\n}\n"}]),
    "the README's first program is one": (not_as_in_readme, [
        {**INNOCENT, "examples/hello.c": START + "int b;\n"},
        {**INNOCENT, "README.md": ""},
    ]),
    "each is a step": (unexplained, [{**INNOCENT, "docs/twelve-steps.md": "[hello.c](../examples/hello.c)\n"}]),
    "steps show what is in the examples": (misquoted, [
        {**INNOCENT, "docs/twelve-steps.md": "[a.c](../examples/a.c)\n```c\nint b;\n```\n"},
        {**INNOCENT, "docs/twelve-steps.md": "[a.c](../examples/a.c)\n```c\nint a0;\nint a2;\n```\n"},
        {**INNOCENT, "docs/twelve-steps.md": "```c\nint a0;\n```\n"},
    ]),
}


def body(report):
    tree = sources.read_tree(sys.argv[1])
    for name, (check, bad_samples) in CHECKS.items():
        report.fact("would be seen: " + name, all(check(sample) for sample in bad_samples) and not check(INNOCENT))
        report.none(name, check(tree))


tap.main(body)
