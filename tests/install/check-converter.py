#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A copy of the converter is built alone, installed, and runs there with its own worker: check-converter.py BUILD SANITIZERS
WATCHER CONVERTER

CONVERTER is its folder.
"""

import os
import shutil
import sys
import tempfile

import tap
from installed import Built

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "examples"))
import scenes  # pylint: disable=wrong-import-position

WORKER = "libexec/converter/converter-worker"
INSTALLED = ("bin/converter", WORKER, "share/applications/org.example.Converter.desktop",
             "share/metainfo/org.example.Converter.metainfo.xml",
             "share/icons/hicolor/scalable/apps/org.example.Converter.svg")


def install(report, ferry, source, prefix):
    shutil.copytree(source, os.path.join(ferry.root, "copy"))
    ferry.check_bare(report, "copy")
    ferry.run("meson", "setup", "build", "copy", "--prefix=" + prefix, "--libexecdir=libexec", "-Dwerror=true")
    ferry.run("meson", "install", "-C", "build")
    report.equal("all of it is installed", [path for path in INSTALLED if not os.path.exists(os.path.join(prefix, path))], [])
    report.fact("its desktop file and metainfo are valid", "Fail:               0" in ferry.run("meson", "test", "-C", "build"))


def run(report, watcher, ferry, prefix):
    def start(*arguments):
        return scenes.Program(watcher, os.path.join(prefix, "bin"), None, "converter", *arguments,
                              environment=dict(ferry.environment, LC_ALL="C.UTF-8", LANGUAGE="en",
                                                  XDG_STATE_HOME=tempfile.mkdtemp(dir=ferry.root)))

    program = start(os.path.join(ferry.root, "none.png"))
    program.wait("window Converter", "label none.png", "label Failed", "label .*No such file or directory")
    report.fact("its worker serves it, and says why there is no such picture", True)
    program.do("close Converter")
    report.equal("it ends with its window", program.finish(), (0, "", ""))
    os.remove(os.path.join(prefix, WORKER))
    program = start()
    program.wait("label There is no program '%s' .*" % os.path.join(prefix, WORKER), "insensitive button _Open…")
    report.fact("that its worker is missing is said in its window", True)
    program.do("close Converter")
    report.equal("and it goes on to its end", program.finish(), (0, "", ""))


def body(report):
    build, sanitizers, watcher, source = sys.argv[1:]
    with tempfile.TemporaryDirectory() as root:
        ferry = Built(build, root, sanitizers, "ferry-gtk-1", "ferry-queue-1")
        prefix = os.path.join(root, "application")
        install(report, ferry, source, prefix)
        if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
            run(report, os.path.abspath(watcher), ferry, prefix)


tap.main(body)
