#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The applications and workers of the README, and of docs/pipes.md and widgets.md do what the page says:
check-readme.py BUILD SANITIZERS PAGE...

Their files are taken out of the page, built as its own compiler lines say against the installed library, and run; what
the applications print is what the page shows under them.
"""

import os
import sys
import tempfile

import pages
import tap
from installed import Installed

# Of each page, its programs and how many lines they may have, with that of the name.
LIMITS = {
    "README.md": {"hello.c": 46, "hello-worker.c": 16},
    "pipes.md": {"listen.c": 72, "paint.c": 52, "paint-later.c": 66},
    "widgets.md": {"copies.c": 35, "copier.c": 26, "counted.c": 58, "pace.c": 50},
}


def check(report, build, sanitizers, page):
    name = os.path.basename(page)
    limits = LIMITS[name]
    with open(page, encoding="utf-8") as file:
        text = file.read()
    files = pages.program_files(text)
    sessions = pages.sessions(text)
    report.equal("%s has applications and their workers" % name, sorted(files), sorted(limits))
    for program, limit in limits.items():
        count = pages.count_lines(files.get(program, ""))
        report.fact("%s is short" % program, 0 < count <= limit, ["%d lines, %d are allowed" % (count, limit)])
    # One program is its own worker, or two belong together.
    report.equal("%s says how they are built and run" % name,
                 [[command.startswith("cc ") for command, _ in session] for session in sessions],
                 [[True] * (len(session) - 1) + [False] for session in sessions])
    report.none("%s builds all that it shows" % name, pages.unused(files, text))

    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        report.skip("application", "there is no display")
        return
    with tempfile.TemporaryDirectory() as root:
        installed = Installed(build, root, sanitizers)
        report.none("all that it names is in the headers", pages.unknown_names(text, installed.names()))
        pages.write(files, root)
        for session in sessions:
            pages.run_session(report, installed, session)


def body(report):
    build, sanitizers, *names = sys.argv[1:]
    report.equal("each page is there", sorted(os.path.basename(name) for name in names), sorted(LIMITS))
    for page in names:
        check(report, build, sanitizers, page)


tap.main(body)
