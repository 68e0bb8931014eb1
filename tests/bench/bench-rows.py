#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Frames of a window while 10,000 rows of its list are worked for: bench-rows.py [--quick]

Each row is a millisecond of work, and says what came of it. The list follows the work, and something is drawn in each frame.
There are three ways, two workers each:

ferry         the rows are the executor's own: it is the list's model, and a row follows the signals of its task
process-pool  futures of a ProcessPoolExecutor, whose callbacks hand their results to GLib.idle_add()
idle          no workers: GLib.idle_add() has the main thread do a row at a time

submit is how long the main thread takes to submit all, total the time to the last result. frames/KIND are of the time
between, from the end of a frame to that of the next. Nothing is drawn during the submission, so that is in the first one.
"""

import concurrent.futures
import functools
import os
import statistics
import sys
import time

import gi

gi.require_version("Gdk", "4.0")
gi.require_version("Gtk", "4.0")
from gi.repository import Gdk, Gio, GLib, GObject, Gtk
from row_functions import work

import ferry

WORKERS = 2
QUICK = "--quick" in sys.argv[1:]
COUNT, ROUNDS = (1000, 1) if QUICK else (10000, 3)


class Row(GObject.Object):
    """What shows a future, or what the main thread has worked for."""

    text = GObject.Property(type=str, default="waiting")


def show_row(row):
    return row.text


def show_task(task):
    return str(task.result()) if task.get_done() else task.get_state().value_nick


class Window:
    """A list of rows that change, and the times of the frames."""

    def __init__(self, model, detail, show):
        self._bound = {}
        self._detail, self._show = detail, show
        factory = Gtk.SignalListItemFactory()
        factory.connect("setup", lambda _, item: item.set_child(Gtk.Label(xalign=0)))
        factory.connect("bind", self._bind)
        factory.connect("unbind", self._unbind)
        columns = Gtk.ColumnView(model=Gtk.NoSelection(model=model), vexpand=True)
        columns.append_column(Gtk.ColumnViewColumn(title="Result", factory=factory, expand=True))
        self._scrolled = Gtk.ScrolledWindow(child=columns)
        self._bar = Gtk.ProgressBar()
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
        box.append(self._bar)
        box.append(self._scrolled)
        self.window = Gtk.Window(child=box, default_width=320, default_height=400)
        self.window.present()
        while not self.window.get_mapped():
            GLib.MainContext.default().iteration(True)
        self.n_done = 0
        self.frames = []
        self._bar.add_tick_callback(self._follow)
        self.window.get_frame_clock().connect("after-paint", lambda _: self.frames.append(time.perf_counter()))

    def _bind(self, _factory, item):
        row, label = item.get_item(), item.get_child()
        self._bound[item] = row, row.connect("notify::" + self._detail, lambda row, _: label.set_label(self._show(row)))
        label.set_label(self._show(row))

    def _unbind(self, _factory, item):
        row, handler = self._bound.pop(item)
        row.disconnect(handler)

    def _follow(self, _bar, _clock):
        part = self.n_done / COUNT
        self._bar.set_fraction(part)
        adjustment = self._scrolled.get_vadjustment()
        adjustment.set_value(part * (adjustment.get_upper() - adjustment.get_page_size()))
        self._bar.queue_draw()
        return True

    def run(self, submit):
        """Seconds that the submission takes, and that all takes, and those between frames."""
        context = GLib.MainContext.default()
        last = time.perf_counter() + 0.5
        while time.perf_counter() < last:
            context.iteration(True)
        self.frames = [begun := time.perf_counter()]
        submit(self)
        submitted = time.perf_counter() - begun
        while self.n_done < COUNT:
            context.iteration(True)
        ended = time.perf_counter()
        between = [after - before for before, after in zip(self.frames, [*self.frames[1:], ended])]
        return submitted, ended - begun, between

    def close(self):
        self.window.destroy()


# ---- the ways ----


def note_done(window, *_):
    window.n_done += 1


def run_ferry():
    executor = ferry.Executor(WORKERS, context=GLib.MainContext.default())
    executor.submit(work, 0)
    model = executor.ferry_executor
    model.props.keep_finished = COUNT + 1

    def submit(window):
        for number in range(COUNT):
            executor.submit(work, number).connect("done", functools.partial(note_done, window))

    window = Window(model, "state", show_task)
    figures = window.run(submit)
    results = [model.get_item(place).result() for place in range(model.get_n_items())]
    assert sorted(results) == [0, *range(COUNT)]
    executor.shutdown()
    return figures, window


def run_process_pool():
    executor = concurrent.futures.ProcessPoolExecutor(WORKERS)
    executor.submit(work, 0).result()
    model = Gio.ListStore(item_type=Row)

    def set_row(window, row, future):
        row.text = str(future.result())
        note_done(window)

    def submit(window):
        for number in range(COUNT):
            row = Row()
            model.append(row)
            executor.submit(work, number).add_done_callback(
                functools.partial(lambda row, future: GLib.idle_add(set_row, window, row, future) and None, row))

    window = Window(model, "text", show_row)
    figures = window.run(submit)
    assert [row.text for row in model] == [str(number) for number in range(COUNT)]
    executor.shutdown()
    return figures, window


def run_idle():
    model = Gio.ListStore(item_type=Row)

    def step(window):
        model[window.n_done].text = str(work(window.n_done))
        note_done(window)
        return window.n_done < COUNT

    def submit(window):
        for _ in range(COUNT):
            model.append(Row())
        GLib.idle_add(step, window)

    window = Window(model, "text", show_row)
    figures = window.run(submit)
    assert [row.text for row in model] == [str(number) for number in range(COUNT)]
    return figures, window


WAYS = {"ferry": run_ferry, "process-pool": run_process_pool, "idle": run_idle}


def print_figure(name, value, unit):
    print("%s %.6g %s" % (name, value, unit), flush=True)


def measure(run):
    figures, window = run()
    window.close()
    submitted, total, between = figures
    between.sort()
    return {"submit": submitted * 1000, "total": total * 1000, "frames": len(between) / total,
            "frames/p99": between[len(between) * 99 // 100] * 1000, "frames/longest": between[-1] * 1000,
            "frames/second-longest": between[-2] * 1000}


def main():
    if Gdk.Display.get_default() is None:
        print("# rows skipped: there is no display")
        return
    rounds = [{name: measure(run) for name, run in WAYS.items()} for _ in range(ROUNDS)]
    for name in WAYS:
        for kind in rounds[0][name]:
            print_figure("rows/%s/%s" % (kind, name), statistics.median(found[name][kind] for found in rounds),
                         "frames/s" if kind == "frames" else "ms")


if __name__ == "__main__":
    os.environ.setdefault("GSK_RENDERER", "cairo")
    main()
