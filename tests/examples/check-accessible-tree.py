#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a screen reader is given of a list of tasks, over a bus of the test: check-accessible-tree.py FOLDER-OF-EXAMPLES

The script starts itself once more on a session bus of its own, on which AT-SPI's services are started by themselves.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time

import tap

# Only ends a hang.
SOME_SECONDS = 600
BUS_SERVICE = "/usr/share/dbus-1/services/org.a11y.Bus.service"
ON_A_BUS = "FERRY_TEST_ON_A_BUS"
ROW = ("list item", "Task: Copy 40 files")
# A task that has failed stays so.
FAILED_BAR = ("progress bar", "Progress: Copy 160 files")
FAILED_BUTTON = ("push button", "Copy the error: Copy 160 files")
WHY = "Failed: The disk has no room for file 100"


def missing():
    """What the test needs and the system has not, or None."""
    try:
        import gi
        gi.require_version("Atspi", "2.0")
    except (ImportError, ValueError):
        return "the typelib of AT-SPI (gir1.2-atspi-2.0) is not installed"
    if shutil.which("dbus-run-session") is None:
        return "there is no dbus-run-session"
    if not os.path.exists(BUS_SERVICE):
        return "the services of AT-SPI (at-spi2-core) are not installed"
    return None if os.environ.get("DISPLAY") else "there is no display"


def run_on_a_bus():
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ, XDG_RUNTIME_DIR=folder, GSETTINGS_BACKEND="memory", GDK_BACKEND="x11", **{ON_A_BUS: "1"})
        environment.pop("GTK_A11Y", None)
        environment.pop("G_DEBUG", None)  # the services of AT-SPI warn
        # What the services of the bus say is no report of the test.
        report = os.dup(1)
        command = ["dbus-run-session", "--", "sh", "-c", 'exec "$@" >&%d' % report, "sh", sys.executable, *sys.argv]
        return subprocess.run(command, env=environment, stdout=2, pass_fds=[report]).returncode


def find_application(atspi, pid):
    desktop = atspi.get_desktop(0)
    for index in range(desktop.get_child_count()):
        application = desktop.get_child_at_index(index)
        if application is not None and application.get_process_id() == pid:
            return application
    return None


def tree_of(accessible):
    """Role, name and description of each object; those that go away meanwhile are left out."""
    found = {(accessible.get_role_name(), accessible.get_name()): accessible.get_description()}
    for index in range(accessible.get_child_count()):
        child = accessible.get_child_at_index(index)
        if child is not None:
            found.update(tree_of(child))
    return found


def look(atspi, pid):
    from gi.repository import GLib
    try:
        application = find_application(atspi, pid)
        return tree_of(application) if application is not None else {}
    except GLib.Error:  # something went away while it was looked at
        return {}


def wait_until(atspi, pid, holds):
    """Looks until a condition holds of the tree, and returns the tree."""
    end = time.monotonic() + SOME_SECONDS
    tree = look(atspi, pid)
    while not holds(tree) and time.monotonic() < end:
        tree = look(atspi, pid)
    return tree


def check(report):
    from gi.repository import Atspi
    program = subprocess.Popen(["./list"], cwd=sys.argv[1], stdin=subprocess.DEVNULL)
    try:
        tree = wait_until(Atspi, program.pid, lambda tree: ROW in tree)
        for role, name in [("frame", "Tasks"), ("list", "Tasks"), ROW, ("list item", "Task: Copy 160 files"),
                           ("push button", "New Task"), ("push button", "Undo")]:
            report.fact("%s “%s” is in the tree" % (role, name), (role, name) in tree, sorted(map(str, tree)))
        tree = wait_until(Atspi, program.pid, lambda tree: tree.get(ROW) == "Done")
        report.equal("a row says that its task is done", tree.get(ROW), "Done")
        tree = wait_until(Atspi, program.pid, lambda tree: tree.get(FAILED_BAR) == WHY and FAILED_BUTTON in tree)
        report.equal("the bar in it says why", tree.get(FAILED_BAR), WHY)
        report.fact("its button says what it does, and to what", FAILED_BUTTON in tree, sorted(map(str, tree)))
    finally:
        program.terminate()
        program.wait()


def body(report):
    reason = missing()
    if reason is not None:
        report.skip("a list of tasks over AT-SPI", reason)
    else:
        check(report)


if missing() is None and ON_A_BUS not in os.environ:
    sys.exit(run_on_a_bus())
tap.main(body)
