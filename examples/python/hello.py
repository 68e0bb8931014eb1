# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: 0BSD
"""Hello: one task in a worker process, with its progress and a way to cancel it, in a window.
The function is in hello_worker.py. The bar and the button follow the task, and the label says how it ended.
The window never waits for the worker, and a worker that crashes costs you its task and nothing else.
"""

import gi

gi.require_version("Gtk", "4.0")
from gi.repository import Gtk

import ferry
import ferry.gtk
import hello_worker

MARGINS = dict.fromkeys(("margin_top", "margin_bottom", "margin_start", "margin_end"), 24)


def done(task, label):
    try:
        label.set_label("Pi is %.6f." % task.result())
    except ferry.CancelledError:
        label.set_label("You cancelled it.")
    except Exception as error:
        label.set_label(str(error))


def activate(application):
    executor = application.executor = ferry.Executor(modules=["hello_worker"])
    task = executor.submit(hello_worker.compute_pi, 10_000_000)
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12, **MARGINS)
    label = Gtk.Label(label="A worker process computes pi.", wrap=True)
    bar, cancel = Gtk.ProgressBar(), Gtk.Button(label="Cancel")
    for widget in (label, bar, cancel):
        box.append(widget)
    bar.update_property([Gtk.AccessibleProperty.LABEL], ["Progress"])
    ferry.gtk.bind_progress(task, bar)
    task.bind_property("can-cancel", cancel, "sensitive")
    task.connect("done", done, label)
    cancel.connect("clicked", lambda _: task.cancel())
    Gtk.ApplicationWindow(application=application, title="Pi", titlebar=Gtk.HeaderBar(), child=box,
                          default_width=360).present()


if __name__ == "__main__":
    application = Gtk.Application(application_id="org.example.Pi")
    application.connect("activate", activate)
    application.run()
