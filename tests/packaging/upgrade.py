#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The converter is used, packages are replaced while it and the demo run, and purged: upgrade.py WATCHER EARLIER LATER

EARLIER and LATER are folders with packages of two versions, which speak different versions of the protocol. This needs root
and a display, and installs and removes them on this machine: check-debian.py runs it on one that is thrown away.
"""

import glob
import os
import shutil
import subprocess
import sys
import tempfile

import scenes
import speaking
import tap

SYSTEM = ("/dev", "/proc", "/sys", "/tmp")
RESTART = "label The application was updated, and has to be started again"


def dpkg(action, *arguments):
    done = subprocess.run(["dpkg", action, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError("dpkg %s: %s" % (action, done.stdout))


def packages_in(folder):
    return glob.glob(os.path.join(folder, "*.deb"))


def files_of_ferry(*elsewhere):
    found = set()
    for folder, folders, files in os.walk("/"):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in SYSTEM + elsewhere]
        found.update(os.path.join(folder, name) for name in folders + files if "ferry" in name.lower())
    return found


def start(watcher, *arguments):
    return scenes.Program(watcher, "/usr/bin", None, "ferry-demo", "--page", "tasks", "--workers", "2", *arguments)


def run_command(program):
    program.do("act command.enter")
    program.wait("label Run Any Program")
    program.do("type echo once more")


def end(report, name, program):
    program.do("close Ferry Demo")
    status, _, errors = program.finish()
    report.fact(name, status == 0, ["it ended with %d: %s" % (status, errors)])


def check_while_running(report, watcher, later):
    program = start(watcher, "primes:50000000000")
    program.wait(r"bar 0\.\d*[1-9]")
    dpkg("--install", *packages_in(later))
    program.do("act job.add-one::primes:3000000")
    program.wait(r"bar 0\.\d*[1-9]", "label Done")
    report.fact("what runs goes on, and the forked worker of a new task is one of the version that runs", True)
    run_command(program)
    program.wait("label Failed", RESTART)
    report.fact("a command, whose worker is one of the new version, fails and says to restart", True)
    program.do("act job.cancel-all")
    end(report, "what runs is cancelled, and the application ends well", program)


def check_german(report, watcher, picture, video):
    with speaking.speaking("de") as variables:
        program = scenes.Program(watcher, "/usr/bin", None, "converter", video, environment=dict(os.environ, **variables))
        program.wait("window Umwandler", "label Fertig", "label short 2.webm")
        program.wait_until(lambda _: program.ask("shoot " + picture) == ["done"])
        report.fact("it speaks German, and writes over no file", True)
        program.do("close Umwandler")
        report.equal("it ends with its window there, too", program.finish(), (0, "", ""))


def check_converter(report, watcher, picture):
    """As it is installed, in German."""
    with tempfile.TemporaryDirectory() as folder:
        scenes.play(report, watcher, "/usr/bin", folder, "converter")
        if shutil.which("ffmpeg"):
            check_german(report, watcher, picture, os.path.join(folder, "short.mp4"))


def check_queue(report, watcher, later):
    """What it has to do outlives a quit, kills, and an update to another version."""
    with tempfile.TemporaryDirectory() as folder:
        scenes.play(report, watcher, "/usr/bin", folder, "converter-queue", update=lambda: dpkg("--install", *packages_in(later)))


def body(report):
    watcher, earlier, later = (os.path.abspath(argument) for argument in sys.argv[1:])
    elsewhere = os.path.dirname(watcher), os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
    before = files_of_ferry(*elsewhere)
    dpkg("--install", *packages_in(earlier))
    check_converter(report, watcher, os.path.join(os.path.dirname(watcher), "converter.png"))
    check_queue(report, watcher, later)
    dpkg("--install", *packages_in(earlier))
    check_while_running(report, watcher, later)
    program = start(watcher)
    run_command(program)
    program.wait("label Done")
    report.fact("started again, it runs the command", True)
    end(report, "and ends well", program)
    dpkg("--purge", *{os.path.basename(path).split("_")[0] for path in packages_in(earlier) + packages_in(later)})
    report.equal("a purge leaves nothing", files_of_ferry(*elsewhere) - before, set())


tap.main(body)
