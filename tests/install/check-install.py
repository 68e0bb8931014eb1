#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is installed, or was built, is enough to build and run a program:
check-install.py BUILD VERSION SANITIZERS

The programs lie beside this file. unloading-program.c loads the library as a plug-in does, and is linked with nothing. Of the others, each uses
one of the libraries, where that was built.
"""

import glob
import os
import pathlib
import re
import shutil
import sys
import tempfile

import tap
from installed import Built, Failed, Installed, call


# What a program may include alone, and an inner header of each.
HEADERS = {
    "ferry.h": "route/ferry-router.h",
    "ferry-conversations.h": "conversation/ferry-mux.h",
    "ferry-objects.h": "object/ferry-proxy.h",
}


# The libraries beside the first one, and what the program of each prints.
SIBLINGS = {"cluster": "reconnecting\n", "gtk": "25 seconds left\n", "classic": "not yet\n", "queue": "not open yet\n"}
HERE = os.path.dirname(os.path.abspath(__file__))


def source_of(name):
    return os.path.join(HERE, name + ".c")


def needed(library):
    """The libraries that it names itself."""
    return re.findall(r"\(NEEDED\).*\[(.*)\]", call(["readelf", "--dynamic", "--wide", library]))


def check_sqlite(report, installed, program):
    """Who has no queue has no SQLite, whatever was built beside it."""
    mapped = installed.run("ldd", program)
    report.fact("a program that is linked with the first library alone has no SQLite, nor GTK",
                "libferry-1.so" in mapped and not re.search("sqlite|gtk", mapped), [mapped])
    folder = installed.environment["LD_LIBRARY_PATH"]
    with_it = [name for name in [installed.name, *installed.siblings]
               if any("sqlite" in library for library in needed(os.path.join(folder, "lib%s.so" % name)))]
    report.equal("of the libraries, that of queues names SQLite", with_it,
                 [name for name in installed.siblings if name.startswith("ferry-queue")])


def complaint_of(installed, source, header):
    """What the compiler says of a program that includes this header and nothing else; nothing when it is fine."""
    with open(source, "w", encoding="utf-8") as file:
        file.write("#include <%s>\n\nint\nmain (void)\n{\n  return 0;\n}\n" % header)
    try:
        installed.compile(source, source + ".out", installed.name)
    except Failed as failure:
        return str(failure)
    return ""


VALA = """int main () {
    print ("Ferry %d.%d.%d\\n", Ferry.MAJOR_VERSION, Ferry.MINOR_VERSION, Ferry.MICRO_VERSION);
    return Ferry.error_quark () == 0 ? 1 : 0;
}
"""


def check_vala(report, installed, root, version):
    """As docs/installing.md has it for a folder of one's own."""
    fact = "valac finds what is installed by XDG_DATA_DIRS, and its program runs"
    found = glob.glob(os.path.join(root, "**", "share", "vala", "vapi", "ferry-1.vapi"), recursive=True)
    if not found or shutil.which("valac") is None:
        report.skip(fact, "there is no valac, or this build has no vapi file")
        return
    with open(os.path.join(root, "version.vala"), "w", encoding="utf-8") as file:
        file.write(VALA)
    share = found[0].rsplit("/vala/", 1)[0]
    installed.run("valac", "--cc=cc", "--pkg", "ferry-1", "version.vala", XDG_DATA_DIRS=share + ":/usr/local/share:/usr/share")
    report.equal(fact, installed.run("./version"), "Ferry %s\n" % version)


def check_manuals(report, root):
    """How each program for users is called, as it says itself."""
    fact = "each program has a manual page"
    if shutil.which("help2man") is None:
        report.skip(fact, "there is no help2man")
        return
    programs = [os.path.basename(path) for path in glob.glob(os.path.join(root, "**", "bin", "ferry-*"), recursive=True)]
    pages = {os.path.basename(path): pathlib.Path(path).read_text("utf-8")
             for path in glob.glob(os.path.join(root, "**", "man", "man1", "*.1"), recursive=True)}
    report.equal(fact, sorted(name for name, text in pages.items() if "[OPTION\u2026]" in text),
                 sorted(name + ".1" for name in programs))


def body(report):
    build, version, sanitizers = sys.argv[1:]
    with tempfile.TemporaryDirectory() as root:
        installed = Installed(build, root, sanitizers)
        program = os.path.join(root, "program")

        report.equal("pkg-config knows the version", installed.pkg_config("--modversion", installed.name), [version])
        flags = installed.pkg_config("--cflags", installed.name)
        report.fact("headers are found in a folder of their own",
                    any(re.search(re.escape(root) + r".*/include/ferry-\d+$", flag) for flag in flags), flags)
        libraries = installed.pkg_config("--libs", installed.name)
        report.fact("GTK is not needed", not [flag for flag in libraries if "gtk" in flag], libraries)

        built = Built(build, root, sanitizers, installed.name, *installed.siblings)
        for place, libraries in (("as they are installed", installed), ("in the build folder", built)):
            libraries.compile(source_of("program"), program, installed.name)
            report.equal("a program is built against the libraries %s and runs" % place, libraries.run(program),
                         "Ferry %s\n" % version)
            libraries.compile(source_of("unloading-program"), program)
            report.equal("a plug-in is loaded, used and unloaded again and again, with the libraries %s" % place,
                         libraries.run(program, "libferry-1.so.0"), "used 20 times\n")
            for sibling in installed.siblings:
                short = sibling.split("-")[1]
                libraries.compile(source_of(short + "-program"), program, sibling)
                report.equal("a program is built against %s %s and runs" % (sibling, place), libraries.run(program),
                             SIBLINGS[short])
        installed.compile(source_of("program"), program, installed.name)
        check_sqlite(report, installed, program)
        check_vala(report, installed, root, version)
        check_manuals(report, root)
        source = os.path.join(root, "includes.c")
        for header, inner in HEADERS.items():
            report.equal("a program includes <%s> and no other" % header, complaint_of(installed, source, header), "")
            report.fact("<%s> is refused, in favour of <%s>" % (inner, header),
                        "Include <%s>" % header in complaint_of(installed, source, inner))


tap.main(body)
