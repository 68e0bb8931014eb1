#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fills the tables of docs/benchmarks.md from docs/benchmarks.txt, and draws docs/benchmarks.svg: publish.py [FILE]

FILE is a run that takes the place of docs/benchmarks.txt. Nothing is written when a figure of the tables or of the picture
is missing in the run.
"""

import argparse
import os
import sys

import plot
import tables

DOCS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs")
RUN, PAGE, PICTURE = (os.path.join(DOCS, "benchmarks." + suffix) for suffix in ("txt", "md", "svg"))


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", metavar="FILE", nargs="?", default=RUN)
    results = read(parser.parse_args().file)
    page, absent = tables.fill(read(PAGE), results)
    absent += plot.missing(tables.read_results(results)[0])
    if absent:
        sys.exit("".join("The run has no figure %s.\n" % name for name in absent).strip())
    write(RUN, results)
    write(PAGE, page)
    write(PICTURE, plot.draw(results))


main()
