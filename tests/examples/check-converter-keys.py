#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The converter is used without a mouse, and with a screen reader: check-converter-keys.py FOLDER-OF-EXAMPLES

There is no window manager, so no window has the focus again once another one is closed: the program is started anew then.
"""

import os
import subprocess
import sys
import tempfile
import time

import scenes
import screens
import tap

OPEN, MENU = ("button", "Open…"), ("button", "Main Menu")
SLOW = ("list item", "Task: slow.png")
PASSWORD = ("password text", "Password for “Letters.7z”:")


class Person:
    """Presses a key when the last one has done what it should."""

    def __init__(self, screen, program):
        self.screen, self.program = screen, program

    def wait(self, name, holds):
        """Of the tree."""
        tree = self.screen.wait_until(holds)
        if not holds(tree):
            raise AssertionError("%s: there is %r, and %r has the focus" % (name, sorted(tree), self.screen.focus()))
        return tree

    def wait_focus(self, name, holds):
        end = time.monotonic() + screens.SOME_SECONDS
        focus = self.screen.focus()
        while not (focus and holds(focus)):
            if time.monotonic() > end or self.program.poll() is not None:
                raise AssertionError("%s: %r has the focus" % (name, focus))
            focus = self.screen.focus()
        return focus

    def press(self, key):
        self.screen.press(key)

    def move(self, key="Tab"):
        """To what has the focus next."""
        before = self.screen.focus()
        self.press(key)
        return self.wait_focus(key, lambda focus: focus != before)

    def move_to(self, wanted):
        walked = [self.screen.focus()]
        while walked[-1] != wanted:
            if len(walked) > 20:
                raise AssertionError("Tab does not come to %r, but to %r" % (wanted, walked))
            walked.append(self.move())


def is_so(tree, key, description):
    return key in tree and tree[key].description == description


def runs(tree):
    """The row with the focus says how far it is as well, and nothing is heard of this one."""
    return SLOW in tree and tree[SLOW].description.split(":")[0] in ("Running", "Not responding")


def nameless(person, window):
    """What takes the focus in a window, and what only scrolls. GTK's own windows, which stay when they are closed, are not ours."""
    tree = screens.tree_of(person.screen.atspi, person.screen.look()[window].accessible)
    return [key for key, thing in tree.items() if "focusable" in thing.states and key[0] != "scroll pane"
            and (not key[1] or key[1].startswith("Gtk"))]


def check_start(report, person):
    person.wait_focus("a button", lambda focus: focus == OPEN)
    walked = [person.move() for _ in range(2)]
    report.equal("Tab goes through all buttons of the empty window", walked, [MENU, OPEN])
    person.press("F10")
    item = person.wait_focus("F10", lambda focus: focus[0] == "menu item")
    is_old = bool(item[1])  # GTK 4.18 tells no names of a menu's items
    if is_old:
        report.equal("F10 opens the menu", item, ("menu item", "Pack Folder…"))
        report.equal("the next item has the keys", person.move("Down"), ("menu item", "Keyboard Shortcuts"))
    else:
        report.skip("the names of a menu's items", "This GTK tells none")
        person.press("Down")
    person.press("Return")
    person.wait("shortcuts", lambda tree: ("label", "Pause or Resume") in tree)
    report.fact("F10 opens the menu, which has the keys", True)
    person.press("Escape")
    person.wait("Escape", lambda tree: ("label", "Pause or Resume") not in tree)
    if is_old:  # a later one leaves it to a window manager
        person.wait_focus("the window again", lambda focus: focus == MENU)
    report.none("what takes the focus has a name", nameless(person, ("frame", "Converter")))


def check_row(report, person):
    person.wait("a row", lambda tree: runs(tree) and ("button", "Pause: slow.png") in tree)
    person.move_to(SLOW)
    report.equal("Tab goes from a row to its first button", person.move(), ("button", "Pause: slow.png"))
    person.press("space")
    person.wait("pause", lambda tree: is_so(tree, SLOW, "Paused") and ("button", "Resume: slow.png") in tree)
    person.press("space")
    person.wait("resume", lambda tree: runs(tree) and ("button", "Pause: slow.png") in tree)
    report.fact("Space pauses it, and lets it go on", True)
    report.equal("Tab goes to the next button", person.move(), ("button", "Cancel: slow.png"))
    person.press("Return")
    person.wait("cancel", lambda tree: is_so(tree, SLOW, "Cancelled"))
    report.fact("Enter cancels it", True)
    person.move_to(SLOW)
    person.press("Delete")
    person.wait("remove", lambda tree: SLOW not in tree)
    person.press("Control+z")
    person.wait("undo", lambda tree: SLOW in tree)
    report.fact("Delete removes its row, and Control+Z puts it back", True)


def check_password(report, person, folder, packer):
    person.wait_focus("the question", lambda focus: focus == PASSWORD)
    report.none("what takes the focus in a dialog has a name", nameless(person, ("dialog", "Password")))
    person.screen.type("sesame")
    tree = person.wait("a password", lambda tree: "sensitive" in tree[("button", "Pack")].states)
    report.fact("the dialog has its buttons", ("button", "Cancel") in tree, sorted(tree))
    person.press("Return")
    # GTK 4.8 has no tree for a screen reader once a dialog has gone.
    while not os.path.exists(folder + ".7z"):
        assert person.program.poll() is None
    report.fact("a folder is packed with a password that is typed", scenes.opens(packer, folder + ".7z", "sesame"))


def check_end(report, person):
    person.press("Control+r")
    person.wait("it runs", runs)
    report.fact("Control+R runs it again", True)
    person.press("Control+q")
    person.wait_focus("the question", lambda focus: focus[0] == "button" and focus[1].startswith("Keep"))
    person.move_to(("button", "Quit"))
    person.press("Return")
    report.equal("Control+Q asks while it works, and quits", person.program.wait(timeout=screens.SOME_SECONDS), 0)


def use(folder, programs, play, *arguments):
    from gi.repository import Atspi
    program = subprocess.Popen(["./converter", *arguments], cwd=sys.argv[1], stdin=subprocess.DEVNULL,
                               env=dict(os.environ, XDG_CACHE_HOME=folder, XDG_STATE_HOME=tempfile.mkdtemp(dir=folder), PATH=programs + ":" + os.environ["PATH"]))
    try:
        play(Person(screens.Screen(Atspi, program.pid), program))
    finally:
        program.kill()
        program.wait()


def check(report, folder):
    programs, slow, letters = (os.path.join(folder, name) for name in ("programs", "slow.png", "Letters"))
    packer = scenes.write_stand_ins(programs)
    scenes.write_png(slow, 8, (255, 0, 0))
    os.mkdir(letters)
    with open(os.path.join(letters, "letter"), "w", encoding="utf-8") as file:
        file.write("Dear reader\n")

    def pack(person):
        check_password(report, person, letters, packer)

    def shrink(person):
        person.wait_focus("a button", lambda focus: focus == OPEN)
        check_row(report, person)
        check_end(report, person)

    use(folder, programs, lambda person: check_start(report, person))
    use(folder, programs, pack, letters)
    use(folder, programs, shrink, slow)


def body(report):
    reason = screens.missing()
    if reason is not None:
        report.skip("the converter without a mouse", reason)
        return
    with tempfile.TemporaryDirectory() as folder:
        check(report, folder)


if screens.missing() is None and screens.ON_A_BUS not in os.environ:
    sys.exit(screens.run_on_a_bus())
tap.main(body)
