# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a screen reader is given of a program over AT-SPI, and keys as a keyboard sends them.

A script that uses this starts itself once more, by run_on_a_bus(), on a display and a session bus of its own. On the bus,
AT-SPI's services are started by themselves. On the display there is no window but those of the program: where another
program opened one, that would have the focus of the keyboard, and keep it for good, since no window manager gives it back.
"""

import collections
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time

# Only ends a hang.
SOME_SECONDS = 600
BUS_SERVICE = "/usr/share/dbus-1/services/org.a11y.Bus.service"
ON_A_BUS = "FERRY_TEST_ON_A_BUS"
# Of a bus that starts the services of one folder. A desktop's portals would mount a file system below XDG_RUNTIME_DIR.
BUS = """<busconfig>
  <type>session</type>
  <listen>unix:tmpdir={folder}</listen>
  <servicedir>{folder}/services</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
# Names of roles in older versions of AT-SPI, and those of today. GTK 4.18 has one of its own for a menu's button.
ROLES = {"push button": "button", "toggle button": "button"}
# Of a keyboard of PCs, as each X server has it.
MODIFIERS = {"Control": 37, "Shift": 50, "Alt": 64}
KEYS = {"Escape": 9, "BackSpace": 22, "Tab": 23, "q": 24, "r": 27, "o": 32, "Return": 36, "z": 52, "space": 65, "F10": 76, "Down": 116,
        "Delete": 119}

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


def write_bus(folder):
    """Returns the path of its configuration."""
    os.mkdir(os.path.join(folder, "services"))
    shutil.copy(BUS_SERVICE, os.path.join(folder, "services"))
    with open(os.path.join(folder, "bus.conf"), "w", encoding="utf-8") as file:
        file.write(BUS.replace("{folder}", folder))
    return file.name


def run_on_a_bus():
    with display() as name, tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ, DISPLAY=name, XDG_RUNTIME_DIR=folder, GSETTINGS_BACKEND="memory", GDK_BACKEND="x11",
                           **{ON_A_BUS: "1"})
        environment.pop("GTK_A11Y", None)
        environment.pop("G_DEBUG", None)  # the services of AT-SPI warn
        # What the services of the bus say is no report of the test.
        report = os.dup(1)
        command = ["dbus-run-session", "--config-file=" + write_bus(folder), "--", "sh", "-c", 'exec "$@" >&%d' % report, "sh", sys.executable, *sys.argv]
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


def find_focus(accessible):
    """Role and name of what has the focus of the keyboard, or None."""
    role = accessible.get_role_name()
    if "focused" in {state.value_nick for state in accessible.get_state_set().get_states()}:
        return ROLES.get(role, role), accessible.get_name()
    children = (accessible.get_child_at_index(index) for index in range(accessible.get_child_count()))
    return next(filter(None, (find_focus(child) for child in children if child is not None)), None)


class Screen:
    """What a screen reader has: the tree of an application, and what that tells without being asked."""

    def __init__(self, atspi, pid, *events):
        self.atspi, self.pid = atspi, pid
        self.told = []  # (event, source, words)
        self.listener = atspi.EventListener.new(self.hear)
        for event in events:
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

    def focus(self):
        from gi.repository import GLib
        try:
            application = find_application(self.atspi, self.pid)
            return find_focus(application) if application is not None else None
        except GLib.Error:
            return None

    def wait_until(self, holds):
        """Looks until a condition holds of the tree, and returns the tree."""
        end = time.monotonic() + SOME_SECONDS
        tree = self.look()
        while not holds(tree) and time.monotonic() < end:
            tree = self.look()
        return tree

    def was_told(self, event, source, words):
        return any(kind.startswith(event) and source in (None, name) and said == words for kind, name, said in self.told)

    def press(self, key):
        """A key such as "Tab" or "Control+Shift+o"."""
        *modifiers, key = key.split("+")
        kinds = self.atspi.KeySynthType
        for modifier in modifiers:
            self.atspi.generate_keyboard_event(MODIFIERS[modifier], None, kinds.PRESS)
        self.atspi.generate_keyboard_event(KEYS[key], None, kinds.PRESSRELEASE)
        for modifier in reversed(modifiers):
            self.atspi.generate_keyboard_event(MODIFIERS[modifier], None, kinds.RELEASE)

    def type(self, words):
        self.atspi.generate_keyboard_event(0, words, self.atspi.KeySynthType.STRING)
