#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Debian packages: check-debian.py TOP

packaging/debian builds those of what is committed, twice and in two folders, and lintian reads them. What is in them is tested
by debian/tests, on a machine of their own: 'autopkgtest build-packages/debian/*.deb . -- null' there. This takes minutes, so no
suite has it: see '.ci/nightly'.
"""

import glob
import hashlib
import os
import subprocess
import sys
import tempfile

import tap


def build(top, folder):
    environment = dict(os.environ, FERRY_PACKAGES=folder)
    done = subprocess.run([os.path.join(top, "packaging", "debian"), "-b"], env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    packages = sorted(glob.glob(os.path.join(folder, "debian", "*.deb")))
    return done.returncode, done.stdout, packages


def digests(packages):
    found = {}
    for path in packages:
        with open(path, "rb") as file:
            found[os.path.basename(path)] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def complaints_of_lintian(folder):
    changes = glob.glob(os.path.join(folder, "debian", "*.changes"))
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", *changes], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    return [] if done.returncode == 0 and changes else done.stdout.splitlines() or ["lintian ended with %d" % done.returncode]


def body(report):
    top = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory(prefix="another-") as other:
        status, said, packages = build(top, one)
        report.equal("the packages are built", (status, len(packages) > 0), (0, True))
        if status != 0:
            report.fact("that failed", False, said[-4000:])
            return
        report.none("lintian has no errors and no warnings", complaints_of_lintian(one))
        status, said, again = build(top, other)
        report.equal("two builds in two folders are equal", digests(again), digests(packages))


tap.main(body)
