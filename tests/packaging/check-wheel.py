#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What pip installs, as docs/installing.md says: check-wheel.py TOP

packaging/wheel makes a wheel and an sdist in TOP, without a network. The wheel goes into an environment that sees the system's
packages, the sdist into one that does not, where PyGObject comes from a wheel of the system's files. In both, the programs of
docs/python.md run, with nothing else of Ferry on their path. This takes minutes, so no suite has it: see '.ci/nightly'.
"""

import email
import glob
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import speaking
import tap

# The interpreter that has the system's PyGObject is not always the first one in PATH.
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
# What pip and Python are told of this machine's Ferry, if there is one. A build that is asked for more must make the same.
OF_FERRY = ("GI_TYPELIB_PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "PKG_CONFIG_PATH", "FERRY_GUARDIAN", "FERRY_COMMAND",
            "FERRY_SYMBOLIZER")

# What is in it beside the package, by what it is for.
PARTS = {
    "the library": ["ferry/lib/libferry-1.so.0", "ferry/lib/girepository-1.0/Ferry-1.typelib"],
    "its programs": ["ferry/lib/ferry-1-0/ferry-command", "ferry/lib/ferry-1-0/ferry-guardian",
                     "ferry/lib/ferry-1-0/ferry-symbolizer"],
    "what ferry.gtk needs": ["ferry/lib/girepository-1.0/FerryGtk-1.typelib", "ferry/lib/libferry-gtk-1.so.0",
                             "ferry/lib/po/de/LC_MESSAGES/ferry-gtk-1-0.mo", "ferry/lib/po/zh_CN/LC_MESSAGES/ferry-gtk-1-0.mo"],
    "what ferry.Queue needs": ["ferry/lib/girepository-1.0/FerryQueue-1.typelib", "ferry/lib/libferry-queue-1.so.0"],
    "the module of C, and what PyGObject is told": ["_ferry.abi3.so", "ferry/overrides/Ferry.py"],
}
# Those of the system that a library may need. SQLite is the one that Python has for itself: of two in one process, one would
# give up the locks of the other.
ALLOWED = re.compile(r"(ld-linux.*|lib(c|m|g(lib|object|io)-2[.]0|gtk-4|pango-1[.]0|cairo|ferry-1|ferry-gtk-1|ferry-queue-1|sqlite3))[.]so[.]\d+$")

PROGRAM = """
import os
import sys
import tempfile

import ferry


def square(number):
    return number * number


def places():
    with open("/proc/self/maps", encoding="utf-8") as maps:
        return {line.split()[-1] for line in maps if "libferry" in line or "_ferry" in line or "libgtk" in line}


if __name__ == "__main__":
    with ferry.Executor(workers=2) as executor:
        print(sum(executor.map(square, range(1000))))
        try:
            executor.submit(os._exit, 3).result()
        except ferry.WorkerLost as lost:
            print("lost with", lost.exit_status)
        print(executor.run(["echo", "a command"], text=True).result().stdout.strip())
        with tempfile.TemporaryDirectory() as folder, ferry.Queue(os.path.join(folder, "queue.db"), executor) as queue:
            print(queue.submit(square, 5, key="five").result())
        mapped = places() | executor.submit(places).result()
    prefix = os.path.realpath(sys.prefix) + os.sep
    print(sorted({os.path.basename(path) for path in mapped if path.startswith(prefix)}),
          sorted(path for path in mapped if not path.startswith(prefix)))
    print(ferry.__version__, ferry.__file__.startswith(prefix))
"""


SPEAK = """
import locale

locale.setlocale(locale.LC_ALL, "")
import ferry.gtk

