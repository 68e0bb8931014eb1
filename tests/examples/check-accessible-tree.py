#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a screen reader is given of a list of tasks, over a bus of the test: check-accessible-tree.py FOLDER-OF-EXAMPLES

The script starts itself once more on a display and a session bus of its own. On the bus, AT-SPI's services are started
by themselves. On the display there is no window but that of the list: where another program opened one, that would have
the focus of the keyboard, and keep it for good, since no window manager gives it back.
"""

import collections
import contextlib
import ctypes
import os
import re
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
DONE, NEXT, FAILED = "Copy 40 files", "Copy 80 files", "Copy 160 files"  # they stay so
WHY = "Failed: The disk has no room for file 100"
FAR = re.compile(r"Running: \d+ % · \d+ of \d+ files.*")
# How the name of a thing begins that has only that of its type.
TYPES = ("Gtk", "Ferry")
# Names of roles in older versions of AT-SPI, and those of today.
ROLES = {"push button": "button"}
# What only holds others, and is not read out.
FRAMES = ("panel", "filler")
DESCRIBED, NAMED = "object:property-change:accessible-description", "object:property-change:accessible-name"
ANNOUNCED = "object:announcement"

Thing = collections.namedtuple("Thing", "description states value accessible")


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
    return None if shutil.which("Xvfb") is not None else "there is no Xvfb"


@contextlib.contextmanager
def display():
    """The name of a display that nobody else has."""
    number, told = os.pipe()
    server = subprocess.Popen(["Xvfb", "-displayfd", str(told), "-noreset", "-nolisten", "tcp"], pass_fds=[told],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(told)
    try:
        with os.fdopen(number) as line:
            yield ":%d" % int(line.readline())
    finally:
        server.terminate()
        server.wait()


def run_on_a_bus():
    with display() as name, tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ, DISPLAY=name, XDG_RUNTIME_DIR=folder, GSETTINGS_BACKEND="memory", GDK_BACKEND="x11",
                           **{ON_A_BUS: "1"})
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


def tree_of(atspi, accessible):
    """What is known of each object, by its role and name; those that go away meanwhile are left out."""
    role = accessible.get_role_name()
    found = {(ROLES.get(role, role), accessible.get_name()): Thing(
        accessible.get_description(), {state.value_nick for state in accessible.get_state_set().get_states()},
        atspi.Value.get_current_value(accessible) if "Value" in accessible.get_interfaces() else None, accessible)}
    for index in range(accessible.get_child_count()):
        child = accessible.get_child_at_index(index)
        if child is not None:
            found.update(tree_of(atspi, child))
    return found


class Screen:
    """What a screen reader has: the tree of an application, and what that tells without being asked."""

    def __init__(self, atspi, pid):
        self.atspi, self.pid = atspi, pid
        self.told = []  # (event, source, words)
        self.listener = atspi.EventListener.new(self.hear)
        for event in (DESCRIBED, NAMED, ANNOUNCED):
            self.listener.register(event)

    def hear(self, event):
        self.told.append((event.type, event.source.get_name(), event.any_data))

    def look(self):
        from gi.repository import GLib
        while GLib.MainContext.default().iteration(False):
            pass
        try:
            application = find_application(self.atspi, self.pid)
            return tree_of(self.atspi, application) if application is not None else {}
        except GLib.Error:  # something went away while it was looked at
            return {}

    def wait_until(self, holds):
        """Looks until a condition holds of the tree, and returns the tree."""
        end = time.monotonic() + SOME_SECONDS
        tree = self.look()
        while not holds(tree) and time.monotonic() < end:
            tree = self.look()
        return tree

    def was_told(self, event, source, words):
        return any(kind.startswith(event) and source in (None, name) and said == words for kind, name, said in self.told)


def is_so(tree, key, description=None, value=None):
    thing = tree.get(key)
    return thing is not None and description in (None, thing.description) and value in (None, thing.value)


def check_names(report, screen):
    tree = screen.wait_until(lambda tree: all(("list item", "Task: Copy %d files" % n) in tree for n in (40, 80, 120, 160)))
    for key in [("frame", "Tasks"), ("list", "Tasks"), ("button", "New Task")]:
        report.fact("%s “%s” is in the tree" % key, key in tree, sorted(map(str, tree)))
    report.none("nothing that is heard of has the name of its type only",
                [key for key in tree if key[1].startswith(TYPES) and key[0] not in FRAMES])
    application = find_application(screen.atspi, screen.pid)
    report.fact("the application has the name of its program", application.get_name() == "list",
                [application.get_name()])
    report.fact("there is no way back before there is one", ("button", "Undo") not in tree, [])


def check_task(report, screen, name, words):
    """A task that has ended: its row says all, and has no bar."""
    row, bar = ("list item", "Task: " + name), ("progress bar", "Progress: " + name)
    tree = screen.wait_until(lambda tree: is_so(tree, row, words))
    report.fact("the row of “%s” says “%s”" % (name, words), is_so(tree, row, words), [tree.get(row)])
    report.fact("there is no bar in it any more", bar not in tree, [tree.get(bar)])


def check_bar(report, screen):
    """A task that runs: its bar says how far it is, and has its value."""
    def find_bar(tree):
        bars = [(name, thing) for (role, name), thing in tree.items() if role == "progress bar"]
        if not bars and ("button", "New Task") in tree:  # all have ended
            screen.atspi.Action.do_action(tree["button", "New Task"].accessible, 0)
        return [(name, thing) for name, thing in bars if thing.value and FAR.fullmatch(thing.description)]

    tree = screen.wait_until(find_bar)
    bars = find_bar(tree)
    report.fact("the bar of a task that runs says how far it is, and has its value", bars, sorted(map(str, tree)))
    rows = [tree.get(("list item", name.replace("Progress: ", "Task: "))) for name, thing in bars]
    report.fact("its row says that it runs", any(row is not None and row.description == "Running" for row in rows), rows)


def check_states(report, screen):
    tree = screen.look()
    row = tree.get(("list item", "Task: " + FAILED))
    report.fact("a row takes the focus", row is not None and "focusable" in row.states, [row])
    buttons = {name: "sensitive" in thing.states for (role, name), thing in tree.items()
               if role == "button" and name.endswith(": " + FAILED)}
    report.equal("its buttons are those that make sense",
                 buttons, {verb + ": " + FAILED: True for verb in ("Show the error", "Run again", "Remove")})


def press(report, screen, verb, name, words):
    """GTK has had a function to have words read out since 4.14. Before, the words become the name of a status line, which
    the next words take: it is seen, or its change is heard of."""
    event = ANNOUNCED if hasattr(ctypes.CDLL("libgtk-4.so.1"), "gtk_accessible_announce") else NAMED
    button = ("button", "%s: %s" % (verb, name))

    def is_said(tree):
        return screen.was_told(event, None, words) or event == NAMED and ("status bar", words) in tree

    tree = screen.wait_until(lambda tree: button in tree)
    screen.told.clear()
    screen.atspi.Action.do_action(tree[button].accessible, 0)
    tree = screen.wait_until(is_said)
    report.fact("“%s” is %s" % (words, "read out" if event == ANNOUNCED else "the status"), is_said(tree), screen.told)


def check_changes(report, screen):
    """What ends before the screen reader is ready is told to nobody, so the task runs once more."""
    press(report, screen, "Run again", FAILED, "Runs again: " + FAILED)
    row = "Task: " + FAILED
    screen.wait_until(lambda tree: screen.was_told(DESCRIBED, row, WHY))
    report.fact("that it fails again is told without being asked for", screen.was_told(DESCRIBED, row, WHY), screen.told)


def check_removal(report, screen):
    press(report, screen, "Remove", DONE, "Removed: %s. Control+Z puts it back." % DONE)
    tree = screen.wait_until(lambda tree: ("button", "Undo") in tree and ("list item", "Task: " + DONE) not in tree)
    report.fact("a task that was removed is not in the tree, and the way back is",
                ("button", "Undo") in tree and ("list item", "Task: " + DONE) not in tree, sorted(map(str, tree)))
    find_focus = lambda tree: [key for key, thing in tree.items() if {"focused", "selected"} <= thing.states]
    focused = find_focus(screen.wait_until(find_focus))
    report.equal("the task in its place is selected, and has the focus", focused, [("list item", "Task: " + NEXT)])


def check_dialog(report, screen):
    button, dialog = ("button", "Show the error: " + FAILED), ("dialog", FAILED)
    tree = screen.wait_until(lambda tree: button in tree)
    screen.atspi.Action.do_action(tree[button].accessible, 0)
    tree = screen.wait_until(lambda tree: any(role == "button" and name.endswith("Copy") for role, name in tree))
    report.fact("the window of an error is a dialog", dialog in tree, sorted(map(str, tree)))
    report.fact("its button has its name once", ("button", "Copy") in tree, sorted(map(str, tree)))


def check(report):
    from gi.repository import Atspi
    program = subprocess.Popen(["./list"], cwd=sys.argv[1], stdin=subprocess.DEVNULL)
    try:
        screen = Screen(Atspi, program.pid)
        check_names(report, screen)
        check_bar(report, screen)
        check_task(report, screen, DONE, "Done: 40 files")
        check_task(report, screen, FAILED, WHY)
        check_states(report, screen)
        check_changes(report, screen)
        check_removal(report, screen)
        check_dialog(report, screen)
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
