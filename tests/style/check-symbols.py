#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's lists of symbols are those of the libraries: check-symbols.py TOP LIBRARY...

dpkg-gensymbols refuses to make packages else, which nobody would see before they are made.
"""

import os
import subprocess
import sys

import sources
import tap


def listed(text):
    """The library that a list is of, and its symbols."""
    head, *lines = text.splitlines()
    return head.split()[0], {line.split("@")[0].strip() for line in lines if "@" in line}


def name_of(library):
    """The library's name as programs have it."""
    dynamic = subprocess.run(["objdump", "-p", library], stdout=subprocess.PIPE, check=True, text=True).stdout
    return next(line.split()[1] for line in dynamic.splitlines() if "SONAME" in line)


def differences(lists, libraries):
    """What one of the two has only, as lines of a list are changed."""
    for name, symbols in sorted(libraries.items()):
        have = lists.get(name, set())
        yield from ("%s: -%s" % (name, symbol) for symbol in sorted(have - symbols))
        yield from ("%s: +%s" % (name, symbol) for symbol in sorted(symbols - have))


def body(report):
    top, *paths = sys.argv[1:]
    debian = os.path.join(top, "debian")
    lists = {}
    for file in sorted(os.listdir(debian)):
        if file.endswith(".symbols"):
            with open(os.path.join(debian, file), encoding="utf-8") as stream:
                name, symbols = listed(stream.read())
            lists[name] = symbols
    libraries = {name_of(path): sources.exported_by(path) for path in paths}
    report.equal("would be seen: a symbol that is gone, and a new one",
                 list(differences({"a": {"old", "same"}}, {"a": {"new", "same"}})), ["a: -old", "a: +new"])
    report.fact("each library has a list, and exports something", all(name in lists and symbols for name, symbols in
                                                                     libraries.items()), sorted(libraries))
    report.none("Debian's lists of symbols are those of the libraries", list(differences(lists, libraries)))


if __name__ == "__main__":
    tap.main(body)
