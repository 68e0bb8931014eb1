#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Debian packages: check-debian.py TOP

packaging/debian builds those of what is committed, twice and in two folders, lintian reads them, and apt would install what
docs/installing.md names. Root also installs them on a machine that is thrown away, uses the converter, replaces them by those of a next version
while the demo runs, and purges them: see upgrade.py. What is in them is tested by debian/tests, on a machine of their own:
'autopkgtest -B build-packages/debian/*.deb . -- null' there. This takes minutes, so no suite has it: see '.ci/nightly'.
"""

import glob
import gzip
import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

# What makes the next version of this one, by file.
NEXT = {
    "meson.build": r"(?m)^(  version: '\d+\.\d+\.)(\d+)",
    "debian/changelog": r"\A(ferry \(\d+\.\d+\.)(\d+)",
    "router/wire/ferry-lane-layout.h": r"(?m)^(#define FERRY_PROTOCOL_VERSION )(\d+)",
}
OWN_MOUNTS = ("unshare", "--mount", "--propagation", "unchanged")
# A machine that has the files of this one, and keeps what is changed in memory: TOP SCRATCH COMMAND... A chroot is no mount
# that could be made private.
THROWN_AWAY = """
mount --make-rprivate / 2>/dev/null || true
place=$2/machine
mkdir "$place"
mount -t tmpfs ferry "$place"
mkdir "$place/changed" "$place/work" "$place/root"
mount -t overlay -o "lowerdir=/,upperdir=$place/changed,workdir=$place/work" ferry "$place/root"
for folder in /dev /proc /sys "$1" "$2"; do
  mkdir -p "$place/root$folder"
  mount --bind "$folder" "$place/root$folder"
done
shift 2
exec chroot "$place/root" "$@"
"""


def call(*command):
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)


def build(top, folder, *options):
    environment = dict(os.environ, FERRY_PACKAGES=folder)
    done = subprocess.run([os.path.join(top, "packaging", "debian"), "-b", *options], env=environment, stdin=subprocess.DEVNULL,
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


def failed_build(report, top, folder):
    """A build that says much and fails shows the end of it, and says where the rest is."""
    os.mkdir(folder)
    rules = os.path.join(folder, "rules")
    with open(rules, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\nseq -f 'line %.0f' 1000\nexit 7\n")
    os.chmod(rules, 0o755)
    status, said, _ = build(top, folder, "--no-check-builddeps", "--rules-file=" + rules)
    log = os.path.join(folder, "debian", "build.log")
    lines = said.splitlines()
    report.fact("a build that fails shows its last lines, and where the others are",
                status == 1 and log in lines[-1] and "line 1000" in lines and "line 900" not in lines and len(lines) < 50, [said])
    with open(log, encoding="utf-8") as file:
        report.fact("all of them are there", "line 1\n" in file.read(), [log])


def printed_packages(top):
    """The files that docs/installing.md names: those of each row, and then those and one more."""
    with open(os.path.join(top, "docs", "installing.md"), encoding="utf-8") as file:
        rows = re.findall(r"(?m)^\| ([^|]*) \| (`\./.*) \|$", file.read())
    for who, cell in rows:
        first, *more = re.findall(r"`(\./[^`]*)`", cell)
        yield from ((who, " ".join([first, *added])) for added in [[], *([one] for one in more)])


def check_page(report, top, folder):
    printed = list(printed_packages(top))
    report.fact("the page has what to install for each reader", len(printed) > 8, printed)
    for who, files in printed:
        done = subprocess.run(["sh", "-c", "apt-get install --simulate --no-install-recommends " + files],
                              cwd=os.path.join(folder, "debian"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        report.fact("who wants to '%s' installs %s" % (who, files), done.returncode == 0, [done.stdout])


def check_manuals(report, packages):
    """Of each program that has a manual page: how it is called, as the program says."""
    synopses = []
    for package in packages:
        files = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(files)) as archive:
            synopses += [re.search(r'(?s)\.S[HS] (?:SYNOPSIS|"Usage:")\n(.*?)\n\.[SP]', gzip.decompress(archive.extractfile(member).read()).decode())[1]
                         for member in archive if re.search(r"/man1/.*\.gz$", member.name)]
    report.equal("manual pages are text as the programs print it", ["[OPTION\u2026]" in text for text in synopses], [True] * 3)


def make_next_version(top, folder):
    """A copy of what is committed, with the next number, and another protocol."""
    call("git", "clone", "--quiet", top, folder)
    for name, pattern in NEXT.items():
        path = os.path.join(folder, name)
        with open(path, encoding="utf-8") as file:
            text, count = re.subn(pattern, lambda found: found[1] + str(int(found[2]) + 1), file.read())
        assert count == 1, name
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    call("git", "-C", folder, "-c", "user.name=A test", "-c", "user.email=test@packages.invalid", "commit", "--quiet", "--all",
         "--message=The next version")


def on_machine_thrown_away(top, scratch, *arguments):
    tests = os.path.join(top, "tests")
    return subprocess.run([*OWN_MOUNTS, "sh", "-euc", THROWN_AWAY, "sh", top, scratch, sys.executable,
                           os.path.join(tests, "packaging", "upgrade.py"), *arguments],
                          env=dict(os.environ, PYTHONPATH=tests + ":" + os.path.join(tests, "examples"), HOME=scratch),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)


def check_upgrade(report, top, scratch, earlier):
    may_mount = os.getuid() == 0 and subprocess.run([*OWN_MOUNTS, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0
    if not may_mount or not os.environ.get("DISPLAY"):
        report.skip("an upgrade while the demo runs", "it takes root that may mount, and a display")
        return
    following, later, watcher = (os.path.join(scratch, name) for name in ("following", "later", "watcher.so"))
    make_next_version(top, following)
    status, said, _ = build(following, later, "-Pnodoc")
    report.fact("the packages of a next version, which has another protocol, are built", status == 0, [said[-4000:]])
    call("sh", "-c", 'cc -shared -fPIC "$1" -o "$2" $(pkg-config --cflags --libs gtk4 gmodule-2.0)', "sh",
         os.path.join(top, "tests", "examples", "watcher.c"), watcher)
    done = on_machine_thrown_away(top, scratch, watcher, *(os.path.join(folder, "debian") for folder in (earlier, later)))
    facts = re.findall(r"(?m)^(not )?ok \d+ (.*)$", done.stdout)
    for failed, name in facts:
        report.fact(name, not failed)
    report.fact("all of the upgrade was tried", done.returncode == 0 and len(facts) > 1, [done.stdout])


def body(report):
    top = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as scratch:
        one, other = (os.path.join(scratch, name) for name in ("one", "another"))
        status, said, packages = build(top, one)
        report.equal("the packages are built", (status, len(packages) > 0), (0, True))
        if status != 0:
            report.fact("that failed", False, [said[-4000:]])
            return
        check_manuals(report, packages)
        check_page(report, top, one)
        failed_build(report, top, os.path.join(scratch, "failed"))
        report.none("lintian has no errors and no warnings", complaints_of_lintian(one))
        status, said, again = build(top, other)
        report.equal("two builds in two folders are equal", digests(again), digests(packages))
        check_upgrade(report, top, scratch, one)


tap.main(body)
