#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A viewer of differences: viewer.py ferry|multiprocessing [--kill]

When its window is up it has a worker find what differs in 300 pairs of lines, one after the other, and highlights them as
they come: of Ferry the newest first, by priority, and with multiprocessing by two queues and an idle source, as a program
does without Ferry. It prints the seconds from the window to the first highlight and to the last one, how many came, and how
many processes have made them. With --kill it kills the worker half-way.
"""

import difflib
import multiprocessing
import os
import queue
import signal
import sys
import time

import ferry

if __name__ == "__main__":
    # A worker, which imports this file, has no use for it.
    import gi

    gi.require_version("Gtk", "4.0")
    from gi.repository import GLib, Gtk

COUNT = 300


def make_lines(number):
    words = ["word%d" % (place * number % 97) for place in range(30)]
    return " ".join(words), " ".join(words[:10] + ["new"] + words[12:])


def match(first, second):
    return difflib.SequenceMatcher(None, first, second).get_opcodes(), os.getpid()


class FerryMatcher:
    def __init__(self):
        self.executor = ferry.Executor(workers=1)

    def begin(self):
        pass

    def match(self, number, lines, show):
        task = ferry.Task(match, *lines)
        # It may run twice.
        task.props.priority, task.props.retries = number, 3
        task.connect("done", lambda task: show(number, *task.result()))
        self.executor.submit(task)


def serve(tasks, results):
    while True:
        number, lines = tasks.get()
        results.put((number, match(*lines)))


class QueueMatcher:
    def __init__(self):
        self.tasks, self.results = multiprocessing.Queue(), multiprocessing.Queue(5)
        self.waiting = {}

    def begin(self):
        multiprocessing.Process(target=serve, args=(self.tasks, self.results), daemon=True).start()

    def match(self, number, lines, show):
        if not self.waiting:
            GLib.idle_add(self.look)
        self.waiting[number] = show
        self.tasks.put((number, lines))

    def look(self):
        try:
            number, found = self.results.get_nowait()
        except queue.Empty:
            return bool(self.waiting)
        self.waiting.pop(number)(number, *found)
        return bool(self.waiting)


class Viewer:
    def __init__(self, app, matcher, kills):
        self.app, self.matcher, self.kills = app, matcher, kills
        self.shown, self.workers = {}, set()
        self.begun = self.first = 0.0
        self.text = Gtk.TextView()
        self.window = Gtk.ApplicationWindow(application=app, child=self.text, default_width=600, default_height=400)
        self.window.connect("map", lambda _: GLib.idle_add(self.begin))
        self.window.present()

    def begin(self):
        self.begun = time.monotonic()
        self.matcher.begin()
        for number in range(COUNT):
            self.matcher.match(number, make_lines(number), self.show)

    def show(self, number, opcodes, worker):
        if not self.shown:
            self.first = time.monotonic() - self.begun
        self.shown[number] = opcodes
        self.workers.add(worker)
        buffer = self.text.get_buffer()
        buffer.insert(buffer.get_end_iter(), "%d: %s\n" % (number, opcodes[:1]))
        if self.kills and len(self.shown) == COUNT // 2 and worker > 1:
            os.kill(worker, signal.SIGKILL)
        if len(self.shown) == COUNT:
            right = all(found == match(*make_lines(one))[0] for one, found in self.shown.items())
            print(self.first, time.monotonic() - self.begun, len(self.shown) if right else -1, len(self.workers))
            self.window.close()


def main():
    way, *options = sys.argv[1:]
    app = Gtk.Application()
    app.connect("activate", lambda app: setattr(app, "viewer", Viewer(app, matcher, "--kill" in options)))
    matcher = FerryMatcher() if way == "ferry" else QueueMatcher()
    app.run([])


if __name__ == "__main__":
    main()
