# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: 0BSD
"""A window with a list of tasks, their progress and Cancel: task-list.py FILE...
Each row says how far its task is, and what came of it. A button in the header has all of them once more.
If you close the window while tasks run, it asks.
"""

import hashlib
import os
import sys

import gi

gi.require_version("Gtk", "4.0")
from gi.repository import Gtk

import ferry
import ferry.gtk

BLOCK = 1 << 16


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for _ in ferry.track(range(os.path.getsize(path) // BLOCK + 1)):
            digest.update(file.read(BLOCK))
    return digest.hexdigest()


def show_end(task):
    if task.exception() is None:
        ferry.gtk.set_outcome(task, task.result())


def activate(application):
    executor = application.executor = ferry.Executor()
    header = Gtk.HeaderBar()
    header.pack_end(ferry.gtk.TaskButton(executor))
    window = Gtk.ApplicationWindow(application=application, title="SHA-256", default_width=480, default_height=360,
                                   titlebar=header, child=ferry.gtk.TaskList(executor))
    window.props.child.props.placeholder = Gtk.Label(label="Name files: task-list.py FILE...")
    application.guard = ferry.gtk.TaskGuard(executor, window)
    for path in sys.argv[1:]:
        executor.submit_named(os.path.basename(path), sha256, path).connect("done", show_end)
    window.present()


if __name__ == "__main__":
    application = Gtk.Application(application_id="org.example.Checksums")
    application.connect("activate", activate)
    application.run()
