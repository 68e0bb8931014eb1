#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes a page of the reference from one of docs/: generate-documentation-page.py PAGE.md OUTPUT.md

The pages are written to be read as they are. In the reference a page has its heading as title as well, and links to
other pages lead to what those become there.
"""

import re
import sys

HEADING = re.compile(r"# (.*)\n")
LINK = re.compile(r"\]\(([\w-]+)\.md(#[\w-]+)?\)")


def main():
    page, output = sys.argv[1:]
    with open(page, encoding="utf-8") as file:
        text = file.read()
    heading = HEADING.match(text)
    if not heading:
        sys.exit("%s: the first line is no heading" % page)
    text = LINK.sub(r"](\1.html\2)", text)
    with open(output, "w", encoding="utf-8") as file:
        file.write("Title: %s\n\n%s" % (heading[1], text))


main()
