#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The programs of docs/languages.md print what the page says: check-page.py PAGE VALAC-FLAG...

They use the library as it is in the build folder. A program whose language is not installed is skipped.
"""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

import tap
from install import pages

# Only ends a hang.
SOME_SECONDS = 1200


def has_bindings():
    return subprocess.run([sys.executable, "-c", "import gi"], stderr=subprocess.DEVNULL, check=False).returncode == 0


def is_missing(program, has_vapi):
    if program == "python3":
        return not has_bindings()
    return shutil.which(program) is None or (program == "valac" and not has_vapi)


def has_queue():
    return any(os.path.exists(os.path.join(folder, "FerryQueue-1.typelib"))
               for folder in os.environ.get("GI_TYPELIB_PATH", "").split(os.pathsep))


def uses_queue(session, folder):
    """Whether a program of the session is one of the library that builds without SQLite have not."""
    names = {word for command, _ in session for word in shlex.split(command) if re.search(r"[.](py|js|vala)$", word)}
    return any("Queue" in pathlib.Path(folder, name).read_text(encoding="utf-8") for name in names)


def run(command, folder):
    # Versions of Python's bindings complain of a function that is registered for good.
    debug = "" if command[0] == sys.executable else "fatal-criticals"
    done = subprocess.run(command, cwd=folder, env=dict(os.environ, G_DEBUG=debug), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=SOME_SECONDS, check=False)
    return (done.returncode, done.stdout, done.stderr if done.returncode != 0 else "")


def run_session(report, session, folder, valac_flags):
    first = shlex.split(session[0][0])[0]
    if is_missing(first, valac_flags):
        report.skip(session[0][0], "there is no %s for it" % first)
        return
    if uses_queue(session, folder) and not has_queue():
        report.skip(session[0][0], "the library of queues was not built")
        return
    for command, expected in session:
        words = shlex.split(command)
        if words[0] == "python3":
            words[0] = sys.executable
        if words[0] == "valac":
            words = ["valac", "--quiet", *valac_flags, *words[1:]]
        report.equal("%s prints what the page says" % command, run(words, folder), (0, expected, ""))


def body(report):
    page, *valac_flags = sys.argv[1:]
    # "python3", which a program starts for its workers, is the one that runs this.
    os.environ["PATH"] = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]
    with open(page, encoding="utf-8") as file:
        text = file.read()
    files = pages.program_files(text)
    report.none("the page runs all that it shows", pages.unused(files, text))
    report.none("its programs are as long as it says", pages.wrong_counts(text))
    with tempfile.TemporaryDirectory() as folder:
        pages.write(files, folder)
        for session in pages.sessions(text):
            run_session(report, session, folder, valac_flags)


tap.main(body)
