#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The application to copy is built and installed with an installed Ferry, and runs there: check-application.py BUILD SANITIZERS
WATCHER APPLICATION

APPLICATION is its folder. It runs from its prefix, with its own worker, in English and in German.
"""

import hashlib
import os
import shutil
import sys
import tempfile

import speaking
import tap
from installed import Installed

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "examples"))
import scenes  # pylint: disable=wrong-import-position

# What its installation runs.
NEEDED = ("msgfmt", "xgettext")
INSTALLED = ("bin/checksums", "libexec/checksums/checksums-worker", "share/applications/org.example.Checksums.desktop",
             "share/metainfo/org.example.Checksums.metainfo.xml", "share/locale/de/LC_MESSAGES/checksums.mo",
             "share/icons/hicolor/scalable/apps/org.example.Checksums.svg")


def install(report, ferry, source, prefix):
    ferry.check_bare(report, source)
    ferry.run("meson", "setup", "build", source, "--prefix=" + prefix, "--libexecdir=libexec", "-Dwerror=true")
    ferry.run("meson", "install", "-C", "build")
    report.equal("all of it is installed", [path for path in INSTALLED if not os.path.exists(os.path.join(prefix, path))], [])
    report.fact("its desktop file and metainfo are valid", "Fail:               0" in ferry.run("meson", "test", "-C", "build"))
    with open(os.path.join(prefix, INSTALLED[2]), encoding="utf-8") as file:
        report.fact("the desktop file has the translation", "Name[de]=Prüfsummen\n" in file.read())


def start(watcher, ferry, prefix, *arguments, **variables):
    return scenes.Program(watcher, os.path.join(prefix, "bin"), None, "checksums", *arguments,
                          environment=dict(ferry.environment, **variables))


def run(report, watcher, ferry, prefix):
    path = os.path.join(ferry.root, "words")
    with open(path, "wb") as file:
        file.write(b"many words")
    program = start(watcher, ferry, prefix, path, path + "-that-are-none", LC_ALL="C.UTF-8", LANGUAGE="en")
    program.wait("window Checksums", "button _Open…", "label words", "label " + hashlib.sha256(b"many words").hexdigest(),
                 "label .*No such file or directory.*")
    report.fact("it has the sum of a file, and says why another has none", True)
    program.do("close Checksums")
    report.equal("it ends with its window", program.finish(), (0, "", ""))
    with speaking.speaking("de") as variables:
        program = start(watcher, ferry, prefix, **variables)
        program.wait("window Prüfsummen", "label Öffnen Sie Dateien, um deren SHA-256 zu sehen.")
        report.fact("it speaks German", True)
        program.do("close Prüfsummen")
        report.equal("so does it then", program.finish(), (0, "", ""))
    os.remove(os.path.join(prefix, INSTALLED[1]))
    program = start(watcher, ferry, prefix, LC_ALL="C.UTF-8", LANGUAGE="en")
    program.wait("label There is no program '%s' .*" % os.path.join(prefix, INSTALLED[1]))
    report.fact("that its worker is missing is said in its window", True)
    program.do("close Checksums")
    report.equal("and it goes on to its end", program.finish(), (0, "", ""))


def body(report):
    build, sanitizers, watcher, source = sys.argv[1:]
    missing = [program for program in NEEDED if shutil.which(program) is None]
    if missing:
        report.skip("the application is installed", "there is no %s" % missing[0])
        return
    with tempfile.TemporaryDirectory() as root:
        ferry = Installed(build, root, sanitizers)
        prefix = os.path.join(root, "application")
        install(report, ferry, source, prefix)
        if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
            run(report, os.path.abspath(watcher), ferry, prefix)


tap.main(body)
