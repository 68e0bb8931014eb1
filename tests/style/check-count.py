#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The counting of results is right: check-count.py COUNT-RESULTS"""

import json
import os
import subprocess
import sys
import tempfile

import tap

CASES = (
    ("facts count and not programs", [("OK", "ok 1 /a\nok 2 /b\n1..2\n")], "2 passed, 0 failed", 0),
    ("a fact that does not hold", [("FAIL", "ok 1 /a\nnot ok 2 /b\n1..2\n")], "1 passed, 1 failed", 1),
    ("skipped facts are left out", [("OK", "ok 1 /a # SKIP no display\nok 2 /b\n1..2\n")], "1 passed, 0 failed", 0),
    ("a crash is a failure", [("ERROR", "ok 1 /a\n")], "1 passed, 1 failed", 1),
    ("a crash before the first fact too", [("FAIL", None)], "0 passed, 1 failed", 1),
    ("and so is one that never ends", [("TIMEOUT", "ok 1 /a\n")], "1 passed, 1 failed", 1),
    ("nothing ran", [], "0 passed, 0 failed", 1),
    ("all skipped is not a pass", [("SKIP", "1..0 # SKIP no spin\n")], "0 passed, 0 failed", 1),
    ("a program without facts is one", [("OK", "hello\n")], "1 passed, 0 failed", 0),
    ("nested facts are left out", [("OK", "ok 1 /a\n    ok 1 part\n1..1\n")], "1 passed, 0 failed", 0),
    ("programs add up", [("OK", "ok 1 /a\n1..1\n"), ("FAIL", "not ok 1 /b\n1..1\n")], "1 passed, 1 failed", 1),
)


def run(program, *logs):
    done = subprocess.run([sys.executable, program, *logs], stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout.strip(), done.returncode


def body(report):
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "testlog.json")
        for name, programs, line, status in CASES:
            with open(log, "w", encoding="utf-8") as file:
                for result, output in programs:
                    file.write(json.dumps({"name": "a", "result": result, "stdout": output}) + "\n")
            report.equal(name, run(program, log), (line, status))
        report.equal("no log", run(program, os.path.join(folder, "none")), ("0 passed, 0 failed", 1))


tap.main(body)
