#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is installed is enough to build and run a program: check-install.py BUILD VERSION SANITIZERS PROGRAM.C
CLUSTER-PROGRAM.C

The second program uses the library of the cluster, where that was built.
"""

import os
import re
import sys
import tempfile

import tap
from installed import Failed, Installed


def refuses(installed, source, text):
    """Whether a program that includes an inner header is refused with a word on what to include instead."""
    with open(source, "w", encoding="utf-8") as file:
        file.write(text)
    try:
        installed.compile(source, source + ".out", installed.name)
    except Failed as failure:
        return "Include <ferry.h>" in str(failure)
    return False


def body(report):
    build, version, sanitizers, source, cluster_source = sys.argv[1:]
    with tempfile.TemporaryDirectory() as root:
        installed = Installed(build, root, sanitizers)
        program = os.path.join(root, "program")

        report.equal("pkg-config knows the version", installed.pkg_config("--modversion", installed.name), [version])
        flags = installed.pkg_config("--cflags", installed.name)
        report.fact("headers are found in a folder of their own",
                    any(re.search(re.escape(root) + r".*/include/ferry-\d+$", flag) for flag in flags), flags)
        libraries = installed.pkg_config("--libs", installed.name)
        report.fact("GTK is not needed", not [flag for flag in libraries if "gtk" in flag], libraries)

        installed.compile(source, program, installed.name)
        report.equal("a program is built against the installed library and runs", installed.run(program),
                     "Ferry %s\n" % version)
        for sibling in installed.siblings:
            installed.compile(cluster_source, program, sibling)
            report.equal("a program is built against %s and runs" % sibling, installed.run(program), "reconnecting\n")
        report.fact("an inner header is refused",
                    refuses(installed, os.path.join(root, "inner.c"), "#include <route/ferry-router.h>\n"))


tap.main(body)
