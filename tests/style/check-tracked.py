#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A clone has all that is here: no file of the source is one that git ignores, and each of the corpus is one that
make-corpus.py makes, byte by byte. And it has nothing else, such as what a tool has left here. Each file says what it is under,
or REUSE.toml does, as 'reuse lint' wants it: check-tracked.py TOP"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib

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


def covers(pattern, name):
    """Whether a path of REUSE.toml has a file: ** is any number of folders."""
    parts = [".*" if part == "**" else "[^/]*" if part == "*" else re.escape(part) for part in re.split(r"(\*\*|\*)", pattern)]
    return bool(re.fullmatch("".join(parts), name))


def licences(files, annotations):
    """Each file -> the names of its licences, of its own lines or of REUSE.toml. Texts of licences have none, nor has nothing."""
    found = {}
    for name, text in files.items():
        of_file = {} if not text or name.startswith("LICENSES/") or os.path.basename(name) == "COPYING" else {name: set()}
        for told in annotations:
            if of_file and any(covers(pattern, name) for pattern in told["path"]):
                of_file[name] = set(told["SPDX-License-Identifier"].split(" AND "))
        if of_file and not of_file[name]:
            of_file[name] = set(re.findall(rb"SPDX-" + rb"License-Identifier: ([\w.-]+)", text[:1000]))
            of_file[name] = {licence.decode() for licence in of_file[name]}
        found.update(of_file)
    return found


def unlicensed(files, annotations):
    found = licences(files, annotations)
    used = set().union(*found.values())
    texts = {os.path.basename(name)[:-len(".txt")] for name in files if name.startswith("LICENSES/")}
    return (["%s names no licence: two lines at its top, or a path in REUSE.toml" % name for name, names in found.items()
             if not names]
            + ["LICENSES has no text of %s" % name for name in sorted(used - texts)]
            + ["nothing is under %s" % name for name in sorted(texts - used)]
            + ["REUSE.toml: there is no %s" % pattern for told in annotations for pattern in told["path"]
               if not any(covers(pattern, name) for name in files)])


SAMPLES = {"a.c": b"/* SPDX-" + b"License-Identifier: A-1 */", "b/c.bin": b"c", "d/py.typed": b"", "LICENSES/A-1.txt": b"", "COPYING": b""}
TOLD = [{"path": ["b/**"], "SPDX-License-Identifier": "A-1"}]


def check_licences(report, top, names):
    report.none("each of these has a licence", unlicensed(SAMPLES, TOLD))
    for kind, files, told in (("a file without one", {**SAMPLES, "d.png": b"d"}, TOLD),
                              ("a path of no file", SAMPLES, [{**TOLD[0], "path": ["b/**", "e/*"]}]),
                              ("a licence without its text", {**SAMPLES, "d.c": SAMPLES["a.c"].replace(b"A", b"B")}, TOLD),
                              ("a text of none", {**SAMPLES, "LICENSES/B-1.txt": b""}, TOLD)):
        report.equal("would be seen: %s" % kind, len(unlicensed(files, told)), 1)
    files = {}
    for name in names:
        with open(os.path.join(top, name), "rb") as file:
            files[name] = file.read()
    with open(os.path.join(top, "REUSE.toml"), "rb") as file:
        annotations = tomllib.load(file)["annotations"]
    report.none("each file names its licence, whose text is here", unlicensed(files, annotations))
    report.fact("COPYING is the library's", files["COPYING"] == files["LICENSES/LGPL-2.1-or-later.txt"])


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
    names = git(top, "-c", "core.quotePath=off", "ls-files").stdout.splitlines()
    report.none("git has no file of a tool", foreign(names))
    check_licences(report, top, [name for name in names if os.path.exists(os.path.join(top, name))])


tap.main(body)
