#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tables of docs/benchmarks.md have the figures of the run in docs/benchmarks.txt: check-figures.py TOP"""

import os
import re
import sys

import tap

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench"))
import tables  # pylint: disable=wrong-import-position

RESULTS = "docs/benchmarks.txt"
PAGE = "docs/benchmarks.md"

# Tables of figures begin so; others say what rows and budgets mean.
UNFILLED = r"(?m)^(?<! -->\n)\| (?:figure|direction and way) \|.*"

SAMPLE_RESULTS = """\
# run date 24 November 2026
# run load 0.1 before it began
a/one 91700000 messages/s
a/two 840000 messages/s
a/time 13.5 us
# nothing that counts
a/long 2000 us
a/ratio 0.790 x
# budget >= 0.8
a/frame 120.5 ms
# budget <= 100 and a frame
b/x/one 4.25 us
ratio/b/x/one 1.300 x
# budget <= 1.3: the lower quartile
b/y/one 1381200 calls/s
b/x/two 132 us
b/y/two 21000 calls/s
"""

SAMPLE_PAGE = """\
# Figures

<!-- run -->
- date: 24 November 2026
- load: 0.1 before it began

<!-- figures: {} -->
| figure | value | budget |
| --- | --- | --- |
| `a/{one,two}` | 91.7, 0.84 M/s | |
| `a/time`, `a/long` | 13.5 µs, 2 ms | quick |
| `a/ratio` | 0.79 ✗ | ≥ 0.8 |
| `a/frame` | 120 ms | ≤ 100 ms and a frame |

<!-- figures: b/x/{}, ratio/b/x/{}, b/y/{} -->
| direction and way | time | × pipe | thousands/s |
| --- | --- | --- | --- |
| `one` | 4.25 | 1.3 | 1,381 |
| `two` | 132 | | 21 |
"""

# What is written there, and what must be noticed in its place.
WRONG = (
    ("a digit", "91.7", "91.6"),
    ("a figure in another cell", "| 4.25 | 1.3 |", "| 1.3 | 4.25 |"),
    ("a budget that is missed without a mark", "0.79 ✗", "0.79"),
    ("a mark where no budget is missed", "| 1.3 |", "| 1.3 ✗ |"),
    ("a unit", "13.5 µs", "13.5 ms"),
    ("another run", "load: 0.1", "load: 0"),
    ("a row that the run does not have", "`two`", "`three`"),
    ("a name that the run does not have", "`a/time`", "`a/times`"),
    ("a table that is not filled", "<!-- figures: {} -->\n", ""),
    ("a table without a comment", "<!-- figures: b/x/{}, ratio/b/x/{}, b/y/{} -->\n", "Others:\n\n"),
)


def find_differences(page, results):
    filled, missing = tables.fill(page, results)
    return (["%s has no figure %s" % (RESULTS, name) for name in missing]
            + ["%s says “%s” where %s gives “%s”; run tests/bench/publish.py" % (PAGE, old, RESULTS, new)
               for old, new in zip(page.splitlines(), filled.splitlines()) if old != new]
            + ["%s has another number of lines" % PAGE] * (page.count("\n") != filled.count("\n"))
            + ["%s: a table that no comment fills: %s" % (PAGE, row) for row in re.findall(UNFILLED, page)])


def read(name):
    with open(os.path.join(sys.argv[1], name), encoding="utf-8") as file:
        return file.read()


def body(report):
    report.none("tables of a run are as they are filled", find_differences(SAMPLE_PAGE, SAMPLE_RESULTS))
    for name, old, new in WRONG:
        report.fact("would be seen: " + name, find_differences(SAMPLE_PAGE.replace(old, new, 1), SAMPLE_RESULTS))
    report.none("the page has the figures of its run", find_differences(read(PAGE), read(RESULTS)))


tap.main(body)
