# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: 0BSD
"""Pictures without copies: a worker paints into memory that the window shows.
The window shows what arrives as it is. The worker gets its memory back when the next picture is shown.
The launcher trusts the worker. Without that, Ferry makes a copy first, since a worker could go on painting.
"""

import itertools
import sys
import time

import gi

gi.require_versions({"Ferry": "1", "FerryGtk": "1", "Gtk": "4.0"})
from gi.repository import Ferry, FerryGtk, GLib, Gtk

SIDE = 400
MARGINS = dict.fromkeys(("margin_top", "margin_bottom", "margin_start", "margin_end"), 24)


def paint(sender):
    rings = bytes((x * x + y * y) // 64 % 256 for y in range(-SIDE // 2, SIDE // 2) for x in range(-SIDE // 2, SIDE // 2))
    for frame in itertools.count():
        buffer = sender.create_buffer(4 * SIDE * SIDE)  # it waits for room
        shades = [(shade - 4 * frame) % 256 for shade in range(256)]
        colours = [255 - shade for shade in shades], [128 + shade // 4 for shade in shades], shades, [255] * 256
        memory = buffer.memory
        for i, colour in enumerate(colours):
            memory[i::4] = rings.translate(bytes(colour))
        sender.send_buffer(GLib.Variant("(uu)", (SIDE, SIDE)), buffer)
        time.sleep(1 / 60)


def activate(application):
    router = application.router = Ferry.Router.get_default()
    router.start()
    launcher = Ferry.Launcher([sys.executable, __file__, "paint"], trusted=True)
    _, sender, receiver = router.pipe(Ferry.PipeFlags.QUEUED)
    launcher.add_sender("pictures", sender)
    application.worker = launcher.spawn(router)
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12, **MARGINS)
    box.append(Gtk.Label(label="A worker paints, 60 times a second."))
    box.append(FerryGtk.RemotePicture(receiver=receiver, alternative_text="Rings that a worker paints",
                                      width_request=SIDE, height_request=SIDE))
    Gtk.ApplicationWindow(application=application, title="Pictures", titlebar=Gtk.HeaderBar(), child=box).present()


if __name__ == "__main__":
    if sys.argv[1:] == ["paint"]:
        with Ferry.Worker.get_sender("pictures") as sender:
            paint(sender)
    application = Gtk.Application(application_id="org.example.Pictures")
    application.connect("activate", activate)
    application.run()
