#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a release is, and its tarball: check-release.py TOP

packaging/release --quick is run in a clone of what TOP has committed, which is a release of today there, and is changed in
ways that make it none. The tarball has what git has, and nothing of who made it and when. This takes minutes, so no suite has it: see '.ci/nightly'.
"""

import datetime
import hashlib
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

BETWEEN = "0.98.0"
VERSION = "0.99.0"
TOMORROW = (datetime.date.today() + datetime.timedelta(days=2)).isoformat()
SYMBOLS = "debian/libferry-1-0.symbols"
# A file, what is in it, what is there instead, and what is complained of.
MISTAKES = {
    "another version": ("ferry.doap", "<revision>0", "<revision>1", "ferry.doap names version 1"),
    "another date": ("ferry.doap", "<created>2", "<created>1", "ferry.doap says 1"),
    "a date in the future": ("CHANGELOG.md", r"(20", "(%s) (20" % TOMORROW, "a date in the future"),
}


class Clone:
    def __init__(self, top, folder):
        self.folder = pathlib.Path(folder, "ferry")
        subprocess.run(["git", "clone", "-q", top, self.folder], check=True)
        self.git("config", "user.name", "A")
        self.git("config", "user.email", "a@example.org")

    def git(self, *arguments):
        return subprocess.run(["git", *arguments], cwd=self.folder, stdout=subprocess.PIPE, check=True, text=True).stdout

    def read(self, *path):
        return self.folder.joinpath(*path).read_text("utf-8")

    def release(self, *arguments):
        """Whether this is one, and what was said. What it makes is not to be read by others, if this made a difference."""
        done = subprocess.run([self.folder / "packaging" / "release", *(arguments or ["--quick"])], stdin=subprocess.DEVNULL, umask=0o077,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        return done.returncode == 0, done.stdout


def go_on_after_release(report, clone):
    """The tree may be a release or none: it is between two now, and has a symbol that the next one brings."""
    is_named, said = clone.release("after", BETWEEN)
    report.fact("a tree goes on after a release", is_named and BETWEEN in said, [said])
    report.fact("which has its changes, and what is new has a section above them",
                clone.read("CHANGELOG.md").startswith("# Changes\n\n## %s, not released yet\n\n## 0." % BETWEEN))
    check = subprocess.run([sys.executable, clone.folder / "tests/style/check-versions.py", clone.folder], stdout=subprocess.PIPE,
                           text=True, check=False)
    report.fact("each file that names a version names it", check.returncode == 0, [check.stdout])
    with open(clone.folder / SYMBOLS, "a", encoding="utf-8") as symbols:
        symbols.write(" ferry_new@Base %s\n" % BETWEEN)
    clone.git("commit", "-qam", "Not released yet")
    is_one, said = clone.release()
    report.fact("it is no release", not is_one and "UNRELEASED" in said, [said])


def make_release(report, clone):
    is_named, said = clone.release("name", "1..2")
    report.fact("what is no version names none", not is_named and "no version" in said, [said])
    before = clone.read(SYMBOLS)
    is_named, said = clone.release("name", VERSION)
    report.fact("a tree is named a release", is_named and VERSION in said, [said])
    report.equal("lines that speak of what is not out are shown", "released yet" in said, True)
    report.equal("symbols that are new have its version, and others keep theirs", clone.read(SYMBOLS),
                 before.replace(" %s\n" % BETWEEN, " %s\n" % VERSION))
    clone.git("commit", "-qam", "A release")


def check_mistakes(report, clone):
    for name, (path, old, new, complaint) in MISTAKES.items():
        file = clone.folder / path
        text = file.read_text("utf-8")
        file.write_text(text.replace(old, new, 1), "utf-8")
        if name == "another version":
            is_one, said = clone.release()
            report.fact("what is not committed is in no release", not is_one and path in said, [said])
        clone.git("commit", "-qam", "a mistake")
        is_one, said = clone.release()
        report.fact("no release: %s" % name, not is_one and complaint in said, [said])
        clone.git("reset", "-q", "--hard", "HEAD^")
    version = clone.git("grep", "-hoP", r"(?<=^  version: ').*(?=',$)", "HEAD", "--", "meson.build").strip()
    clone.git("tag", "--force", version, "HEAD^")
    is_one, said = clone.release()
    report.fact("a version is released once", not is_one and "tag %s" % version in said, [said])
    clone.git("tag", "--force", version, "HEAD")
    return version


def check_tarball(report, clone, version):
    # As tests leave it, which a release runs.
    (clone.folder / "tests" / "__pycache__").mkdir()
    (clone.folder / "tests" / "__pycache__" / "tap.pyc").touch()
    is_one, said = clone.release()
    report.fact("this is a release, and its tarball builds what it is to build", is_one, [said])
    path = clone.folder / "build-packages" / "release" / ("ferry-%s.tar.xz" % version)
    report.equal("its sum is beside it", path.with_suffix(".xz.sha256").read_text("ascii").split(),
                 [hashlib.sha256(path.read_bytes()).hexdigest(), path.name])
    with tarfile.open(path) as archive:
        members = archive.getmembers()
    report.none("it has what git has", {member.name.split("/", 1)[1] for member in members if not member.isdir()}
                ^ set(clone.git("ls-files").splitlines()))
    time = int(clone.git("log", "-1", "--format=%ct"))
    report.none("nothing of who made it, or when", [
        member.name for member in members if (member.uid, member.gid, member.uname, member.gname, member.mtime) != (0, 0, "", "", time)
        or member.mode not in (0o644, 0o755)][:5])


def body(report):
    with tempfile.TemporaryDirectory() as folder:
        clone = Clone(os.path.abspath(sys.argv[1]), folder)
        go_on_after_release(report, clone)
        make_release(report, clone)
        check_tarball(report, clone, check_mistakes(report, clone))


tap.main(body)
