#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The mutation run changes code and nothing else, and its list is up to date: check-mutate.py TOP"""

import os
import sys

import changes
import tap

# A line of code, and all that becomes of it.
SAMPLES = (
    ("if (a == b && c < 3)", ["if (a != b && c < 3)", "if (a == b || c < 3)", "if (a == b && c <= 3)"]),
    ("return TRUE;", ["return FALSE;"]),
    ("return n + 1;", ["return n;"]),
    ("return n + 16;", ["return n - 16;"]),
    ("return n - 1 > m;", ["return n > m;", "return n - 1 >= m;"]),
    ("self->length += size;", ["self->length -= size;"]),
    ("while (!is_done (self) ||", ["while (is_done (self) ||", "while (!is_done (self) &&"]),
    ("if (self->next)", []),
    ("say (\"a == b\", '!'); /* a == b */", []),
    ("g_assert (a == b);", []),
    ("G_STATIC_ASSERT (sizeof (a) == 8);", []),
    ("#if A == B", []),
    ("#define A(b) \\\n  (b + 1)", []),
)


def lines_after(text):
    return [change.after for change in changes.changes_of("a.c", text + "\n")]


def untrue_entries(top):
    """An entry of the list whose line is gone, or does not become what it says, or has no reason."""
    complaints = []
    with open(os.path.join(top, "tests/mutate/unnoticeable"), encoding="utf-8") as file:
        entries = [line for line in file if line.strip() and not line.startswith(("#", " "))]
    for entry in entries:
        parts = [part.strip() for part in entry.split(" | ", 3)]
        if len(parts) != 4 or not parts[3]:
            complaints.append("not 'path function | before | after | reason': " + entry.strip())
            continue
        place, before, after, _ = parts
        path = place.partition(" ")[0]
        try:
            with open(os.path.join(top, path), encoding="utf-8") as file:
                found = changes.changes_of(path, file.read())
        except FileNotFoundError:
            found = []
        if not any((change.place, change.before, change.after) == (place, before, after) for change in found):
            complaints.append("%s has no such change: %s -> %s" % (place, before, after))
    return complaints


def body(report):
    for line, after in SAMPLES:
        report.equal("what becomes of: " + line.replace("\n", " "), sorted(lines_after(line)), sorted(after))
    text = "int a;\nif (a == b)\n  c ();\n"
    change = changes.changes_of("a.c", text)[0]
    report.equal("a change is at its place only", change.apply(text), "int a;\nif (a != b)\n  c ();\n")
    report.equal("a change names its line", (change.line, change.before), (2, "if (a == b)"))
    text = "int\none (int a)\n{\n  return a;\n}\n\nint\ntwo (int a)\n{\n  return a + 1;\n}\n"
    report.equal("a change names its function", changes.changes_of("a.c", text)[0].place, "a.c two")
    report.none("what is listed as unnoticeable is there", untrue_entries(sys.argv[1]))


tap.main(body)
