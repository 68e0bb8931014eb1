# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: 0BSD
"""Any program as a task: a window where you drop videos, and ffmpeg converts each of them beside its original.
The list has what ffmpeg says of its progress, and buttons for what makes sense: Pause, Cancel, Try Again, Remove.
What you cancel, or what fails, leaves nothing behind: no process, and no half of a file.
"""

import sys

import gi

gi.require_versions({"Gdk": "4.0", "Gtk": "4.0"})
from gi.repository import Gdk, Gio, Gtk

import ferry
import ferry.gtk


def convert(executor, file):
    path = file.get_path() or file.get_uri()  # which is no file for ffmpeg to write to
    task = executor.run(["ffmpeg", "-nostdin", "-y", "-i", path, path + ".webm"], output_files=[path + ".webm"],
                        replace_output_files=True)
    task.props.name = file.get_basename()


def drop(_target, files, _x, _y, executor):
    for file in files.get_files():
        convert(executor, file)


def show_window(application, files=()):
    executor = ferry.Executor().commands
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
    box.append(Gtk.Label(label="Drop videos here. Each becomes a WebM file beside it.", wrap=True, margin_top=12,
                         margin_bottom=12))
    box.append(ferry.gtk.TaskList(executor))
    box.get_last_child().props.vexpand = True
    window = Gtk.ApplicationWindow(application=application, title="Converter", titlebar=Gtk.HeaderBar(), child=box,
                                   default_width=480, default_height=420)
    target = Gtk.DropTarget.new(Gdk.FileList, Gdk.DragAction.COPY)
    target.connect("drop", drop, executor)
    window.add_controller(target)
    ferry.gtk.TaskGuard(executor, window)
    for file in files:
        convert(executor, file)
    window.present()


if __name__ == "__main__":
    application = Gtk.Application(application_id="org.example.Converter", flags=Gio.ApplicationFlags.HANDLES_OPEN)
    application.connect("activate", show_window)
    application.connect("open", lambda application, files, _n, _hint: show_window(application, files))
    application.run(sys.argv)
