# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: 0BSD
"""A group: close a window, and its tasks are cancelled.
Each click opens a window with three tasks. Their group is bound to the window, which is all that it takes.
The first window counts the tasks that run; it knows of no other window.
"""

import time

import gi

gi.require_version("Gtk", "4.0")
from gi.repository import Gtk

import ferry.gtk

MARGINS = dict.fromkeys(("margin_top", "margin_bottom", "margin_start", "margin_end"), 24)


def search(place):
    for _ in ferry.track(range(5000)):
        time.sleep(0.02)  # the work


def open_search(_button, executor):
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12, **MARGINS)
    box.append(Gtk.Label(label="Close this window to cancel its search.", wrap=True))
    window = Gtk.Window(title="Search", titlebar=Gtk.HeaderBar(), child=box, default_width=360)
    group = ferry.gtk.TaskGroup(window)
    for place in ("Documents", "Music", "Pictures"):
        group.add(task := executor.submit(search, place))
        bar = Gtk.ProgressBar(show_text=True, text=place)
        bar.update_property([Gtk.AccessibleProperty.LABEL], [place])
        task.bind_property("fraction", bar, "fraction")
        box.append(bar)
    window.present()


def count(executor, _property, label):
    numbers = executor.get_properties("n-executing", "n-waiting", "n-cancelled")
    label.set_text("%d run, %d wait, %d were cancelled" % numbers)


def activate(application):
    executor = application.executor = ferry.Executor()
    label, button = Gtk.Label(label="No tasks"), Gtk.Button(label="New Search")
    executor.ferry_executor.connect("notify", count, label)
    button.connect("clicked", open_search, executor)
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12, **MARGINS)
    for widget in (Gtk.Label(label="Close a search, and its tasks are cancelled."), label, button):
        box.append(widget)
    Gtk.ApplicationWindow(application=application, title="Group", titlebar=Gtk.HeaderBar(), child=box,
                          default_width=360).present()


if __name__ == "__main__":
    application = Gtk.Application(application_id="org.example.Group")
    application.connect("activate", activate)
    application.run()