print(ferry.gtk.FerryGtk.format_time_left(2000000))
"""


class Failed(Exception):
    """A command failed; what it printed comes along."""


def call(*command, fails=False, **variables):
    clean = {name: value for name, value in os.environ.items() if name not in OF_FERRY}
    done = subprocess.run([str(word) for word in command], env={**clean, "PIP_CONFIG_FILE": os.devnull, **variables}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if (done.returncode != 0) != fails:
        raise Failed("%s ended with %d:\n%s" % (" ".join(map(str, command)), done.returncode, done.stdout[-3000:]))
    return done.stdout


class Environment:
    """A virtual one."""

    def __init__(self, folder, *options):
        call(PYTHON, "-m", "venv", *options, folder)
        self.python = os.path.join(folder, "bin", "python3")
        self.packages = pathlib.Path(call(self.python, "-c", "import sysconfig; print(sysconfig.get_path('platlib'))").strip())

    def install(self, *arguments, **options):
        # Nothing is fetched. What builds is the system's meson, as no environment has one.
        return call(self.python, "-m", "pip", "install", "--no-index", "--no-build-isolation", *arguments, **options)

    def run(self, *arguments, **options):
        return call(self.python, *arguments, **options)

    def record(self):
        found, = self.packages.glob("ferry-*.dist-info/RECORD")
        return found.read_text(encoding="utf-8").splitlines()


def needed(library):
    return re.findall(r"\(NEEDED\).*\[(.*)\]", call("readelf", "--dynamic", "--wide", library))


def check_files(report, top, wheel):
    names = wheel.namelist()
    for part, files in PARTS.items():
        report.none("it has %s" % part, sorted(set(files) - set(names)))
    folder = os.path.join(top, "bindings", "python")
    package = {os.path.relpath(path, folder) for path in glob.glob(os.path.join(folder, "ferry", "**"), recursive=True)
               if os.path.isfile(path) and not path.endswith(".pyc")}
    expected = package.union(*PARTS.values())
    report.none("it has the package, and nothing else", ["%s: %s" % ("lacks" if name in expected else "has", name) for name in
                                                         expected ^ {name for name in names if ".dist-info/" not in name}])
    programs = [entry.filename for entry in wheel.infolist() if entry.external_attr >> 16 & 0o111]
    report.equal("its programs are to be run", sorted(programs), PARTS["its programs"])


def check_binaries(report, wheel, folder):
    wheel.extractall(folder)
    binaries = [str(path) for path in pathlib.Path(folder).rglob("*") if path.is_file() and path.read_bytes()[:4] == b"\177ELF"]
    report.none("what is compiled needs GLib and GTK only", [
        "%s needs %s" % (os.path.basename(path), library) for path in binaries for library in needed(path)
        if not ALLOWED.match(library)])
    core = [needed(path) for path in binaries if "gtk" not in path]
    report.none("the library needs no GTK", [library for libraries in core for library in libraries if "gtk" in library])
    report.none("there is nothing for a debugger in it, and no symbol of what is linked into it", [
        os.path.basename(path) for path in binaries
        if "debug_info" in call("readelf", "--sections", "--wide", path) or "seccomp_" in call("readelf", "--dyn-syms", path)])


def check_metadata(report, wheel, version):
    stem = "ferry-%s.dist-info/" % version
    said = email.message_from_bytes(wheel.read(stem + "METADATA"))
    report.equal("its metadata are complete", [said[name] for name in ("Name", "Version", "License", "License-File",
                                                                       "Requires-Python", "Requires-Dist")],
                 ["ferry", version, "LGPL-2.1-or-later", "COPYING", ">=3.11", "PyGObject>=3.42"])
    report.fact("with a description that has no link to where there is nothing",
                said.get_payload().startswith("# Ferry in Python\n") and ".md)" not in said.get_payload())
    report.fact("with the licence", b"LESSER GENERAL PUBLIC LICENSE" in wheel.read(stem + "COPYING"))
    report.fact("it is one of a machine", b"Root-Is-Purelib: false" in wheel.read(stem + "WHEEL"))


def check_sources(report, sdist, folder):
    """What is unpacked makes itself."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder)
    top, = pathlib.Path(folder).iterdir()
    call(PYTHON, "-B", "-c", "import sys, wheel_backend; wheel_backend.build_sdist(sys.argv[1])", folder,
         PYTHONPATH=str(top / "build-aux"))
    report.equal("the sources are all there, by their bytes", *(hashlib.sha256(path.read_bytes()).hexdigest()
                 for path in (pathlib.Path(folder, os.path.basename(sdist)), pathlib.Path(sdist))))


def check_programs(report, name, environment, top, scratch):
    program = os.path.join(scratch, "program.py")
    with open(program, "w", encoding="utf-8") as file:
        file.write(PROGRAM)
    libraries = ["_ferry.abi3.so", "libferry-1.so.0", "libferry-queue-1.so.0"]
    said = environment.run(program, FERRY_ATTACH_TIMEOUT="600")
    report.equal("%s: a map, a lost worker, a command and a queue" % name, said.splitlines(),
                 ["332833500", "lost with 3", "a command", "25", "%s []" % libraries, "%s True" % version_of(top)])
    said = environment.run(os.path.join(top, "tests", "python", "check-page.py"), os.path.join(top, "docs", "python.md"),
                           PYTHONPATH=os.path.join(top, "tests"), FERRY_ATTACH_TIMEOUT="600")
    report.none("%s: the programs of the page, and its window" % name, re.findall(r"(?m)^not ok .*", said))
    if "SKIP there is no display" in said:
        report.skip("%s: the window" % name, "there is no display")
    with speaking.speaking("de") as variables:
        said = environment.run("-c", SPEAK, DISPLAY="", **variables)
    report.equal("%s: it speaks German" % name, said.strip(), "noch 2 Sekunden")


