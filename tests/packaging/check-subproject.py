#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ferry in the projects of others, as docs/installing.md shows them: check-subproject.py TOP

Meson fetches what its wrap file names. The files of the page are a project, and words.c is that of docs/tasks.md. It is built
and run with Ferry as its subproject, shared and static, with and without GTK, and by CMake and C++ against what that installs.
Each is in a folder that is removed afterwards. This takes minutes, so no suite has it: see '.ci/nightly'.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

BLOCK = re.compile(r"^```\w+\n((?:#|//|/\*) (\S+)(?: \*/)?\n.*?)^```$", re.DOTALL | re.MULTILINE)
UMBRELLAS = ("ferry.h", "ferry-conversations.h", "ferry-objects.h", "ferry-gtk.h")
# Warnings that no header of GLib's kind can do without: C++98, and comments that are written for gi-docgen.
USUAL_SUSPECTS = ("c++98-compat-pedantic", "documentation", "documentation-unknown-command")


class Failed(Exception):
    """A command failed; what it printed comes along."""


def call(*command, folder, **environment):
    done = subprocess.run(command, cwd=folder, env=dict(os.environ, **environment), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise Failed("%s ended with %d:\n%s" % (" ".join(command), done.returncode, done.stdout[-2000:]))
    return done.stdout


def files_of_page(top, *pages):
    found = {}
    for page in pages:
        with open(os.path.join(top, "docs", page), encoding="utf-8") as file:
            found.update({name: text for text, name in BLOCK.findall(file.read())})
    return found


class Project:
    """The page's project in a folder, with Ferry where its wrap file would bring it."""

    def __init__(self, top, folder):
        self.folder = folder
        for name, text in files_of_page(top, "tasks.md", "installing.md").items():
            os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        # Meson takes what is there already, and what the file provides.
        os.symlink(top, os.path.join(folder, "subprojects", "ferry"))

    def call(self, *command, **environment):
        return call(*command, folder=self.folder, **environment)

    def setup(self, *options):
        shutil.rmtree(os.path.join(self.folder, "build"), ignore_errors=True)
        return self.call("meson", "setup", "build", "--prefix=/usr", "--libdir=lib", *options)

    def without_window(self):
        path = os.path.join(self.folder, "meson.build")
        with open(path, encoding="utf-8") as file:
            lines = [line for line in file if "window" not in line]
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(lines)


def check_wrap(report, top):
    """Meson fetches what the page's wrap file names, of another address, where the present commit is that release."""
    commit = call("git", "rev-parse", "HEAD", folder=top).strip()
    with tempfile.TemporaryDirectory() as folder:
        wrap = files_of_page(top, "installing.md")["subprojects/ferry.wrap"]
        wrap = re.sub(r"(?m)^url = .*$", "url = file://%s/released" % folder, wrap)
        call("git", "clone", "--quiet", "--bare", top, "released", folder=folder)
        call("git", "tag", "--force", re.search(r"(?m)^revision = (.*)$", wrap)[1], folder=os.path.join(folder, "released"))
        os.mkdir(os.path.join(folder, "subprojects"))
        for name, text in (("subprojects/ferry.wrap", wrap), ("meson.build", "project('a', meson_version: '>= 1.0')\n")):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        call("meson", "subprojects", "download", folder=folder)
        report.equal("meson fetches it", call("git", "rev-parse", "HEAD", folder=os.path.join(folder, "subprojects", "ferry")).strip(),
                     commit)


def check_words(report, name, project, *command, **environment):
    report.equal(name, project.call(*command, "words.c", **environment), "words.c has 226 words.\n")


def check_window(report, name, project, *command, **environment):
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        report.skip(name, "there is no display")
        return
    report.equal(name, project.call(*command, **environment), "")


def check_shared(report, project):
    said = project.setup()
    report.fact("a subproject has neither demo nor tests, and no introspection",
                all(re.search(r"%s *: NO" % part, said) for part in ("demo application", "tests", "introspection")), said)
    # Only what the programs are made of: the library's programs come by themselves.
    project.call("ninja", "-C", "build", "words", "window")
    check_words(report, "a program runs out of the build folder", project, "build/words")
    check_window(report, "so does a window of C++, which runs a command", project, "build/window")
    root = os.path.join(project.folder, "shared")
    project.call("meson", "install", "-C", "build", "--destdir", root)
    library = {"LD_LIBRARY_PATH": os.path.join(root, "usr/lib")}
    check_words(report, "and it runs where it is installed", project, os.path.join(root, "usr/bin/words"), **library)
    return root


def check_static(report, project):
    project.setup("--default-library=static")
    project.call("ninja", "-C", "build", "words", "window")
    linked = project.call("ldd", "build/words")
    report.fact("a static program needs nothing of Ferry", "ferry" not in linked, linked)
    check_words(report, "it runs out of the build folder", project, "meson", "devenv", "-C", "build", "-w", ".",
                "build/words")
    root = os.path.join(project.folder, "static")
    project.call("meson", "install", "-C", "build", "--destdir", root)
    report.equal("no shared library is installed",
                 [name for name in os.listdir(os.path.join(root, "usr/lib")) if ".so" in name], [])
    # Wherever it goes, a folder beside it is enough.
    shutil.copytree(os.path.join(root, "usr/lib/ferry-1-0"), os.path.join(root, "usr/bin/ferry-1-0"))
    folder = os.path.join(root, "usr/bin")
    check_words(report, "it finds its helpers by an absolute path", project, os.path.join(folder, "words"))
    check_words(report, "by a relative one", project, "static/usr/bin/words")
    check_words(report, "and in PATH", project, "words", PATH=folder + os.pathsep + os.environ["PATH"])
    check_window(report, "a static window of C++ runs a command", project, "static/usr/bin/window")
    return root


def describe(root):
    """pkg-config gives the paths below the root."""
    return {"PKG_CONFIG_LIBDIR": os.pathsep.join([os.path.join(root, "usr/lib/pkgconfig"), *default_folders()]),
            "PKG_CONFIG_PATH": "", "PKG_CONFIG_SYSROOT_DIR": ""}


def default_folders():
    return call("pkg-config", "--variable=pc_path", "pkg-config", folder=".").strip().split(os.pathsep)


def move_prefix(root):
    folder = os.path.join(root, "usr/lib/pkgconfig")
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("prefix=/usr", "prefix=%s/usr" % root, 1))


