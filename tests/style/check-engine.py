#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The ledger of docs/engine.md is true: check-engine.py TOP"""

import re
import sys

import sources
import tap

LEDGER = "docs/engine.md"
LAYOUT = "router/wire/ferry-lane-layout.h"
ROWS = "docs/benchmarks.txt"


def mechanisms(tree):
    """(name, files, words, row) for each line of the ledger."""
    section = tree.get(LEDGER, "").partition("\n## The ledger\n")[2].partition("\n## ")[0]
    for line in re.findall(r"^\|(.*)\|$", section, re.MULTILINE)[2:]:
        name, file, words, row, _ = [cell.strip() for cell in line.split("|")]
        yield name, re.findall(r"`([^`]+)`", file), re.findall(r"`([^`]+)`", words), row.strip("`")


def missing_files(tree):
    return ["%s: there is no router/%s" % (name, file)
            for name, files, _, _ in mechanisms(tree) for file in files if "router/" + file not in tree]


def missing_words(tree):
    return ["%s: %s has no word %s" % (name, LAYOUT, word)
            for name, _, words, _ in mechanisms(tree) for word in words
            if not re.search(r"\b%s;" % word, tree.get(LAYOUT, ""))]


def missing_rows(tree):
    rows = {line.split(" ")[0] for line in tree.get(ROWS, "").splitlines()}
    return ["%s: %s has no row %s" % (name, ROWS, row) for name, _, _, row in mechanisms(tree) if row and row not in rows]


def unnamed_words(tree):
    """Words that two processes share for a mechanism, and that no line of the ledger has."""
    known = {word for _, _, words, _ in mechanisms(tree) for word in words} | PLAIN_WORDS
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


CHECKS = [
    ("each file of the ledger is a file", missing_files),
    ("each word of the ledger is in shared memory", missing_words),
    ("each word of shared memory has a mechanism", unnamed_words),
    ("each row of the ledger was measured", missing_rows),
    ("each number has its constant", missing_constants),
]

BAD = {
    LEDGER: "\n## The ledger\n\n| a |\n| --- |\n| spin | `lane/x.c` | `gone` | `no/row` | slow |\n| b | `lane/y.c` | | | |\n"
            "\n## The numbers\n\n| a |\n| --- |\n| 3 | of it | `GONE` in `lane/y.c` |\n",
    LAYOUT: "  _Atomic guint32 other;\n} FerryLinkControl;",
    ROWS: "a/row 1 us\n",
    "router/lane/y.c": "\n" * 20,
}
GOOD = {
    LEDGER: "\n## The ledger\n\n| a |\n| --- |\n| spin | `lane/x.c` | `word` | `a/row` | slow |\n| b | `lane/y.c` | | | |\n"
            "\n## The numbers\n\n| a |\n| --- |\n| 3 | of it | `SOME` in `lane/y.c` |\n",
    LAYOUT: "  _Atomic guint32 word;\n  _Atomic guint64 tail;\n} FerryLinkControl;",
    ROWS: "a/row 1 us\n",
    "router/lane/x.c": "\n" * 3,
    "router/lane/y.c": "#define SOME 3" + "\n" * 20,
}


def body(report):
    tree = sources.read_tree(sys.argv[1])
    for title, check in CHECKS:
        report.fact("would be seen: not so that " + title, check(BAD) and not check(GOOD))
        report.none(title, check(tree))


tap.main(body)
