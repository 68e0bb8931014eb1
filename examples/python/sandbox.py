# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: 0BSD
"""A sandbox: a worker that may do nothing else decodes a stranger's picture: sandbox.py PICTURE
The application reads the file, and sends its bytes. The worker can open no file, no socket and no program.
A second task tries to, and the window shows what the system says. Without a sandbox no worker starts.
"""

import sys

import gi

gi.require_versions({"Ferry": "1", "Gdk": "4.0", "Gtk": "4.0"})
from gi.repository import Ferry, Gdk, GdkPixbuf, Gio, GLib, Gtk

MARGINS = dict.fromkeys(("margin_top", "margin_bottom", "margin_start", "margin_end"), 24)


def decode(_job, data):
    stream = Gio.MemoryInputStream.new_from_bytes(data.get_data_as_bytes())
    pixbuf = GdkPixbuf.Pixbuf.new_from_stream_at_scale(stream, 320, 320, True).add_alpha(False, 0, 0, 0)
    return GLib.Variant("(uuay)", (pixbuf.get_width(), pixbuf.get_height(), pixbuf.get_pixels()))


def steal(_job, path):
    return GLib.Variant("s", GLib.file_get_contents(path.get_string())[1].decode())


def show(task, box):
    try:
        width, height, pixels = Ferry.from_variant(task.get_result())
        if 4 * width * height == len(pixels) > 0:  # the worker chose all of them
            texture = Gdk.MemoryTexture.new(width, height, Gdk.MemoryFormat.R8G8B8A8, GLib.Bytes(pixels), 4 * width)
            box.append(Gtk.Picture(paintable=texture, can_shrink=False, alternative_text="The picture"))
    except GLib.Error as error:
        box.append(Gtk.Label(label=error.message, wrap=True))


def show_window(application, files=()):
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12, **MARGINS)
    label = Gtk.Label(label="The worker shows this picture, and cannot read a file:", wrap=True)
    box.append(label)
    try:
        for file in files:
            data = bytes(file.load_bytes()[0].get_data())
            for name, argument in (("decode", data), ("steal", "/etc/passwd")):
                application.executor.submit(name, argument).connect("done", show, box)
        if not files:
            label.set_label("Name a picture: sandbox.py PICTURE")
    except GLib.Error as error:
        label.set_label(error.message)
    Gtk.ApplicationWindow(application=application, title="Sandbox", titlebar=Gtk.HeaderBar(), child=box,
                          default_width=400).present()


if __name__ == "__main__":
    Ferry.function_register("decode", "ay", "(uuay)", decode)
    Ferry.function_register("steal", "s", "s", steal)
    Ferry.Worker.main(sys.argv)
    Ferry.Router.get_default().start()
    launcher = Ferry.Launcher([sys.executable, __file__], sandbox=Ferry.Sandbox(system_paths=True))
    application = Gtk.Application(application_id="org.example.Sandbox", flags=Gio.ApplicationFlags.HANDLES_OPEN)
    application.executor = Ferry.Executor(Ferry.Pool(Ferry.Router.get_default(), launcher))
    application.connect("activate", show_window)
    application.connect("open", lambda application, files, _n, _hint: show_window(application, files[:1]))
    application.run(sys.argv)
