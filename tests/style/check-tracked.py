#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A clone has all that is here: no file of the source is one that git ignores, and each of the corpus is one that
make-corpus.py makes, byte by byte. And it has nothing else, such as what a tool has left here: check-tracked.py TOP"""

import os
import shutil
import subprocess
import sys
import tempfile

import sources
import tap


def git(folder, *arguments):
    # Another user's clone is a safe place to list files in.
    command = ["git", "-c", "safe.directory=*", "-C", folder, *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)


def ignored(top):
    listing = git(top, "ls-files", "--others", "--ignored", "--exclude-standard", "--", *sources.FOLDERS)
    return ["%s is ignored by git" % name for name in listing.stdout.splitlines() if "__pycache__" not in name]


def foreign(names):
    return ["%s is in no folder of the source" % name for name in names
            if "/" in name and name.split("/", 1)[0] not in sources.FOLDERS]


def would_be_seen():
    with tempfile.TemporaryDirectory() as folder:
        git(folder, "init")
        os.mkdir(os.path.join(folder, "build-aux"))
        for name, text in ((".gitignore", "/build*/\n"), ("build-aux/script", "")):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        return bool(ignored(folder))


def contents(folder):
    """The files below a folder."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = file.read()
    return found


def check_corpus(report, top):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, os.path.join(top, "tests", "fuzz", "make-corpus.py"), folder], check=True)
        made = contents(folder)
    there = contents(os.path.join(top, "tests", "fuzz", "corpus"))
    report.none("the corpus is what make-corpus.py makes", [
        "%s: run make-corpus.py, and remove what it does not make" % name for name in sorted(set(made) | set(there))
        if made.get(name) != there.get(name)])


def body(report):
    top = sys.argv[1]
    check_corpus(report, top)
    if not shutil.which("git") or git(top, "rev-parse", "--show-toplevel").returncode != 0:
        report.skip("tracked", "this is no clone, or there is no git")
        return
    report.fact("would be seen: a file that git ignores", would_be_seen())
    report.none("git ignores no file of the source", ignored(top))
    report.equal("would be seen: a file of a tool", len(foreign(["run", "docs/a.md", ".tool/cache/a"])), 1)
    report.none("git has no file of a tool", foreign(git(top, "ls-files").stdout.splitlines()))


tap.main(body)
