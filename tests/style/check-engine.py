#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The ledger of docs/engine.md is true, and the engine stays of a size that a head can hold: check-engine.py TOP"""

import re
import sys

import sources
import tap

LEDGER = "docs/engine.md"
LAYOUT = "router/lane/ferry-lane-layout.h"
ROWS = "docs/benchmarks.txt"

# The aims of these are 60 and 800; the numbers only fall.
LINK = "router/link/ferry-link-private.h"
MOST_FIELDS_OF_A_LINK = 53
MONITOR = "router/route/ferry-monitor.c"
MOST_LINES_OF_THE_MONITOR = 620


def mechanisms(tree):
    """(name, files, words, lines, of all, row) for each line of the ledger. None stands for a number that is no number."""
    section = tree.get(LEDGER, "").partition("\n## The ledger\n")[2].partition("\n## ")[0]
    for line in re.findall(r"^\|(.*)\|$", section, re.MULTILINE)[2:]:
        name, room, words, lines, row, _ = [cell.strip() for cell in line.split("|")]
        numbers = re.fullmatch(r"([\d,]+)(?: of ([\d,]+))?", lines)
        part, whole = [int(number.replace(",", "")) if number else None for number in numbers.groups()] if numbers else (None, None)
        yield name, re.findall(r"`([^`]+)`", room), re.findall(r"`([^`]+)`", words), part, whole or part, row.strip("`")


def missing_rooms(tree):
    return ["%s: there is no router/%s" % (name, file)
            for name, files, _, _, _, _ in mechanisms(tree) for file in files if "router/" + file not in tree]


def missing_words(tree):
    return ["%s: %s has no word %s" % (name, LAYOUT, word)
            for name, _, words, _, _, _ in mechanisms(tree) for word in words
            if not re.search(r"\b%s;" % word, tree.get(LAYOUT, ""))]


def missing_rows(tree):
    rows = {line.split(" ")[0] for line in tree.get(ROWS, "").splitlines()}
    return ["%s: %s has no row %s" % (name, ROWS, row) for name, _, _, _, _, row in mechanisms(tree) if row and row not in rows]


def wrong_lines(tree):
    """A number may be a tenth off, so that not each change of a file is one of the page."""
    complaints = []
    for name, files, _, part, whole, _ in mechanisms(tree):
        lines = sum(tree.get("router/" + file, "").count("\n") for file in files)
        if part is None or part > whole or abs(whole - lines) * 10 > lines:
            complaints.append("%s: the ledger has %s of %s lines, and its files have %d" % (name, part, whole, lines))
    return complaints


def unnamed_words(tree):
    """Words that two processes share for a mechanism, and that no line of the ledger has."""
    known = {word for _, _, words, _, _, _ in mechanisms(tree) for word in words} | PLAIN_WORDS
    layout = sources.without_comments(tree.get(LAYOUT, "")).partition("} FerryLinkControl;")[0]
    return ["%s: the ledger has no mechanism with the word %s" % (LAYOUT, word)
            for word in re.findall(r"^  (?:_Atomic guint\d+|FerryBellLine) (\w+);", layout, re.MULTILINE)
            if word not in known]


def missing_constants(tree):
    """The last cell of a number's line has its constants and then their file."""
    section = tree.get(LEDGER, "").partition("\n## The numbers\n")[2].partition("\n## ")[0]
    complaints = []
    for line in re.findall(r"^\|(.*)\|$", section, re.MULTILINE)[2:]:
        *names, file = re.findall(r"`([^`]+)`", line.split("|")[-1])
        complaints += ["%s: router/%s does not define it" % (name, file) for name in names
                       if not re.search(r"#define %s\b" % name, tree.get("router/" + file, ""))]
    return complaints


# What a ring and a cell cannot do without.
PLAIN_WORDS = {"tail", "head", "rings", "writer_bell", "reader_bell", "dirty"}


def too_many_fields(tree):
    body = sources.without_comments(tree.get(LINK, "")).partition("\nstruct _FerryLink\n{")[2].partition("\n};")[0]
    n = body.count(";")
    return ["%s: a link has %d fields; %d are allowed" % (LINK, n, MOST_FIELDS_OF_A_LINK)] if n > MOST_FIELDS_OF_A_LINK else []


def too_long_monitor(tree):
    n = tree.get(MONITOR, "").count("\n")
    return ["%s has %d lines; %d are allowed" % (MONITOR, n, MOST_LINES_OF_THE_MONITOR)] if n > MOST_LINES_OF_THE_MONITOR else []


CHECKS = [
    ("each room of the ledger is a file", missing_rooms),
    ("each word of the ledger is in shared memory", missing_words),
    ("each word of shared memory has a mechanism", unnamed_words),
    ("each row of the ledger was measured", missing_rows),
    ("each number of lines of the ledger is right", wrong_lines),
    ("each number has its constant", missing_constants),
    ("a link has no more fields than a head can hold", too_many_fields),
    ("the monitor is no longer than it was", too_long_monitor),
]

BAD = {
    LEDGER: "\n## The ledger\n\n| a |\n| --- |\n| spin | `lane/x.c` | `gone` | 3 | `no/row` | slow |\n| b | `lane/y.c` | | 2 of 9 | | |\n"
            "\n## The numbers\n\n| a |\n| --- |\n| 3 | of it | `GONE` in `lane/y.c` |\n",
    LAYOUT: "  _Atomic guint32 other;\n} FerryLinkControl;",
    ROWS: "a/row 1 us\n",
    LINK: "\nstruct _FerryLink\n{" + "  int a;" * (MOST_FIELDS_OF_A_LINK + 1) + "\n};",
    MONITOR: "\n" * (MOST_LINES_OF_THE_MONITOR + 1),
    "router/lane/y.c": "\n" * 20,
}
GOOD = {
    LEDGER: "\n## The ledger\n\n| a |\n| --- |\n| spin | `lane/x.c` | `word` | 3 | `a/row` | slow |\n| b | `lane/y.c` | | 2 of 19 | | |\n"
            "\n## The numbers\n\n| a |\n| --- |\n| 3 | of it | `SOME` in `lane/y.c` |\n",
    LAYOUT: "  _Atomic guint32 word;\n  _Atomic guint64 tail;\n} FerryLinkControl;",
    ROWS: "a/row 1 us\n",
    LINK: "\nstruct _FerryLink\n{  int a;\n};",
    MONITOR: "\n",
    "router/lane/x.c": "\n" * 3,
    "router/lane/y.c": "#define SOME 3" + "\n" * 20,
}


def body(report):
    tree = sources.read_tree(sys.argv[1])
    for title, check in CHECKS:
        report.fact("would be seen: not so that " + title, check(BAD) and not check(GOOD))
        report.none(title, check(tree))


tap.main(body)
