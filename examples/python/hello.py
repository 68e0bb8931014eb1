# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: 0BSD
"""Hello: one task in a worker process, with its progress and a way to cancel it, in a window.
The function is in hello_worker.py. Its progress comes as a property of the task, and the bar is bound to that.
The window stays in motion however busy the worker is, and a worker that crashed would cost nothing but the task.
"""

import gi

gi.require_version("Gtk", "4.0")
from gi.repository import Gtk

import ferry
import hello_worker


def show(application, task):
    bar, cancel, header = Gtk.ProgressBar(), Gtk.Button(label="Cancel"), Gtk.HeaderBar()
    header.pack_start(cancel)
    window = Gtk.ApplicationWindow(application=application, title="Pi", titlebar=header, child=bar)
    task.bind_property("fraction", bar, "fraction")
    task.connect("done", lambda _: application.quit())
    cancel.connect("clicked", lambda _: task.cancel())
    bar.update_property([Gtk.AccessibleProperty.LABEL], ["Pi"])
    window.present()


if __name__ == "__main__":
    with ferry.Executor(modules=["hello_worker"]) as executor:
        task = executor.submit(hello_worker.compute_pi, 5_000_000)
        application = Gtk.Application()
        application.connect("activate", show, task)
        application.run()
        task.cancel()  # if it is not done
        try:
            print("Pi is %.6f." % task.result())
        except ferry.CancelledError as error:
            print(error)
