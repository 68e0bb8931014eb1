#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a screen reader is given of a list of tasks, over a bus of the test: check-accessible-tree.py FOLDER-OF-EXAMPLES"""

import ctypes
import os
import re
import subprocess
import sys
import time

import screens
import tap

DONE, NEXT, FAILED = "Copy 40 files", "Copy 80 files", "Copy 160 files"  # they stay so
WHY = "Failed: The disk has no room for file 100"
FAR = re.compile(r"Running: \d+ % · \d+ of \d+ files.*")
# How the name of a thing begins that has only that of its type.
TYPES = ("Gtk", "Ferry")
# How long a button is waited for that was pressed, in seconds.
PRESS_INTERVAL = 2
# What only holds others, and is not read out.
FRAMES = ("panel", "filler")
DESCRIBED, NAMED = "object:property-change:accessible-description", "object:property-change:accessible-name"
ANNOUNCED = "object:announcement"


def is_so(tree, key, description=None, value=None):
    thing = tree.get(key)
    return thing is not None and description in (None, thing.description) and value in (None, thing.value)


def check_names(report, screen):
    tree = screen.wait_until(lambda tree: all(("list item", "Task: Copy %d files" % n) in tree for n in (40, 80, 120, 160)))
    for key in [("frame", "Tasks"), ("list", "Tasks"), ("button", "New Task")]:
        report.fact("%s “%s” is in the tree" % key, key in tree, sorted(map(str, tree)))
    report.none("nothing that is heard of has the name of its type only",
                [key for key in tree if key[1].startswith(TYPES) and key[0] not in FRAMES])
    application = screens.find_application(screen.atspi, screen.pid)
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
                 buttons, {verb + ": " + FAILED: True for verb in ("Details", "Run again", "Remove")})


def act(screen, tree, label, name):
    """What a person has a screen reader do with a button that is in the tree."""
    from gi.repository import GLib
    try:
        screen.atspi.Action.do_action(tree["button", "%s: %s" % (label, name)].accessible, 0)
    except GLib.Error:  # the task has ended meanwhile
        pass


def act_until(screen, label, name, holds):
    """Presses a button until a condition holds of the tree, and returns that. The buttons of what has just ended do nothing
    for a moment."""
    pressed = 0.0

    def is_done(tree):
        nonlocal pressed
        if holds(tree):
            return True
        if ("button", "%s: %s" % (label, name)) in tree and time.monotonic() > pressed + PRESS_INTERVAL:
            pressed = time.monotonic()
            act(screen, tree, label, name)
        return False

    return screen.wait_until(is_done)


def press(report, screen, verb, name, words):
    """GTK has had a function to have words read out since 4.14. Before, the words become the name of a status line, which
    the next words take: it is seen, or its change is heard of."""
    event = ANNOUNCED if hasattr(ctypes.CDLL("libgtk-4.so.1"), "gtk_accessible_announce") else NAMED

    def is_said(tree):
        return screen.was_told(event, None, words) or event == NAMED and ("status bar", words) in tree

    screen.told.clear()
    tree = act_until(screen, verb, name, is_said)
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
    find_focus = lambda tree: [key for key, thing in tree.items() if key[0] == "list item" and "focused" in thing.states]
    focused = find_focus(screen.wait_until(find_focus))
    report.equal("the task in its place has the focus", focused, [("list item", "Task: " + NEXT)])


def pause_one(screen):
    """Pauses a task, of which each takes a second or two. Returns its name. The one that fails is for the dialog."""
    pressed = 0.0

    def find(tree):
        nonlocal pressed
        names = [name.split(": ", 1) for role, name in tree if role == "button" and ": " in name and FAILED not in name]
        for label, name in names:
            if label == "Resume":
                return name
        # What was pressed a moment ago may not be in the tree yet, and twice is not at all.
        if time.monotonic() < pressed + PRESS_INTERVAL:
            return None
        pressed = time.monotonic()
        for label, name in names:
            if label == "Pause":
                act(screen, tree, label, name)
                return None
        pressed = 0.0
        # Those in sight first: what fails stays, and a new one behind twelve of them is in no tree.
        again = [name for label, name in names if label == "Run again"]
        for name in again:
            act(screen, tree, "Run again", name)
        if not again and ("button", "New Task") in tree:
            screen.atspi.Action.do_action(tree["button", "New Task"].accessible, 0)
        return None

    return find(screen.wait_until(find))


def check_pause(report, screen):
    name = pause_one(screen)
    row = ("list item", "Task: %s" % name)
    tree = screen.wait_until(lambda tree: row in tree and tree[row].description.startswith("Paused"))
    report.fact("the action of Pause pauses a task, whose row says so",
                row in tree and tree[row].description.startswith("Paused"), [name, tree.get(row)])
    tree = act_until(screen, "Resume", name, lambda tree: row in tree and not tree[row].description.startswith("Paused"))
    report.fact("that of Resume lets it go on", row in tree and ("button", "Resume: %s" % name) not in tree,
                [name, tree.get(row)])
    name = pause_one(screen)
    row = ("list item", "Task: %s" % name)
    tree = act_until(screen, "Cancel", name, lambda tree: row in tree and tree[row].description.startswith("Cancelled"))
    report.fact("that of Cancel cancels one", row in tree and tree[row].description.startswith("Cancelled"),
                [name, tree.get(row)])


def check_dialog(report, screen):
    dialog = ("dialog", FAILED)
    tree = act_until(screen, "Details", FAILED,
                     lambda tree: any(role == "button" and name.endswith("Copy") for role, name in tree))
    report.fact("the window of an error is a dialog", dialog in tree, sorted(map(str, tree)))
    report.fact("its button has its name once", ("button", "Copy") in tree, sorted(map(str, tree)))


def check(report):
    from gi.repository import Atspi
    program = subprocess.Popen(["./list"], cwd=sys.argv[1], stdin=subprocess.DEVNULL)
    try:
        screen = screens.Screen(Atspi, program.pid, DESCRIBED, NAMED, ANNOUNCED)
        check_names(report, screen)
        check_bar(report, screen)
        check_task(report, screen, DONE, "Done: 40 files")
        check_task(report, screen, FAILED, WHY)
        check_states(report, screen)
        check_changes(report, screen)
        check_removal(report, screen)
        check_pause(report, screen)
        check_dialog(report, screen)
    finally:
        program.terminate()
        program.wait()


def body(report):
    reason = screens.missing()
    if reason is not None:
        report.skip("a list of tasks over AT-SPI", reason)
    else:
        check(report)


if screens.missing() is None and screens.ON_A_BUS not in os.environ:
    sys.exit(screens.run_on_a_bus())
tap.main(body)
