#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A copy of each example is built by one line, or by three lines of meson, and runs: check-examples.py BUILD SANITIZERS
WATCHER EXAMPLES PAGE

The lines are those of the page. EXAMPLES is the folder of the programs. The watcher looks at those that run.
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

import pages
import tap
from installed import Installed

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "examples"))
import scenes  # pylint: disable=wrong-import-position

# What the page builds.
SHOWN = "pipe"
MESON = re.compile(r"^```meson\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def needs_adwaita(path):
    with open(path, encoding="utf-8") as file:
        return "<adwaita.h>" in file.read()


def line_for(command, path, name):
    """The page's line for another program."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if "<ferry-gtk.h>" in text:
        command = command.replace("ferry-1 gtk4", "ferry-gtk-1")
    if needs_adwaita(path):
        command = command.replace(" gtk4", "").replace("--libs ", "--libs libadwaita-1 ")
    return re.sub(r"\b%s\b" % SHOWN, name, command)


def play(report, watcher, root, folder, name):
    """Runs the copy, and not what was built beside the library."""
    os.environ.update(root.environment)
    with tempfile.TemporaryDirectory() as files:
        scenes.play(report, watcher, folder, files, name)


def body(report):
    build, sanitizers, watcher, examples, page = sys.argv[1:]
    with open(page, encoding="utf-8") as file:
        text = file.read()
    commands = [command for session in pages.sessions(text) for command, _ in session]
    report.equal("the page has a line that builds an example", [command.split()[:2] for command in commands],
                 [["cc", SHOWN + ".c"]])
    description = MESON.search(text)
    report.fact("and three lines of meson", description and description[1].count("\n") == 3)
    with tempfile.TemporaryDirectory() as root:
        installed = Installed(build, root, sanitizers)
        for path in glob.glob(os.path.join(examples, "*.c")):
            shutil.copy(path, root)
            name = os.path.basename(path)[:-len(".c")]
            if needs_adwaita(path) and subprocess.run(["pkg-config", "--exists", "libadwaita-1"], check=False).returncode != 0:
                report.skip("%s.c is built" % name, "libadwaita is not installed")
                continue
            pages.run_commands(report, installed, [(line_for(commands[0], path, name), "")])
        folder = os.path.join(root, "copy")
        os.mkdir(folder)
        shutil.copy(os.path.join(examples, SHOWN + ".c"), folder)
        pages.write({"meson.build": description[1]}, folder)
        installed.run("meson", "setup", "copy/build", "copy")
        installed.run("ninja", "-C", "copy/build")
        report.fact("meson builds it", True)
        if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
            play(report, watcher, installed, root, "hello")
            play(report, watcher, installed, os.path.join(folder, "build"), SHOWN)


tap.main(body)
