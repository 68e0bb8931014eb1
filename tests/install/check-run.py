#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the commands of ./run install and build, and what all commands say of themselves: check-run.py TOP

A copy of the script is run where one program is missing, and what would install and build it only writes down how it was
called.
"""

import glob
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import tap

STAND_INS = ("apt-get", "meson", "ninja", "sudo", "su")

# Meson makes a folder that ninja could build, but for the reference while its tool is missing. Ninja talks.
STAND_IN = """#!/bin/sh
name=${0##*/}
top=${0%/bin/*}
echo "$name $*" >>"$top/calls"
case "$name $*" in
  'meson setup --reconfigure '*) ;;
  'meson setup '*)
    mkdir -p "$top/build/meson-info"
    echo "\\"source\\": \\"$top\\"" >"$top/build/meson-info/meson-info.json"
    touch "$top/build/build.ninja"
    ;;
  'ninja '*' -n documentation')
    command -v gi-docgen >/dev/null || echo "ninja: error: unknown target 'documentation'"
    ;;
  'ninja '*' -n '*python*) echo '[3/3] Linking' ;;
  'ninja '*python*) echo '[1/3] Compiling' ;;
esac
"""


def make_machine(folder, missing):
    """A folder of all programs but one."""
    for place in os.environ["PATH"].split(os.pathsep):
        for name in os.listdir(place) if os.path.isdir(place) else ():
            link = os.path.join(folder, name)
            if name not in (missing, *STAND_INS) and not os.path.lexists(link):
                os.symlink(os.path.join(place, name), link)
    for name in STAND_INS:
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(STAND_IN)
        os.chmod(os.path.join(folder, name), 0o755)


COMMANDS = ("run", ".ci/nightly", "demo-app/run-cluster", "packaging/abi", "packaging/cross", "packaging/debian",
            "packaging/release", "packaging/wheel", "tests/fuzz/run", "tests/sanitize/run")

# What a machine without apt-get is told to type, by its /etc/os-release: one without libraries and without gi-docgen.
FEDORA = ("As root, install it by: dnf install 'pkgconfig(gio-unix-2.0)' 'pkgconfig(gtk4)' 'pkgconfig(libseccomp)' "
          "'pkgconfig(gobject-introspection-1.0)' /usr/bin/gi-docgen")
ELSEWHERE = {
    "ID=fedora": FEDORA,
    'ID="rocky"\nID_LIKE="rhel centos fedora"': FEDORA,
    'ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"': FEDORA.replace("dnf", "zypper"),
    "ID=arch": "As root, install it by: pacman -S --needed glib2-devel gtk4 libseccomp gobject-introspection gi-docgen",
    "ID=alpine": "Use a container of another system, as Ferry needs glibc",
    "ID=unheard-of": "Install it the way your system does",
    None: "Install it the way your system does",
}


def said(script, machine, *arguments, **changes):
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    done = subprocess.run([script, *arguments], env={**environment, "PATH": machine, **changes}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=600)
    return done.stdout


def calls(folder):
    with open(os.path.join(folder, "calls"), encoding="utf-8") as file:
        return file.read().splitlines()


def check_elsewhere(report, script, machine, folder):
    """The machine of a system without apt-get."""
    os.remove(os.path.join(machine, "apt-get"))
    release = os.path.join(folder, "os-release")
    for text, words in ELSEWHERE.items():
        if os.path.exists(release):
            os.remove(release)
        if text is not None:
            with open(release, "w", encoding="utf-8") as file:
                file.write(text + "\n")
        heard = said(script, machine, "docs", PKG_CONFIG_LIBDIR=folder, PKG_CONFIG_PATH="", FERRY_OS_RELEASE=release)
        report.fact("a system is told what to type: %s" % (text or "nothing").replace("\n", ", "),
                    heard.endswith("%s, then run this again.\n" % words), [heard])


def check_help(report, top):
    """A command that reads commands.sh begins with its help, and does nothing else then."""
    for name in COMMANDS:
        with open(os.path.join(top, name), encoding="utf-8") as file:
            comment = file.read().split("\n\n", 2)[1]
        helps = [said(os.path.join(top, name), os.environ["PATH"], option) for option in ("--help", "-h", "help")]
        report.equal("%s says what it is for" % name, helps, 3 * [re.sub("(?m)^# ?", "", comment) + "\n"])


def check_night(report, top, machine, folder):
    """A part of the night ends what it has started. It needs more programs than a machine has that only runs this."""
    for name in re.findall(r"(?m)^\w+ +program +(\S+)", pathlib.Path(folder, "build-aux", "commands.sh").read_text("utf-8")):
        if not os.path.lexists(os.path.join(machine, name)):
            os.symlink("/bin/true", os.path.join(machine, name))
    checks, scratch = pathlib.Path(folder, "tests", "packaging"), os.path.join(folder, "scratch")
    checks.mkdir(parents=True)
    checks.joinpath("check-display.py").write_text("import os; print('on', os.environ['DISPLAY'])", "utf-8")
    os.mkdir(scratch)
    shutil.copytree(os.path.join(top, ".ci"), os.path.join(folder, ".ci"))
    text = said(os.path.join(folder, ".ci", "nightly"), machine, "packages", TMPDIR=scratch)
    display = re.search("(?m)^on :([0-9]+)$", text)
    report.fact("a part of the night has a display", display and "passed: packages" in text, [text])
    report.fact("which ends with it", not os.path.exists("/tmp/.X11-unix/X%s" % display[1]))
    report.equal("and leaves no file", os.listdir(scratch), [])


def body(report):
    check_help(report, sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        machine, script = os.path.join(folder, "bin"), os.path.join(folder, "run")
        os.mkdir(machine)
        os.mkdir(os.path.join(folder, "build-aux"))
        for name in ("run", os.path.join("build-aux", "commands.sh")):
            shutil.copy(os.path.join(sys.argv[1], name), os.path.join(folder, name))
        make_machine(machine, "gi-docgen")
        text = said(script, machine, "docs")
        report.fact("the reference wants gi-docgen", "gi-docgen" in text, [text])
        # Only root installs without being asked, here for nothing.
        words = "meson-log.txt" if os.geteuid() == 0 else "lacks program gi-docgen"
        report.fact("where there is none, words say so", words in text, [text])
        text = said(script, machine, "python", "-c", "import os; print('it', 'runs on', os.environ['DISPLAY'])")
        report.fact("Python does not", "gi-docgen" not in text, [text])
        if not shutil.which("Xvfb"):
            report.skip("what has a display", "there is no Xvfb")
            return
        report.fact("it has a display", re.search("^it runs on :[0-9]+$", text, re.MULTILINE), [text])
        report.fact("a step is a line", "Building 3 parts" in text and "Compiling" not in text, [text])
        report.none("neither tests nor the demo are built for it",
                    [call for call in calls(folder) if re.match("ninja .*(all|demo|prereq)", call)])
        report.none("a folder is configured once", [call for call in calls(folder) if "reconfigure" in call])
        os.symlink("/bin/true", os.path.join(machine, "gi-docgen"))
        said(script, machine, "docs")
        report.equal("a tool that came since is looked for again",
                     [call for call in calls(folder) if "reconfigure" in call],
                     ["meson setup --reconfigure %s/build %s" % (folder, folder)])
        said(script, machine, "docs")
        report.equal("once", len([call for call in calls(folder) if "reconfigure" in call]), 1)
        os.remove(os.path.join(machine, "gi-docgen"))
        check_elsewhere(report, script, machine, folder)
        check_night(report, sys.argv[1], machine, folder)


tap.main(body)