def version_of(top):
    return re.search(r"^  version: '(.*)',$", pathlib.Path(top, "meson.build").read_text(encoding="utf-8"), re.MULTILINE)[1]


def pack_bindings(folder):
    """A wheel of the system's PyGObject, as pip would build it from the network."""
    top, version, tag = call(PYTHON, "-c", "import gi, sys; print(gi.__path__[0], gi.__version__, 'cp%d%d-none-any' % "
                             "sys.version_info[:2])").split()
    path = os.path.join(folder, "PyGObject-%s-%s.whl" % (version, tag))
    stem = "PyGObject-%s.dist-info/" % version
    with zipfile.ZipFile(path, "w") as archive:
        for name in glob.glob(os.path.join(top, "**", "*.*"), recursive=True):
            # Ferry's own may be there.
            if not name.endswith(".pyc") and "Ferry" not in name:
                archive.write(name, os.path.join("gi", os.path.relpath(name, top)))
        archive.writestr(stem + "METADATA", "Metadata-Version: 2.1\nName: PyGObject\nVersion: %s\n" % version)
        archive.writestr(stem + "WHEEL", "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: false\nTag: %s\n" % tag)
        archive.writestr(stem + "RECORD", "")
    return path


def check_system(report, top, wheel, scratch):
    environment = Environment(os.path.join(scratch, "system"), "--system-site-packages")
    environment.install(wheel)
    check_programs(report, "with the system's packages", environment, top, scratch)
    return environment


def check_alone(report, top, wheel, sdist, scratch):
    environment = Environment(os.path.join(scratch, "alone"))
    said = environment.install(wheel, fails=True)
    report.fact("alone, pip says that PyGObject is missing", "PyGObject>=3.42" in said, [said])
    environment.install("--no-deps", wheel)
    said = environment.run("-c", "import ferry", fails=True).splitlines()[-1]
    report.fact("and so does Python, with what to install", said.startswith("ImportError: Ferry needs PyGObject")
                and "python3-gi" in said and "--system-site-packages" in said, [said])
    environment.run("-m", "pip", "uninstall", "--yes", "ferry")
    report.equal("nothing stays of what is uninstalled", list(environment.packages.glob("*ferry*")), [])
    bindings = pack_bindings(scratch)
    environment.install("--find-links", os.path.dirname(bindings), sdist)
    with zipfile.ZipFile(wheel) as archive:
        name, = (name for name in archive.namelist() if name.endswith("/RECORD"))
        made = archive.read(name).decode().splitlines()
    report.none("the sources make the same bytes in another folder", sorted(set(made) - set(environment.record())))
    check_programs(report, "alone", environment, top, scratch)


def check_page(report, top, folder):
    """What the page tells to type, with a folder for FOLDER, and without a network."""
    with open(os.path.join(top, "docs", "installing.md"), encoding="utf-8") as file:
        section = re.search(r"(?ms)^## With pip\n(.*?)^## ", file.read())[1]
    typed = re.findall(r"(?m)^(python3 -m venv .*|FOLDER/bin/pip .*)$", section)
    report.equal("the page makes an environment, and installs the wheel and the sources", len(typed), 3)
    path = os.pathsep.join([os.path.dirname(PYTHON), os.environ["PATH"]])
    for command in typed:
        command = command.replace("FOLDER", folder)
        call("sh", "-c", 'cd "$1" && ' + command, "sh", top, PATH=path, PIP_NO_INDEX="1")
        if " install " in command:
            found = call(folder + "/bin/python3", "-c", "import ferry; print(ferry.__file__)").strip()
            report.fact("this works: " + command, found.startswith(folder), [found])
            call(folder + "/bin/pip", "uninstall", "--yes", "ferry")


def body(report):
    top = os.path.abspath(sys.argv[1])
    version = version_of(top)
    made = os.path.join(top, "build-packages", "wheel")
    call(os.path.join(top, "packaging", "wheel"))
    tag = "cp311-abi3-" + re.sub("[-.]", "_", sysconfig.get_platform())
    names = ["ferry-%s-%s.whl" % (version, tag), "ferry-%s.tar.gz" % version]
    report.equal("a wheel and an sdist are made", sorted(os.listdir(made)), names)
    wheel, sdist = (os.path.join(made, name) for name in names)
    with tempfile.TemporaryDirectory() as scratch:
        with zipfile.ZipFile(wheel) as archive:
            check_files(report, top, archive)
            check_metadata(report, archive, version)
            check_binaries(report, archive, os.path.join(scratch, "binaries"))
        check_sources(report, sdist, os.path.join(scratch, "sources"))
        check_page(report, top, os.path.join(scratch, "page"))
        check_system(report, top, wheel, scratch)
        check_alone(report, top, wheel, sdist, scratch)


tap.main(body)
