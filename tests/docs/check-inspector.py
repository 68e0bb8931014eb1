#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program in Python that has GTK, and none of Ferry's widgets, has a page of Ferry in GTK's inspector:
check-inspector.py API-VERSION WORKER

Skipped where Python has no bindings (PyGObject), or GTK has no introspection data, or there is no display.
"""

import os
import sys

import tap

try:
    import gi
    from gi.repository import GLib
    gi.require_version("Gdk", "4.0")
    gi.require_version("Gtk", "4.0")
    from gi.repository import Gdk, Gtk
except (ImportError, ValueError):
    gi = None

# How often a second the page is looked at.
LOOKS = 50


def descendants(widget):
    yield widget
    child = widget.get_first_child()
    while child is not None:
        yield from descendants(child)
        child = child.get_next_sibling()


def find(name):
    """The first widget of a type by its name, of all windows."""
    return next((widget for window in Gtk.Window.get_toplevels() for widget in descendants(window)
                 if type(widget).__gtype__.name == name), None)


def words_of(widget):
    return [cell.get_text() for cell in descendants(widget)
            if isinstance(cell, Gtk.Inscription) and cell.get_mapped() and cell.get_text()]


def wait_for_words(wanted):
    """The words of the page once these are among them."""
    loop = GLib.MainLoop()
    words = []

    def look():
        page = find("FerryInspectorPage")
        if page is None:
            return True
        page.get_ancestor(Gtk.Stack).set_visible_child(page)
        words[:] = words_of(page)
        if wanted not in words:
            return True
        loop.quit()
        return False

    GLib.timeout_add(1000 // LOOKS, look)
    loop.run()
    return words


def body(report):
    if gi is None or Gdk.Display.get_default() is None:
        report.skip("the page", "there are no bindings, or no display")
        return
    api_version, worker = sys.argv[1:]
    gi.require_version("Ferry", api_version)
    from gi.repository import Ferry
    os.environ.setdefault("GTK_A11Y", "none")
    executor = Ferry.Executor.new_for_program(worker)
    task = executor.submit("sleep-until-cancelled", None)
    Gtk.Window.set_interactive_debugging(True)
    words = wait_for_words("Busy")
    report.fact("the page shows the worker of a program in Python", "serving-worker" in " ".join(words), words)
    text = Ferry.describe_application()
    report.fact("the text says what it runs", "runs sleep-until-cancelled" in text, text.splitlines())
    task.cancel()
    executor.stop()
    Ferry.Router.get_default().stop()


tap.main(body)
