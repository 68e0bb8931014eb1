# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: 0BSD
"""A button in a header bar, as in a file manager: a ring shows how far all tasks are, and their list is behind it.
The window itself is free for what the application is about. The button is there while there are tasks.
Its tooltip says how many tasks run and wait, and so does a screen reader.
"""

import time

import gi

gi.require_version("Gtk", "4.0")
from gi.repository import Gtk

import ferry
import ferry.gtk

MARGINS = dict.fromkeys(("top_margin", "bottom_margin", "left_margin", "right_margin"), 24)


def export(words):
    for _ in ferry.track(words, unit="letters"):
        time.sleep(0.05)  # the work


def submit(_button, executor, view):
    executor.submit_named("Export", export, view.props.buffer.props.text)


def activate(application):
    executor = application.executor = ferry.Executor()
    executor.ferry_executor.props.keep_finished = 100
    header, button = Gtk.HeaderBar(), Gtk.Button(label="Export")
    view = Gtk.TextView(**MARGINS)
    header.pack_start(button)
    header.pack_end(ferry.gtk.TaskButton(executor))
    view.props.buffer.props.text = "Write something, and press Export."
    view.update_property([Gtk.AccessibleProperty.LABEL], ["Words"])
    button.connect("clicked", submit, executor, view)
    Gtk.ApplicationWindow(application=application, title="Words", titlebar=header, child=view, default_width=480,
                          default_height=320).present()


if __name__ == "__main__":
    application = Gtk.Application(application_id="org.example.Words")
    application.connect("activate", activate)
    application.run()