def check_cmake(report, project, root):
    if shutil.which("cmake") is None:
        report.skip("CMake finds the library", "there is no cmake")
        return
    project.call("cmake", "-S", ".", "-B", "cmake", **describe(root))
    project.call("cmake", "--build", "cmake")
    library = {"LD_LIBRARY_PATH": os.path.join(root, "usr/lib")}
    check_words(report, "CMake finds the library", project, "cmake/words", **library)


def check_plain(report, project, root):
    """A static library by pkg-config alone: what it needs is told with it."""
    flags = project.call("pkg-config", "--static", "--cflags", "--libs", "ferry-1", **describe(root)).split()
    project.call("cc", "words.c", "-o", "plain", *flags)
    check_words(report, "pkg-config has what a static program needs", project, "./plain",
                FERRY_GUARDIAN=os.path.join(root, "usr/lib/ferry-1-0/ferry-guardian"))


def check_headers(report, project, root):
    """Each header that programs include, alone, by each compiler of C++ that is here."""
    flags = project.call("pkg-config", "--cflags", "ferry-1", "ferry-gtk-1", **describe(root))
    flags = flags.replace("-I/usr", "-isystem/usr").split()
    weverything = ["-Weverything", *["-Wno-" + name for name in USUAL_SUSPECTS]]
    for compiler, warnings in (("g++", ["-Wall", "-Wextra", "-Wpedantic"]), ("clang++", weverything)):
        if shutil.which(compiler) is None:
            report.skip("the headers are C++ for %s" % compiler, "there is no %s" % compiler)
            continue
        for header in UMBRELLAS:
            with open(os.path.join(project.folder, "header.cpp"), "w", encoding="utf-8") as file:
                file.write("#include <%s>\n" % header)
            said = [project.call(compiler, "-std=" + standard, "-fsyntax-only", *warnings, "-Werror", "header.cpp", *flags)
                    for standard in ("c++17", "c++20")]
            report.equal("%s is C++ for %s" % (header, compiler), said, ["", ""])


def body(report):
    top = os.path.abspath(sys.argv[1])
    check_wrap(report, top)
    with tempfile.TemporaryDirectory() as folder:
        project = Project(top, folder)
        shared = check_shared(report, project)
        static = check_static(report, project)
        for root in (shared, static):
            move_prefix(root)
        check_cmake(report, project, shared)
        check_plain(report, project, static)
        check_headers(report, project, shared)
        project.without_window()
        said = project.setup("-Dferry:gtk=disabled")
        report.fact("a subproject may do without GTK", re.search(r"widgets for GTK *: NO", said), said)
        project.call("ninja", "-C", "build", "words")
        check_words(report, "its program runs, too", project, "build/words")


tap.main(body)
