# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What waits on the main loop of this thread. Importing it needs no bindings."""

LONG = 60 * 1000 * 1000


def until(condition):
    """Has the main loop run until the condition holds, and returns what it gave."""
    from gi.repository import GLib

    context = GLib.MainContext.default()
    timer = GLib.timeout_add(20, lambda: True)
    end = GLib.get_monotonic_time() + LONG
    while not condition():
        assert GLib.get_monotonic_time() < end, "it did not come"
        context.iteration(True)
    GLib.source_remove(timer)
    return condition()
