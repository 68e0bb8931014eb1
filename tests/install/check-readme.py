#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The README's applications and workers do what it says: check-readme.py README BUILD SANITIZERS

Their files are taken out of the README, built as its own compiler lines say against the installed library, and run; what
the applications print is what the README shows under them.
"""

import os
import sys
import tempfile

import pages
import tap
from installed import Installed

LIMITS = {"app.c": 40, "worker.c": 24, "listen.c": 40, "tell.c": 20}


def body(report):
    readme, build, sanitizers = sys.argv[1:]
    if not os.path.exists(readme):
        report.fact("there is a README", False)
        return
    with open(readme, encoding="utf-8") as file:
        text = file.read()
    files = pages.program_files(text)
    sessions = pages.sessions(text)
    report.equal("the README has two applications, each with its worker", sorted(files), sorted(LIMITS))
    for name, limit in LIMITS.items():
        count = pages.count_lines(files.get(name, ""))
        report.fact("%s is short" % name, 0 < count <= limit, ["%d lines, %d are allowed" % (count, limit)])
    report.equal("the README says how each pair is built and run", [len(session) for session in sessions], [3, 3])
    report.none("it builds all that it shows", pages.unused(files, text))

    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        report.skip("application", "there is no display")
        return
    with tempfile.TemporaryDirectory() as root:
        installed = Installed(build, root, sanitizers)
        report.none("all that it names is in the headers", pages.unknown_names(text, installed.names()))
        pages.write(files, root)
        for session in sessions:
            pages.run_session(report, installed, session)


tap.main(body)
