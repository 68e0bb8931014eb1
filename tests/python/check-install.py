#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Meson installs each file of the package, and the package finds the library, or says what to install: check-install.py
FOLDER VERSION

FOLDER is that of the package. The module of C is found as programs find it. What pip installs is built by night: tests/packaging/check-wheel.py.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

import tap


MODULE = "_ferry.abi3.so"


def installed_by_meson(folder):
    with open(os.path.join(folder, "meson.build"), encoding="utf-8") as file:
        return sorted(re.findall(r"'((?:ferry|gi)/[^']+[.][^']+)'", file.read()))


def version_of(folder):
    with open(os.path.join(folder, "ferry", "_place.py"), encoding="utf-8") as file:
        return re.search(r'^VERSION = "([^"]+)"', file.read(), re.MULTILINE)[1]


def files_of(folder):
    """What is to be installed, by its path below the site directory."""
    found = []
    for top in ("ferry", "gi"):
        for path, _, names in os.walk(os.path.join(folder, top)):
            found += [os.path.relpath(os.path.join(path, name), folder) for name in names if not name.endswith(".pyc")]
    return sorted(found)


def import_package(code, **environment):
    """The lines that a program prints, or its complaint. Nothing tells it where the library is but these variables."""
    clean = {name: value for name, value in os.environ.items()
             if name not in ("GI_TYPELIB_PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "G_DEBUG")}
    done = subprocess.run([sys.executable, "-c", code], env={**clean, **environment}, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, timeout=600)
    return (done.stdout or done.stderr).rstrip().split("\n")


def find_folder(variable, name):
    """The folder of a search path that has a file. Each library is in a folder of its own, in any order."""
    return next(folder for folder in os.environ[variable].split(":") if os.path.exists(os.path.join(folder, name)))


def put_package(folder, place):
    """A copy of the package, with its module, which finds the library only as an installed one does."""
    shutil.copytree(folder, place, ignore=shutil.ignore_patterns("__pycache__", "*.build", "_ferry.c"))
    module = os.path.join(find_folder("PYTHONPATH", MODULE), MODULE)
    with open(module, "rb") as file:
        content = file.read()
    said = subprocess.run(["readelf", "-d", module], stdout=subprocess.PIPE, text=True, check=True).stdout
    for path in re.findall(r"R(?:UN)?PATH\).*\[(.*)\]", said):
        content = content.replace(path.encode() + b"\0", b"/nowhere".ljust(len(path) + 1, b"\0"))
    with open(os.path.join(place, MODULE), "wb") as file:
        file.write(content)
    return place


def test_errors(report, folder):
    typelibs = find_folder("GI_TYPELIB_PATH", "Ferry-1.typelib")
    libraries = find_folder("LD_LIBRARY_PATH", "libferry-1.so.0")
    said = import_package("import sys; sys.modules['gi'] = None; import ferry", PYTHONPATH=folder)[-1]
    report.fact("without PyGObject an error says what to install", said.startswith("ImportError: Ferry needs PyGObject")
                and "python3-gi" in said and sys.executable in said, [said])
    # In place of the system, which may have the library.
    hidden = "import gi; gi.require_version = lambda *_: (_ for _ in ()).throw(ValueError('not there')); "
    said = import_package(hidden + "import ferry", PYTHONPATH=folder)[-1]
    report.fact("without introspection data it says what brings them", said.startswith("ImportError: Ferry-1.typelib was not found")
                and "gir1.2-ferry-1," in said and "GI_TYPELIB_PATH" in said, [said])
    # Neither those of the widgets, nor GTK's, which their package brings.
    hidden = ("import gi; require = gi.require_version; gi.require_version = lambda name, version: require(name, version) "
              "if 'Gtk' not in name else (_ for _ in ()).throw(ValueError('not there')); ")
    said = import_package(hidden + "import ferry.gtk", PYTHONPATH=folder, GI_TYPELIB_PATH=typelibs, LD_LIBRARY_PATH=libraries)[-1]
    report.fact("without those of the widgets as well", said.startswith("ImportError: FerryGtk-1.typelib was not found")
                and "gir1.2-ferrygtk-1," in said, [said])
    hidden = hidden.replace("'Gtk'", "'Queue'")
    said = import_package(hidden + "import ferry; ferry.Queue('tasks.db')", PYTHONPATH=folder, GI_TYPELIB_PATH=typelibs,
                          LD_LIBRARY_PATH=libraries)[-1]
    report.fact("and without those of queues, where one is made", said.startswith("ImportError: FerryQueue-1.typelib was not found")
                and "gir1.2-ferryqueue-1," in said and "the headers of SQLite 3" in said, [said])
    said = import_package("import ferry", PYTHONPATH=folder, GI_TYPELIB_PATH=typelibs)[-1]
    report.fact("and without the library", said.startswith("ImportError: libferry-1.so.0 was not found")
                and "LD_LIBRARY_PATH" in said or said == "", [said])
    os.remove(os.path.join(folder, MODULE))
    said = import_package("import ferry", PYTHONPATH=folder, GI_TYPELIB_PATH=typelibs, LD_LIBRARY_PATH=libraries)[-1]
    report.fact("and without the module of C", said.startswith("ImportError: The module _ferry of the package ferry does not load: ")
                and "python-gi-dev" in said or said == "", [said])


def test_versions(report, folder):
    typelibs = find_folder("GI_TYPELIB_PATH", "Ferry-1.typelib")
    libraries = find_folder("LD_LIBRARY_PATH", "libferry-1.so.0")
    with tempfile.TemporaryDirectory() as scratch:
        other = put_package(folder, os.path.join(scratch, "package"))
        path = os.path.join(other, "ferry", "_place.py")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for version in ("0.99.0", "99.1.0"):
            with open(path, "w", encoding="utf-8") as file:
                file.write(re.sub(r'VERSION = "[^"]*"', 'VERSION = "%s"' % version, text))
            said = import_package("import ferry", PYTHONPATH=other, GI_TYPELIB_PATH=typelibs, LD_LIBRARY_PATH=libraries)[-1]
            report.fact("a package of version %s refuses the library" % version, said.startswith(
                "ImportError: The package ferry is of version %s, and the library of version " % version), [said])


# Nothing has told it where the library is.
IN_A_PLACE = """
if %r:
    from gi.repository import Gio
import ferry
from gi.repository import Ferry
print(ferry.Executor(workers=1).submit(len, "abc").result(), Ferry.from_variant(Ferry.to_variant(4)), ferry.__file__)
with open("/proc/self/maps") as maps:
    print({line.split()[-1] for line in maps if "/libferry-1.so" in line})
"""


def put_library(libraries):
    """As it is installed: its programs are in its folder or below it, and so are the typelibs."""
    built = find_folder("LD_LIBRARY_PATH", "libferry-1.so.0")
    typelibs = os.path.join(libraries, "girepository-1.0")
    os.makedirs(typelibs)
    for name, place in (("libferry-1.so.0", libraries), ("ferry-guardian", libraries), ("Ferry-1.typelib", typelibs)):
        shutil.copy(os.path.join(built, name), os.path.join(place, name))


def test_places(report, folder):
    """The library and the package are in one prefix, as meson installs them; and one is in the other, as pip does."""
    with tempfile.TemporaryDirectory() as scratch:
        prefix = os.path.realpath(scratch)
        package = os.path.join(prefix, "lib", "python3", "site-packages")
        put_package(folder, package)
        libraries = os.path.join(prefix, "lib", "some-machine")
        put_library(libraries)
        for early in (False, True):
            said = import_package(IN_A_PLACE % early, PYTHONPATH=package)
            report.equal("a package finds the library of its prefix%s" % (", behind gi" if early else ""), said, [
                "3 4 " + os.path.join(package, "ferry", "__init__.py"), str({os.path.join(libraries, "libferry-1.so.0")})])
        shutil.move(os.path.join(package, "gi", "overrides"), os.path.join(package, "ferry", "overrides"))
        shutil.rmtree(os.path.join(package, "gi"))
        own = os.path.join(package, "ferry", "lib")
        put_library(own)
        for early in (False, True):
            said = import_package(IN_A_PLACE % early, PYTHONPATH=package, GI_TYPELIB_PATH=os.path.join(libraries, "girepository-1.0"))
            report.equal("and before it the one in itself%s" % (", behind gi" if early else ""), said, [
                "3 4 " + os.path.join(package, "ferry", "__init__.py"), str({os.path.join(own, "libferry-1.so.0")})])
        with open(os.path.join(own, "libferry-1.so.0"), "wb") as file:
            file.write(b"no library")
        said = import_package("import ferry", PYTHONPATH=package)[-1]
        report.fact("one that does not load is named", said.startswith("ImportError: %s does not load: " % os.path.join(
            own, "libferry-1.so.0")), [said])


def test_report(report):
    """python3 -m ferry."""
    with tempfile.TemporaryDirectory() as scratch:
        os.mkdir(os.path.join(scratch, "gi"))
        with open(os.path.join(scratch, "gi", "__init__.py"), "w", encoding="utf-8") as file:
            file.write("raise ImportError('No module named gi')\n")
        for path, status, said in (("", 0, "workers      start"), (scratch + ":", 1, "PyGObject    MISSING: Ferry needs PyGObject")):
            done = subprocess.run([sys.executable, "-m", "ferry"], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  check=False, timeout=600,
                                  env={**os.environ, "PYTHONPATH": path + os.environ.get("PYTHONPATH", "")})
            report.fact("python3 -m ferry says '%s'" % said, done.returncode == status and "\n" + said in done.stdout,
                        [done.returncode, done.stdout, done.stderr])
            report.fact("and what it is", done.stdout.startswith("ferry        ") and "\nPython       " in done.stdout)


def body(report):
    folder, version = sys.argv[1:]
    report.equal("meson installs all files of the package", installed_by_meson(folder), files_of(folder))
    report.equal("the package has the library's version", version_of(folder), version)
    with tempfile.TemporaryDirectory() as scratch:
        test_errors(report, put_package(folder, os.path.join(scratch, "package")))
    test_versions(report, folder)
    test_places(report, folder)
    test_report(report)


tap.main(body)
