#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The unit that runs a host: check-unit.py UNIT FERRY-HOST

Its directives are those that systemd has, and the options that it names are those of ferry-host.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

import tap

SOME_SECONDS = 600


def call(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=SOME_SECONDS, check=False)


def verify(report, unit, program):
    """As an instance, and with the program where it was built: it is not installed."""
    name = "systemd knows each directive of the unit"
    if shutil.which("systemd-analyze") is None:
        report.skip(name, "there is no systemd-analyze")
        return
    text = re.sub(r"(?m)^ExecStart=\S+", "ExecStart=" + program, unit)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "ferry-host@demo.service")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        done = call("systemd-analyze", "verify", path)
    # It may tell of other units of the machine.
    report.none(name, [line for line in done.stdout.splitlines() if "ferry-host@demo" in line])


def body(report):
    path, program = (os.path.abspath(argument) for argument in sys.argv[1:])
    with open(path, encoding="utf-8") as file:
        unit = file.read()
    known = call(program, "--help-all").stdout
    named = sorted(set(re.findall(r"(?<=[ =])--[a-z-]+", re.sub(r"systemctl [^']*", "", unit))))
    report.fact("the unit names options", len(named) >= 3, named)
    report.none("ferry-host has each option that the unit names", [name for name in named if name not in known])
    verify(report, unit, program)


tap.main(body)
