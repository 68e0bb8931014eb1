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
import sysconfig
import tempfile
import zipfile

import tap


def installed_by_meson(folder):
    with open(os.path.join(folder, "meson.build"), encoding="utf-8") as file:
        return sorted(re.findall(r"'((?:ferry|gi)/[^']+[.][^']+)'", file.read()))


def version_of(folder):
    with open(os.path.join(folder, "ferry", "_library.py"), encoding="utf-8") as file:
        return re.search(r'^VERSION = "([^"]+)"', file.read(), re.MULTILINE)[1]


def files_of(folder):
    """What is to be installed, by its path below the site directory."""
    found = []
    for top in ("ferry", "gi"):
        for path, _, names in os.walk(os.path.join(folder, top)):
            found += [os.path.relpath(os.path.join(path, name), folder) for name in names if not name.endswith(".pyc")]
    return sorted(found)


def import_package(code, **environment):
    """What a program prints, or the last line of its complaint. Nothing tells it where the library is but these variables."""
    clean = {name: value for name, value in os.environ.items()
             if name not in ("GI_TYPELIB_PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "G_DEBUG")}
    done = subprocess.run([sys.executable, "-c", code], env={**clean, **environment}, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, timeout=600)
    return (done.stdout or done.stderr).rstrip().split("\n")[-1]


def find_folder(variable, name):
    """The folder of a search path that has a file. Each library is in a folder of its own, in any order."""
    return next(folder for folder in os.environ[variable].split(":") if os.path.exists(os.path.join(folder, name)))


def test_errors(report, folder):
    typelibs = find_folder("GI_TYPELIB_PATH", "Ferry-1.typelib")
    libraries = find_folder("LD_LIBRARY_PATH", "libferry-1.so.0")
    said = import_package("import sys; sys.modules['gi'] = None; import ferry", PYTHONPATH=folder)
    report.fact("without PyGObject an error says what to install", said.startswith("ImportError: Ferry needs PyGObject")
                and "python3-gi" in said and sys.executable in said, [said])
    # In place of the system, which may have the library.
    hidden = "import gi; gi.require_version = lambda *_: (_ for _ in ()).throw(ValueError('not there')); "
    said = import_package(hidden + "import ferry", PYTHONPATH=folder)
    report.fact("without introspection data it says so", said.startswith("ImportError: Ferry-1.typelib was not found")
                and "GI_TYPELIB_PATH" in said, [said])
    said = import_package("import ferry", PYTHONPATH=folder, GI_TYPELIB_PATH=typelibs)
    report.fact("and without the library", said.startswith("ImportError: libferry-1.so.0 was not found")
                and "LD_LIBRARY_PATH" in said or said == "", [said])
    with tempfile.TemporaryDirectory() as scratch:
        other = os.path.join(scratch, "package")
        shutil.copytree(folder, other, ignore=shutil.ignore_patterns("__pycache__"))
        path = os.path.join(other, "ferry", "_library.py")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for version in ("0.99.0", "99.1.0"):
            with open(path, "w", encoding="utf-8") as file:
                file.write(re.sub(r'VERSION = "[^"]*"', 'VERSION = "%s"' % version, text))
            said = import_package("import ferry", PYTHONPATH=other, GI_TYPELIB_PATH=typelibs, LD_LIBRARY_PATH=libraries)
            report.fact("a package of version %s refuses the library" % version, said.startswith(
                "ImportError: The package ferry is of version %s, and the library of version " % version), [said])


# Nothing has told it where the library is.
IN_A_PREFIX = """
if %r:
    from gi.repository import Gio
import ferry
from gi.repository import Ferry
print(ferry.Executor(workers=1).submit(len, "abc").result(), Ferry.from_variant(Ferry.to_variant(4)), ferry.__file__)
"""


def test_prefix(report, wheel):
    """The library and the package are in one prefix, as meson and pip install them."""
    built = find_folder("LD_LIBRARY_PATH", "libferry-1.so.0")
    with tempfile.TemporaryDirectory() as scratch:
        prefix = os.path.realpath(scratch)
        package = os.path.join(prefix, "lib", "python3", "site-packages")
        libraries = os.path.join(prefix, "lib", "some-machine")
        typelibs = os.path.join(libraries, "girepository-1.0")
        os.makedirs(typelibs)
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(package)
        for name, place in (("libferry-1.so.0", libraries), ("ferry-guardian", libraries), ("Ferry-1.typelib", typelibs)):
            shutil.copy(os.path.join(built, name), os.path.join(place, name))
        for early in (False, True):
            said = import_package(IN_A_PREFIX % early, PYTHONPATH=package)
            report.equal("a package finds the library of its prefix%s" % (", behind gi" if early else ""), said,
                         "3 4 " + os.path.join(package, "ferry", "__init__.py"))


def body(report):
    folder, version = sys.argv[1:]
    report.equal("meson installs all files of the package", installed_by_meson(folder), files_of(folder))
    report.equal("the package has the library's version", version_of(folder), version)
    test_errors(report, folder)
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
        # With the headers of Python, the wheel has the module of C, which is for any Python from this version on.
        has_module = os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))
        kind = "cp311-abi3-" + sysconfig.get_platform().replace("-", "_") if has_module else "py3-none-any"
        report.equal("a wheel of the library's version is built", wheels, ["ferry-%s-%s.whl" % (version, kind)])
        if not wheels:
            print(done.stdout, file=sys.stderr)
            return
        with zipfile.ZipFile(os.path.join(scratch, wheels[0])) as wheel:
            packed = sorted(name for name in wheel.namelist() if ".dist-info/" not in name)
        expected = sorted([name.replace("gi/overrides/", "ferry/overrides/") for name in files_of(folder)]
                          + has_module * ["_ferry.abi3.so"])
        report.equal("it has all files of the package", packed, expected)
        report.none("and none in the folder of PyGObject", [name for name in packed if name.startswith("gi/")])
        test_prefix(report, os.path.join(scratch, wheels[0]))


tap.main(body)
