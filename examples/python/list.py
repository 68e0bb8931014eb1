# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: 0BSD
"""A list of tasks: each has a bar, says what it does and how long that takes, and has buttons for what makes sense.
The list shows an executor, which is a list model of its tasks. It makes rows for the tasks in sight only.
By keys: Control+BackSpace cancels, Control+R tries again, Control+Up runs next, Delete removes, Control+Z undoes.
"""

import itertools
import time

import gi

gi.require_version("Gtk", "4.0")
from gi.repository import Gtk

import ferry
import ferry.gtk


def copy(n_files):
    for n in ferry.track(range(1, n_files + 1), unit="files"):
        time.sleep(0.02)  # the work
        if n == 100:
            raise OSError("The disk has no room for file %d" % n)


def add(_button, executor, numbers):
    number = next(numbers)
    executor.submit_named("Copy %d files" % number, copy, number)


def activate(application):
    executor, numbers = ferry.Executor(), itertools.count(40, 40)
    button, header = Gtk.Button(label="New Task"), Gtk.HeaderBar()
    header.pack_start(button)
    button.connect("clicked", add, executor, numbers)
    for _ in range(4):
        add(button, executor, numbers)
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
    box.append(Gtk.Label(label="Each task has more files than the one before. Some fail.", wrap=True, margin_top=12,
                         margin_bottom=12))
    box.append(ferry.gtk.TaskList(executor))
    box.get_last_child().props.vexpand = True
    Gtk.ApplicationWindow(application=application, title="Tasks", titlebar=header, child=box, default_width=480,
                          default_height=480).present()


if __name__ == "__main__":
    application = Gtk.Application(application_id="org.example.Tasks")
    application.connect("activate", activate)
    application.run()
