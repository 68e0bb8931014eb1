#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The struct of a class lies in its .c file: check-classes.py TOP

A class is a type that a function makes: its struct has a parent instance, or there is a ferry_…_new() or ferry_…_ref()
that gives a pointer to it. Structs that lie in a header all the same are listed here, each with its reason. Of a
struct in a header, fields below a comment "What this folder alone reads" are read nowhere else."""

import re
import sys

import sources
import tap

EACH_MESSAGE = "its fields are looked at for each message"
RECORD = "a record, which others fill in or read"

ALLOWED = {
    "FerryArena": EACH_MESSAGE,
    "FerryArenaWriter": EACH_MESSAGE,
    "FerryAway": "the first field of what implements it",
    "FerryBoundAddress": RECORD,
    "FerryBuffer": EACH_MESSAGE,
    "FerryCellWatch": EACH_MESSAGE,
    "FerryDemuxInvocation": EACH_MESSAGE,
    "FerryExported": EACH_MESSAGE,
    "FerryHost": RECORD,
    "FerryHostRun": RECORD,
    "FerryInspection": RECORD,
    "FerryInspectorItem": RECORD,
    "FerryInvocation": EACH_MESSAGE,
    "FerryLayout": EACH_MESSAGE,
    "FerryLink": EACH_MESSAGE,
    "FerryMapChunk": RECORD,
    "FerryMember": RECORD,
    "FerryMemoryAccount": EACH_MESSAGE,
    "FerryOutput": "a link's, which is drained with it",
    "FerryPoolWorker": EACH_MESSAGE,
    "FerryPipe": EACH_MESSAGE,
    "FerryReceiver": EACH_MESSAGE,
    "FerryResolution": RECORD,
    "FerryRouter": EACH_MESSAGE,
    "FerrySandboxMessage": RECORD,
    "FerrySender": EACH_MESSAGE,
    "FerrySharedQueue": EACH_MESSAGE,
    "FerryUplink": EACH_MESSAGE,
}


def structs(text):
    """The names of the types whose struct the text defines, and the struct's body."""
    text = sources.without_comments(text)
    found = {match[1]: match[2] for match in re.finditer(r"^struct _(\w+)\n\{(.*?)^\}", text, re.MULTILINE | re.DOTALL)}
    found.update({match[2]: match[1]
                  for match in re.finditer(r"^typedef struct\n\{(.*?)^\} (\w+);", text, re.MULTILINE | re.DOTALL)})
    return found


def made(tree):
    """The types that functions make or share."""
    text = "\n".join(sources.without_comments(text) for text in sources.select(tree, r"router/\w+/.*\.h$").values())
    return set(re.findall(r"\b(Ferry\w+) \*ferry_\w+_(?:new|ref) \(", text))


def open_classes(tree):
    """Types whose struct is in a header, with that header."""
    classes = made(tree)
    found = {}
    for name, text in sources.select(tree, r"router/\w+/.*\.h$").items():
        for struct, body in structs(text).items():
            if struct in classes or re.search(r"\bparent_instance;", body):
                found[struct] = name
    return found


def not_private(tree, allowed):
    return ["%s: the struct of %s belongs into its .c file" % (name, struct)
            for struct, name in sorted(open_classes(tree).items()) if struct not in allowed]


def private_by_now(tree, allowed):
    found = open_classes(tree)
    return ["%s is in no header any more: take it off the list" % struct for struct in allowed if struct not in found]


def inner_fields(text):
    """Of a struct that many files read: the fields for its own folder."""
    inner = re.search(r"^  /\* What this folder alone reads\. \*/\n(.*?)^\}", text, re.MULTILINE | re.DOTALL)
    return re.findall(r"(\w+)(?:\[\w+\])?;", sources.without_comments(inner[1])) if inner else []


def read_elsewhere(tree):
    """Fields of one folder that another folder reads, by the name that a pointer to such a struct has."""
    complaints = []
    for header, text in sources.select(tree, r"router/\w+/.*\.h$").items():
        noun = re.sub(r".*/(?:ferry-)?(\w+)(?:-private)?\.h$", r"\1", header)
        for name, other in sources.select(tree, r"router/.*\.[ch]$").items() if inner_fields(text) else ():
            if name.split("/")[1] != header.split("/")[1]:
                complaints += ["%s reads %s->%s" % (name, noun, field) for field in inner_fields(text)
                               if re.search(r"\b%s->%s\b" % (noun, field), other)]
    return complaints


GOOD = {
    "router/lane/a-private.h": "typedef struct _FerryA FerryA;\nFerryA *ferry_a_new (void);\n"
                               "typedef struct\n{\n  int x;\n} FerryPlace;\n",
    "router/lane/a.c": "struct _FerryA\n{\n  int references;\n};\n",
}
MADE = {"router/lane/a-private.h": "struct _FerryA\n{\n  int references;\n};\nFerryA *ferry_a_new (void);\n"}
SHARED = {"router/lane/a-private.h": "typedef struct\n{\n  int n;\n} FerryA;\nFerryA *ferry_a_ref (FerryA *self);\n"}
DERIVED = {"router/lane/a-private.h": "struct _FerryA\n{\n  GObject parent_instance;\n};\n"}

INNER = {"router/lane/a-private.h": "struct _FerryA\n{\n  int x;\n\n"
                                    "  /* What this folder alone reads. */\n  int y[N];\n}\n",
         "router/lane/b.c": "a->y", "router/link/c.c": "self->a->x"}


def body(report):
    for name, sample in (("made", MADE), ("shared", SHARED), ("derived", DERIVED)):
        report.fact("would be seen: a struct in a header, of a type that is " + name, not_private(sample, {}))
    report.none("a struct in a .c file, and a plain record, are nothing to complain of", not_private(GOOD, {}))
    report.none("a struct that is listed is allowed", not_private(MADE, {"FerryA": "a reason"}))
    report.fact("would be seen: a struct that left its header", private_by_now(GOOD, {"FerryA": "a reason"}))
    report.none("a folder reads its own fields", read_elsewhere(INNER))
    report.equal("would be seen: another folder's field", read_elsewhere({**INNER, "router/link/c.c": "self->a->y"}),
                 ["router/link/c.c reads a->y"])
    tree = sources.read_tree(sys.argv[1])
    report.none("no folder reads another folder's fields", read_elsewhere(tree))
    report.fact("a router has such fields", len(inner_fields(tree["router/route/ferry-router-private.h"])) > 10)
    report.none("the structs of classes are private, but for those that are listed", not_private(tree, ALLOWED))
    report.none("the list has only structs that lie in headers", private_by_now(tree, ALLOWED))


tap.main(body)
