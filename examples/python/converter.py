# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: 0BSD
"""Any program as a task: a window where you drop videos, and ffmpeg converts each of them beside its original.
The list has its progress, and Pause, Cancel and Run Again. What is cancelled, or fails, leaves no half of a file.
The list is in a file. Quit, or kill it: at the next start the rest is converted.
"""

import sys

import gi

gi.require_versions({"Gdk": "4.0", "Gtk": "4.0"})
from gi.repository import Gdk, Gio, Gtk

import ferry
import ferry.gtk


async def convert(queue, files):
    await queue  # is open
    for file in files:
        path = file.get_path() or file.get_uri()  # which is no file for ffmpeg to write to
        queue.run(["ffmpeg", "-nostdin", "-y", "-i", path, path + ".webm"], output_files=[path + ".webm"],
                  replace_output_files=True, name=file.get_basename())


def drop(_target, files, _x, _y, queue):
    ferry.spawn(convert(queue, files.get_files()))


def show_window(application, files=()):
    if application.props.active_window:
        application.props.active_window.present()
        return ferry.spawn(convert(application.props.active_window.queue, files))
    queue = ferry.Queue()
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
    box.append(Gtk.Label(label="Drop videos here. Each becomes a WebM file beside it.", wrap=True, margin_top=12,
                         margin_bottom=12))
    box.append(ferry.gtk.TaskBanner(queue))
    box.append(ferry.gtk.TaskList(queue))
    box.get_last_child().props.vexpand = True
    window = Gtk.ApplicationWindow(application=application, title="Converter", titlebar=Gtk.HeaderBar(), child=box,
                                   default_width=480, default_height=420)
    target = Gtk.DropTarget.new(Gdk.FileList, Gdk.DragAction.COPY)
    target.connect("drop", drop, queue)
    window.add_controller(target)
    window.queue = queue
    ferry.gtk.TaskGuard(queue, window)
    window.present()
    ferry.spawn(convert(queue, files))


if __name__ == "__main__":
    application = Gtk.Application(application_id="org.example.Converter", flags=Gio.ApplicationFlags.HANDLES_OPEN)
    application.connect("activate", show_window)
    application.connect("open", lambda application, files, _n, _hint: show_window(application, files))
    application.run(sys.argv)
