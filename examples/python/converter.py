# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: 0BSD
"""Any program as a task: a window where videos are dropped, each of which ffmpeg converts beside its original.
The list has what ffmpeg says of its progress, and buttons for what makes sense: Pause, Cancel, Try Again, Remove.
What is cancelled, or fails, leaves nothing behind: no process, and no half of a file.
"""

import os
import sys

import gi

gi.require_versions({"Gdk": "4.0", "Gtk": "4.0"})
from gi.repository import Gdk, Gtk

import ferry
import ferry.gtk


def convert(executor, path):
    output = path + ".webm"
    task = executor.run(["ffmpeg", "-nostdin", "-y", "-i", path, output], output_files=[output],
                        replace_output_files=True)
    task.props.name = os.path.basename(path)


def drop(_target, files, _x, _y, executor):
    for file in files.get_files():
        convert(executor, file.get_path())


def activate(application):
    executor = ferry.Executor().commands
    window = Gtk.ApplicationWindow(application=application, title="Drop Videos Here", default_width=480,
                                   default_height=400, child=ferry.gtk.TaskList(executor))
    target = Gtk.DropTarget.new(Gdk.FileList, Gdk.DragAction.COPY)
    target.connect("drop", drop, executor)
    window.add_controller(target)
    ferry.gtk.TaskGuard(executor, window)
    for path in sys.argv[1:]:
        convert(executor, path)
    window.present()


if __name__ == "__main__":
    application = Gtk.Application()
    application.connect("activate", activate)
    application.run()
