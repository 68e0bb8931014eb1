#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the commands of ./run install: check-run.py RUN

A copy of the script is run where one program is missing, and what would install and build it only says so.
"""

import os
import shutil
import subprocess
import sys
import tempfile

import tap

STAND_INS = ("apt-get", "meson", "ninja", "sudo", "su")


def make_machine(folder, missing):
    """A folder of all programs but one."""
    for place in os.environ["PATH"].split(os.pathsep):
        for name in os.listdir(place) if os.path.isdir(place) else ():
            link = os.path.join(folder, name)
            if name not in (missing, *STAND_INS) and not os.path.lexists(link):
                os.symlink(os.path.join(place, name), link)
    for name in STAND_INS:
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n")
        os.chmod(os.path.join(folder, name), 0o755)


def said(script, machine, *arguments):
    done = subprocess.run([script, *arguments], env={**os.environ, "PATH": machine}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=600)
    return done.stdout


def body(report):
    with tempfile.TemporaryDirectory() as folder:
        machine, script = os.path.join(folder, "bin"), os.path.join(folder, "run")
        os.mkdir(machine)
        shutil.copy(sys.argv[1], script)
        make_machine(machine, "gi-docgen")
        text = said(script, machine, "docs")
        report.fact("the reference wants gi-docgen", "gi-docgen" in text, [text])
        text = said(script, machine, "python", "-c", "print('it', 'runs')")
        report.fact("Python does not", "gi-docgen" not in text, [text])


tap.main(body)
