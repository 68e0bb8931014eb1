#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes a page of the reference from one of docs/: generate-documentation-page.py PAGE.md OUTPUT.md DEPENDENCIES

The pages are written to be read as they are. In the reference a page has its heading as title as well, and links to
other pages lead to what those become there. Programs of ../examples that a page links to stand at its end, and links to
them lead there. DEPENDENCIES is a file that tells make which of them were read.
"""

import os
import re
import sys

HEADING = re.compile(r"# (.*)\n")
PROGRAM = re.compile(r"\]\(\.\./examples/([\w/-]+\.c)\)")
LINK = re.compile(r"\]\((?:\.\./|migrating/)?([\w-]+)\.md(#[\w-]+)?\)")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def append_programs(text, programs):
    """The page with the texts of the programs (name to text) behind it."""
    parts = ["\n## The programs\n"] if programs else []
    parts += ["\n### %s\n\n```c\n%s```\n" % item for item in programs.items()]
    return PROGRAM.sub(lambda match: "](#%s)" % re.sub("[./]", "", match[1]), text) + "".join(parts)


def main():
    page, output, dependencies = sys.argv[1:]
    text = read(page)
    heading = HEADING.match(text)
    if not heading:
        sys.exit("%s: the first line is no heading" % page)
    paths = {name: os.path.join(os.path.dirname(page), "..", "examples", name) for name in PROGRAM.findall(text)}
    text = append_programs(text, {name: read(path) for name, path in paths.items()})
    text = LINK.sub(r"](\1.html\2)", text)
    write(output, "Title: %s\n\n%s" % (heading[1], text))
    write(dependencies, "%s: %s\n" % (output, " ".join(paths.values())))


main()
