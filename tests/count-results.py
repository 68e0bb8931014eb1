#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts what a run of the suite showed: count-results.py TESTLOG...

Reads logs that 'meson test' writes (testlog.json, one JSON object a line). Each fact that a test program reported
counts, not the program; a program that crashed, timed out or reported fewer facts than it planned is one more failure.
Prints 'N passed, N failed' and fails when something failed or nothing ran.
"""

import json
import re
import sys

FACT = re.compile(r"^(not )?ok\b(.*)$")
PROTOCOL = re.compile(r"^(1\.\.|ok\b|not ok\b)", re.MULTILINE)
DIRECTIVE = re.compile(r"#\s*(skip|todo)", re.IGNORECASE)
GOOD_RESULTS = ("OK", "SKIP", "EXPECTEDFAIL")


def count_facts(output):
    """The numbers of facts that hold and that do not; nested ones, which are indented, and skipped ones are left out."""
    passed = failed = 0
    for line in output.splitlines():
        match = FACT.match(line)
        if not match or DIRECTIVE.search(match.group(2)):
            continue
        if match.group(1):
            failed += 1
        else:
            passed += 1
    return passed, failed


def count_program(entry):
    """The same for one program as meson logs it; one that reports no facts is a fact itself."""
    output = entry.get("stdout") or ""
    passed, failed = count_facts(output)
    if entry["result"] not in GOOD_RESULTS and failed == 0:
        failed = 1
    elif entry["result"] == "OK" and not PROTOCOL.search(output):
        passed = 1
    return passed, failed


def count_log(lines):
    total_passed = total_failed = 0
    for line in lines:
        if line.strip():
            passed, failed = count_program(json.loads(line))
            total_passed += passed
            total_failed += failed
    return total_passed, total_failed


def main(paths):
    passed = failed = 0
    for path in paths:
        try:
            with open(path, encoding="utf-8") as log:
                counts = count_log(log)
        except FileNotFoundError:
            counts = (0, 0)
        passed += counts[0]
        failed += counts[1]
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
