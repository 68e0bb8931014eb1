# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The commands of the project that the README, the pages and './run help' tell a reader to type."""

import glob
import os
import re

# In a line of its own, perhaps behind a prompt, up to a comment; within a sentence; and in the list of the help.
COMMAND = r"(?:[A-Z_]+=\S+ )*(?:\./run\b|\.ci/\w+|demo-app/run-\w+|packaging/\w+|tests/\w+/(?:run|mutate\.py|publish\.py)\b)"
LINE = re.compile(r"^(?: {4}|\$ )?(%s.*?)(?: +#.*)?$" % COMMAND, re.MULTILINE)
INLINE = re.compile(r"`(%s[^`]*)`" % COMMAND)
USAGE = re.compile(r"^(\./run \w+\S*(?: \S+)*)(?:  .*)?$", re.MULTILINE)


def in_page(text):
    lines = [match for block in re.findall(r"^```\w*\n(.*?)^```$|((?:^ {4}.*\n)+)", text, re.MULTILINE | re.DOTALL)
             for match in LINE.findall("".join(block))]
    return {" ".join(command.split()) for command in lines + INLINE.findall(text)}


def in_sections(text):
    """What each section of a page has of packaging, and in blocks for a shell, in order."""
    sections = [[line for inline, block in re.findall(r"`(packaging/[^`]*)`|^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
                 for line in (inline or re.sub(r" +# .*", "", block)).splitlines() if not line.startswith("./run ")]
                for section in re.split(r"(?m)^##+ ", text)]
    return [lines for lines in sections if lines]


def in_help(text):
    return set(USAGE.findall(text))


def in_tree(top, usage):
    """Command -> names of those that say it."""
    pages = [os.path.join(top, "README.md"), os.path.join(top, "HACKING.md"), *glob.glob(os.path.join(top, "docs", "*.md"))]
    found = {command: ["./run help"] for command in in_help(usage)}
    for page in pages:
        with open(page, encoding="utf-8") as file:
            for command in in_page(file.read()):
                found.setdefault(command, []).append(os.path.relpath(page, top))
    return found
