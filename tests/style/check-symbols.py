#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's lists of symbols are those of the libraries, and no library is unloaded: check-symbols.py TOP LIBRARY...

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


# What the loader keeps, whatever dlclose() says (DF_1_NODELETE of <elf.h>).
NODELETE = 0x8


def entries(library):
    """The first words of what the loader reads in a library, and what follows each."""
    dynamic = subprocess.run(["objdump", "-p", library], stdout=subprocess.PIPE, check=True, text=True).stdout
    return {words[0]: words[1] for words in map(str.split, dynamic.splitlines()) if len(words) == 2}


def name_of(library):
    """The library's name as programs have it."""
    return entries(library)["SONAME"]


def stays(library):
    """Whether the library is mapped until the process ends."""
    return int(entries(library).get("FLAGS_1", "0"), 16) & NODELETE != 0


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
    report.none("each library stays when it is unloaded", [path for path in paths if not stays(path)])


if __name__ == "__main__":
    tap.main(body)
