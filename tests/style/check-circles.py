#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files do not know each other in circles, but for two of a folder that are a pair: check-circles.py ARCHIVE...

An arrow goes from an object file to the one that defines what it names. That a file asks for another one's GType is no
arrow: it is a question about a pointer."""

import collections
import re
import subprocess
import sys

import tap

NO_ARROW = re.compile(r".*_get_type$")


def read_symbols(listing):
    """From what 'nm -o' prints of an archive: who defines each symbol, and what each file names."""
    definers = {}
    names = collections.defaultdict(set)
    for line in listing.splitlines():
        match = re.match(r"(?:.*?(\w+)/)?[\w-]+\.a:.*?([\w-]+\.c)\.o:\s*(?:[0-9a-f]+)? ([A-Za-z]) (\S+)$", line)
        if match:
            folder, file, kind, symbol = match.groups()
            # An archive that is made in the folder of its files does not name it again.
            file = file.replace("_", "/", 1) if "_" in file else "%s/%s" % (folder, file)
            names[file].update([symbol] if kind == "U" else [])
            if kind.isupper() and kind != "U":
                definers[symbol] = file
    return definers, names


def read_arrows(listing):
    definers, names = read_symbols(listing)
    return {file: {definers[symbol] for symbol in symbols if symbol in definers and not NO_ARROW.match(symbol)} - {file}
            for file, symbols in names.items()}


def reachable(arrows, start):
    seen = set()
    left = [start]
    while left:
        for target in arrows.get(left.pop(), ()):
            if target not in seen:
                seen.add(target)
                left.append(target)
    return seen


def find_circles(arrows):
    """Sets of files of which each can be reached from each other."""
    reach = {file: reachable(arrows, file) for file in arrows}
    return {frozenset(other for other in reach[file] if file in reach.get(other, ())) for file in arrows
            if file in reach[file]}


def name_of(circle):
    return " ".join(sorted(circle))


def is_pair(circle):
    return len(circle) == 2 and len({file.split("/")[0] for file in circle}) == 1


def circles_of_files(arrows):
    return sorted(name_of(circle) for circle in find_circles(arrows) if not is_pair(circle))


def circles_between_folders(arrows):
    folders = collections.defaultdict(set)
    for file, targets in arrows.items():
        folder = file.split("/")[0]
        folders[folder] |= {target.split("/")[0] for target in targets} - {folder}
    return [name_of(circle) for circle in find_circles(folders)]


# The last file is named as in a thin archive.
SAMPLE = """\
lib.a:lane_a.c.o:0000000000000000 T ferry_a
lib.a:lane_a.c.o:                 U ferry_b
lib.a:lane_b.c.o:0000000000000010 t help
lib.a:lane_b.c.o:0000000000000010 T ferry_b
lib.a:lane_b.c.o:                 U g_free
build/lib.a:build/lib.a.p/link_c.c.o:0000000000000000 T ferry_c
lib.a:link_c.c.o:0000000000000040 D ferry_c_data
lib.a:link_c.c.o:                 U ferry_a
lib.a:link_c.c.o:0000000000000010 T ferry_c_get_type
"""
PAIR = SAMPLE + "lib.a:lane_b.c.o:                 U ferry_a\n"
CIRCLE = SAMPLE + "lib.a:lane_b.c.o:                 U ferry_c_data\n"
ACROSS = SAMPLE + "lib.a:lane_a.c.o:                 U ferry_c_data\n"
SIBLING = SAMPLE + """\
build/router/cluster/sib.a:build/router/cluster/sib.a.p/d.c.o:0000000000000000 T ferry_d
build/router/cluster/sib.a:build/router/cluster/sib.a.p/d.c.o:                 U ferry_c
"""
QUESTION = SAMPLE + "lib.a:lane_a.c.o:                 U ferry_c_get_type\n"


def test_the_checks(report):
    good, bad, across = read_arrows(SAMPLE), read_arrows(CIRCLE), read_arrows(ACROSS)
    three = {"x/%d.c" % i: {"x/%d.c" % ((i + 1) % 3)} for i in range(3)}
    report.equal("arrows are read", good,
                 {"lane/a.c": {"lane/b.c"}, "lane/b.c": set(), "link/c.c": {"lane/a.c"}})
    report.equal("an archive in its own folder is read", read_arrows(SIBLING)["cluster/d.c"], {"link/c.c"})
    report.equal("a question for a type is no arrow", read_arrows(QUESTION), good)
    report.none("no circle is seen where there is none", circles_of_files(good))
    report.none("a pair within a folder is no circle", circles_of_files(read_arrows(PAIR)))
    report.equal("would be seen: a circle", circles_of_files(bad), ["lane/a.c lane/b.c link/c.c"])
    report.equal("would be seen: a circle of three", circles_of_files(three), ["x/0.c x/1.c x/2.c"])
    report.fact("would be seen: a circle between folders",
                circles_between_folders(across) and not circles_between_folders(read_arrows(PAIR)))


def body(report):
    test_the_checks(report)
    listing = subprocess.run(["nm", "-o", *sys.argv[1:]], stdout=subprocess.PIPE, check=True, text=True).stdout
    arrows = read_arrows(listing)
    report.fact("the archive is read", len(arrows) > 50)
    report.none("no files know each other in a circle", circles_of_files(arrows))
    report.none("no folders know each other in a circle", circles_between_folders(arrows))


tap.main(body)
