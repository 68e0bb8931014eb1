# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: 0BSD
"""A window that searches files, and shows what it finds as it comes: search.py WORD FOLDER
The function yields each place in a worker, and the window takes them by `async for` in ferry.spawn().
Stop cancels the stream, which is a task; the loop then raises ferry.CancelledError.
"""

import os
import sys

import gi

gi.require_version("Gtk", "4.0")
from gi.repository import Gtk

import ferry


def find(word, folder):
    for directory, _folders, names in os.walk(folder):
        for name in names:
            with open(os.path.join(directory, name), errors="replace") as file:
                yield from ("%s:%d: %s" % (name, n, line.strip()) for n, line in enumerate(file, 1) if word in line)


async def show(stream, places, status):
    try:
        async for place in stream:
            places.append(place)
            status.set_text("%d found so far" % places.get_n_items())
        status.set_text("%d found" % places.get_n_items())
    except ferry.CancelledError:
        status.set_text("Stopped, %d found" % places.get_n_items())
    except OSError as error:
        status.set_text("%s: %s" % (error.filename, error.strerror))


def activate(application):
    executor = application.executor = ferry.Executor(workers=1)
    places, status = Gtk.StringList(), Gtk.Label(label="Name a word and a folder: search.py WORD FOLDER")
    factory, stop, header = Gtk.SignalListItemFactory(), Gtk.Button(label="Stop"), Gtk.HeaderBar(title_widget=status)
    factory.connect("setup", lambda _factory, item: item.set_child(Gtk.Label(xalign=0)))
    factory.connect("bind", lambda _factory, item: item.get_child().set_text(item.get_item().get_string()))
    header.pack_start(stop)
    view = Gtk.ListView(model=Gtk.NoSelection(model=places), factory=factory)
    Gtk.ApplicationWindow(application=application, title="Search", titlebar=header, default_width=640, default_height=480,
                          child=Gtk.ScrolledWindow(child=view)).present()
    if len(sys.argv) == 3:
        stream = executor.stream(find, *sys.argv[1:])
        stop.connect("clicked", lambda _button: stream.cancel())
        ferry.spawn(show(stream, places, status))


if __name__ == "__main__":
    application = Gtk.Application(application_id="org.example.Search")
    application.connect("activate", activate)
    application.run()
