# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: 0BSD
"""A conversation: the window asks as often as it likes, and a worker answers many questions at a time.
A mux asks and a demux answers, here over a pair of sockets of which one end goes to the worker.
Each question has a deadline, and the worker knows it. A hard one (1000000000039) does not hold up an easy one.
"""

import itertools

import gi

gi.require_version("Gtk", "4.0")
from gi.repository import Gtk

import ferry

MARGINS = dict.fromkeys(("margin_top", "margin_bottom", "margin_start", "margin_end"), 24)


def find_divisor(number):
    return next(divisor for divisor in itertools.count(2) if number % divisor == 0 or ferry.cancelled())


def answer(channel):
    ferry.DeMux(channel, 4, function=find_divisor).wait()


async def ask(mux, text, label):
    if not text.isdecimal() or int(text) < 2:
        return label.set_text("A whole number is wanted, of 2 or more.")
    try:
        label.set_text("%s: %d" % (text, await mux.ask(int(text))))
    except TimeoutError:
        label.set_text("%s: There was no answer in 3 seconds." % text)
    except Exception as error:
        label.set_text("%s: %s" % (text, error))


def activate_entry(entry, mux, box):
    label = Gtk.Label(label=entry.get_text(), wrap=True, xalign=0)
    box.append(label)
    ferry.spawn(ask(mux, entry.get_text(), label))
    entry.set_text("")


def activate(application):
    executor = application.executor = ferry.Executor(workers=1)
    here, there = ferry.ChannelPair()
    executor.submit(answer, there)
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12, **MARGINS)
    entry = Gtk.Entry(placeholder_text="A number")
    entry.connect("activate", activate_entry, ferry.Mux(here, timeout=3), box)
    box.append(Gtk.Label(label="Enter a number, and the worker looks for its smallest divisor. Try 1000000000039, and "
                         "91 while you wait.", wrap=True, xalign=0))
    box.append(entry)
    Gtk.ApplicationWindow(application=application, title="Smallest Divisor", titlebar=Gtk.HeaderBar(), child=box,
                          default_width=400).present()


if __name__ == "__main__":
    application = Gtk.Application(application_id="org.example.Divisor")
    application.connect("activate", activate)
    application.run()
