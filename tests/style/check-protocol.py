#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The structs of docs/protocol.md have their fields where those of the code have them: check-protocol.py TOP"""

import re
import sys

import sources
import tap

PAGE = "docs/protocol.md"

# What a struct of the page is called in the code. The page names fields for its readers; places and sizes are compared.
NAMES = {
    "header": "FerryControlHeader", "welcome": "FerryWelcome", "attach": "FerryAttach", "confined": "FerryConfined",
    "crash": "FerryCrash", "crash_frame": "FerryCrashFrame", "crash_file": "FerryCrashModule",
    "fork_server": "FerryForkServerPacket",
    "attributes": "FerryAttributes", "lane_control": "FerryLaneControl", "link_control": "FerryLinkControl",
    "arena_control": "FerryArenaControl", "record": "FerryRecordHeader", "grant": "FerryGrant", "cell": "FerryCell",
    "slot": "FerryCellHeader", "buffer": "FerryBufferMessage",
    "fd_batch": "FerryFdBatch", "fd_batch_record": "FerryFdBatchMessage",
    "returns": "FerryReturns", "message": "FerryCallHeader", "progress": "FerryProgressHeader", "run": "FerryRunRequest",
    "view": "RequestHeader", "step": "StepHeader", "result": "ResultHeader",
}
PARTS = ("FerryWriterLine", "FerryReaderLine", "FerryWakeLine", "FerryBellLine")

SIZES = {"char": 1, "double": 8}
for bits in (8, 16, 32, 64):
    for kind in ("u%d", "i%d", "guint%d", "gint%d"):
        SIZES[kind % bits] = bits // 8

FIELD = re.compile(r"/\*(?P<comment>.*?)\*/|(?:struct |_Atomic )?(?P<type>\w+) (?P<name>\w+)(?P<array>(?:\[[^]]+\])*);",
                   re.DOTALL)


def number(text, constants):
    """The value of 16, of NAME, of NAME / 8 and of NAME - 8."""
    value, *rest = [constants.get(word, word) for word in text.split()]
    value = int(value)
    if rest:
        value = value // int(rest[1]) if rest[0] == "/" else value - int(rest[1])
    return value


def layout(body, known, constants):
    """((place, size) of each field in use, size of all, alignment), of a struct's text between its braces."""
    fields, end, widest = [], 0, 1
    for match in FIELD.finditer(body):
        if not match["type"]:
            # The page says so where a field does not follow directly.
            jump = re.match(r" at ([\d,]+)", match["comment"])
            if jump and fields:
                place = int(jump[1].replace(",", ""))
                end += place - fields[-1][0]
                fields[-1] = (place, fields[-1][1])
            continue
        one = SIZES.get(match["type"])
        inner, size, width = known.get(match["type"], ([(0, one)], one, one))
        end = -(-end // width) * width
        count = 1
        for part in re.findall(r"\[([^]]+)\]", match["array"]):
            count *= number(part, constants)
        if not re.match("reserved|padding", match["name"]):
            fields += [(end + place, each * count) for place, each in inner]
        end += size * count
        widest = max(widest, width)
    return fields, -(-end // widest) * widest, widest


def lay_out(found, constants):
    known = {}
    for name, text in found:
        known[name] = layout(text, known, constants)
    return {name: set(fields) for name, (fields, _, _) in known.items()}


def of_page(text):
    blocks = "\n".join(re.findall(r"^```c\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    # One has another, which comes later on the page, as its last field.
    return sorted(re.findall(r"^struct (\w+) \{(.*?)\};", blocks, re.MULTILINE | re.DOTALL),
                  key=lambda item: "struct buffer" in item[1])


def of_code(tree):
    """The structs that are wanted, the layout's first, and the numbers that the code has names for. What another process sees
    of a struct ends before the first pointer."""
    names = sorted(sources.select(tree, r"router/(?:wire|process|cluster)/.*\.[ch]$"), key=lambda name: "lane-layout" not in name)
    text = "\n".join(sources.without_comments(tree[name]) for name in names)
    constants = dict(re.findall(r"^#define (\w+) (\d+)[ \t]*$", text, re.MULTILINE))
    return [(name, re.split(r"^.*\*", body, maxsplit=1, flags=re.MULTILINE)[0]) for body, name in re.findall(r"^typedef struct\n\{\n(.*?)^\} (\w+);", text, re.MULTILINE | re.DOTALL)
            if name in PARTS or name in NAMES.values()], constants


def differences(page, code):
    page = lay_out(of_page(page), {})
    return ["%s: struct %s has %s, and %s %s" % (PAGE, name, sorted(page.get(name, "")), own, sorted(code.get(own, "")))
            for name, own in NAMES.items() if not page.get(name) or page[name] != code.get(own)]


# What is written there, and what must be noticed in its place.
WRONG = (
    ("a width", "u64 heard;", "u32 heard;"),
    ("an order", "u32 application_pid; u32 n_pipes;", "u16 application_pid; u32 n_pipes;"),
    ("a place", "/* at 128; R: bytes", "/* at 136; R: bytes"),
    ("a field that is missing", "u32 arena_units;", ""),
    ("a struct that is missing", "struct returns {", "struct box {"),
)


def body(report):
    tree = sources.read_tree(sys.argv[1])
    code = lay_out(*of_code(tree))
    page = tree[PAGE]
    for name, old, new in WRONG:
        report.fact("would be seen: " + name, old in page and differences(page.replace(old, new, 1), code))
    report.none("structs of the page are those of the code", differences(page, code))


tap.main(body)
