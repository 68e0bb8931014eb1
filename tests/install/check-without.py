#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library as docs/installing.md has it installed, and without the cluster, GTK, queues or the older classes: check-without.py TOP

Each is configured and built in a folder that is removed afterwards, and nothing is installed but under such a folder.
check-install.py then builds and runs programs against it. This takes minutes, so no suite has it: see '.ci/nightly'.
"""

import json
import os
import re
import subprocess
import sys
import tempfile

import tap
from installed import call

SETUP = re.compile(r"^meson setup build-install (.*)\nmeson install -C build-install$", re.MULTILINE)
CLUSTER = "-Dcluster=disabled"
GTK = "-Dgtk=disabled"
CLASSIC = "-Dclassic=disabled"
QUEUE = "-Dqueue=disabled"
HERE = os.path.dirname(os.path.abspath(__file__))


def find_options(text):
    """The options of the recipe, or nothing where the page has none, or another one."""
    match = SETUP.search(text)
    return match[1].split() if match else []


def targets(build):
    """The names of what is built."""
    return {target["name"] for target in json.loads(call(["meson", "introspect", "--targets", build]))}


def check_install(build, version):
    """Whether its programs are built and run. What they say is shown where not."""
    done = subprocess.run([sys.executable, os.path.join(HERE, "check-install.py"), build, version, "none"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    return [] if done.returncode == 0 else [done.stdout]


def check(report, name, top, options):
    with tempfile.TemporaryDirectory() as folder:
        build = os.path.join(folder, "build")
        call(["meson", "setup", build, top, "--werror", *options])
        call(["meson", "compile", "-C", build])
        version = json.loads(call(["meson", "introspect", "--projectinfo", build]))["version"]
        built = targets(build)
        report.fact("%s has the library" % name, "ferry-1" in built, sorted(built))
        report.none("%s has neither demo nor tests" % name,
                    sorted(target for target in built if re.match(r"(ferry-demo|test-|bench-|obedient-)", target)))
        report.equal("%s has the cluster where it is wanted" % name, "ferry-host" in built, CLUSTER not in options)
        report.equal("%s has the widgets where they are wanted" % name, "ferry-gtk-1" in built, GTK not in options)
        report.equal("%s has the older classes where they are wanted" % name, "ferry-classic-1" in built,
                     CLASSIC not in options)
        report.equal("%s has the queues where they are wanted" % name, "ferry-queue-1" in built, QUEUE not in options)
        report.none("%s can be installed and used" % name, check_install(build, version))


def body(report):
    top = os.path.abspath(sys.argv[1])
    report.equal("would be seen: another recipe", find_options("meson setup build-install -Da=b\nninja install\n"), [])
    with open(os.path.join(top, "docs", "installing.md"), encoding="utf-8") as file:
        options = find_options(file.read())
    report.fact("the page has a recipe without demo and tests",
                {"-Ddemo=disabled", "-Dtests=disabled"} <= set(options), options)
    # So each file is known to include what it needs.
    check(report, "the library alone, without precompiled headers", top, [*options, "-Db_pch=false"])
    check(report, "the library without the cluster", top, [*options, CLUSTER])
    check(report, "the library without GTK", top, [*options, GTK])
    check(report, "the library without the older classes", top, [*options, CLASSIC])
    check(report, "the library without queues", top, [*options, QUEUE])


tap.main(body)
