#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Meson installs each file of the package, and a wheel without a network has them: check-wheel.py FOLDER VERSION

FOLDER is that of the package. The wheel is skipped without pip, setuptools and wheel (Debian: python3-pip,
python3-setuptools and python3-wheel).
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

import tap


def installed_by_meson(folder):
    with open(os.path.join(folder, "meson.build"), encoding="utf-8") as file:
        return sorted(re.findall(r"'((?:ferry|gi)/[^']+[.][^']+)'", file.read()))


def files_of(folder):
    """What is to be installed, by its path below the site directory."""
    found = []
    for top in ("ferry", "gi"):
        for path, _, names in os.walk(os.path.join(folder, top)):
            found += [os.path.relpath(os.path.join(path, name), folder) for name in names if not name.endswith(".pyc")]
    return sorted(found)


def body(report):
    folder, version = sys.argv[1:]
    report.equal("meson installs all files of the package", installed_by_meson(folder), files_of(folder))
    missing = [name for name in ("pip", "setuptools", "wheel") if importlib.util.find_spec(name) is None]
    if missing:
        report.skip("the wheel", "there is no %s" % missing[0])
        return
    with tempfile.TemporaryDirectory() as scratch:
        source = os.path.join(scratch, "source")
        shutil.copytree(folder, source, ignore=shutil.ignore_patterns("__pycache__"))
        done = subprocess.run([sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-index", "--no-deps",
                               "--wheel-dir", scratch, source], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False, timeout=600)
        wheels = [name for name in os.listdir(scratch) if name.endswith(".whl")]
        report.equal("a wheel of the library's version is built", wheels, ["ferry-%s-py3-none-any.whl" % version])
        if not wheels:
            print(done.stdout, file=sys.stderr)
            return
        with zipfile.ZipFile(os.path.join(scratch, wheels[0])) as wheel:
            packed = sorted(name for name in wheel.namelist() if ".dist-info/" not in name)
        report.equal("it has all files of the package", packed, files_of(folder))


tap.main(body)
