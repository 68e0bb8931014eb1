#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Python reaches the library for GTK through its introspection data: check-python-gtk.py API-VERSION WORKER

Skipped where Python has no bindings (PyGObject), or GTK has no introspection data. Widgets need a display.
"""

import os
import sys

import tap

try:
    import gi
    from gi.repository import GLib
    gi.require_version("Gdk", "4.0")
    gi.require_version("Gtk", "4.0")
    from gi.repository import Gdk, Gtk
except (ImportError, ValueError):
    gi = None


def run(task):
    loop = GLib.MainLoop()
    task.connect("done", lambda *_: loop.quit())
    loop.run()


def test_words(report, ferry_gtk):
    report.equal("numbers and times have words",
                 [ferry_gtk.format_count(216816), ferry_gtk.format_amount(2540000.0),
                  ferry_gtk.format_duration(61000000), ferry_gtk.format_time_left(24000000)],
                 ["216,816", "2.54 million", "1:01", "25 seconds left"])
    pace = ferry_gtk.Pace.new()
    for turn in range(1, 50):
        pace.add(turn * 125000, turn * 100)
    known, rate = pace.get_rate()
    report.equal("a pace has a rate and a time left", (known, round(rate), *pace.get_time_left(1600)),
                 (True, 800, True, 2000000))


def test_monitor(report, ferry, ferry_gtk, executor):
    task = executor.submit("add", GLib.Variant("(xx)", (12, 30)))
    monitor = ferry_gtk.TaskMonitor.new(task, None)
    run(task)
    report.equal("a monitor tells what a task has come to",
                 (monitor.props.status, monitor.props.state_text, monitor.props.fraction),
                 (ferry_gtk.TaskStatus.DONE, "Done", 1.0))
    ferry_gtk.task_set_outcome(task, ferry_gtk.TaskStatus.DONE, "42 apples")
    report.equal("and what the application says of it", monitor.props.detail, "42 apples")
    failing = executor.submit("no such function", None)
    run(failing)
    failed, title, detail, can_retry = ferry_gtk.task_describe_error(failing)
    report.fact("an error has words", failed and title and detail and not can_retry, (title, detail, can_retry))


def test_widgets(report, ferry, ferry_gtk, executor):
    if Gdk.Display.get_default() is None:
        report.skip("widgets", "there is no display")
        return
    bar = Gtk.ProgressBar()
    window = Gtk.Window(child=bar)
    window.present()
    task = executor.submit("add", GLib.Variant("(xx)", (12, 30)))
    ferry_gtk.bind_progress(task, bar)
    ferry_gtk.task_show_dialog(task, window)
    group = ferry.TaskGroup.new()
    ferry_gtk.task_group_bind_widget(group, window)
    run(task)
    while not bar.get_mapped():
        GLib.MainContext.default().iteration(True)
    report.equal("a bar shows a task", bar.get_fraction(), 1.0)
    tasks = ferry_gtk.TaskList.new(executor)
    rows = []
    tasks.connect("setup-row", lambda _, row: rows.append(row))
    window.set_child(tasks)
    executor.props.keep_finished = 10
    run(executor.submit("add", GLib.Variant("(xx)", (12, 30))))
    while not [row for row in rows if row.props.task]:
        GLib.MainContext.default().iteration(True)
    report.equal("a list shows the tasks of an executor", rows[0].props.monitor.props.state_text, "Done")
    workers = ferry_gtk.WorkerList.new(executor.props.pool)
    window.set_child(workers)
    report.equal("a list shows the workers of a pool", workers.props.pool, executor.props.pool)
    worker = executor.props.pool.get_workers().get_item(0)
    report.equal("a worker that is idle names no task", worker.props.task_name, None)
    test_guard(report, ferry_gtk, executor, window)


def test_guard(report, ferry_gtk, executor, window):
    guard = ferry_gtk.TaskGuard.add(executor, window)
    guard.props.long_work = 1000000
    task = executor.submit("sleep-until-cancelled", None)
    window.close()
    asked = [other for other in Gtk.Window.list_toplevels() if other.props.transient_for == window]
    report.equal("a guard asks before a window closes over running work", [dialog.props.title for dialog in asked],
                 ["Stop 1 task?"])
    task.cancel()
    while window.get_realized():
        GLib.MainContext.default().iteration(True)
    report.equal("a guard lets go of a window that has closed", guard.props.window, None)


def test_picture(report, ferry, ferry_gtk):
    texture = ferry_gtk.RemotePicture.make_texture(GLib.Variant("(uuus)", (2, 3, 8, "r8g8b8")),
                                                   GLib.Bytes.new(bytes(24)))
    report.equal("a buffer becomes a texture", (texture.get_width(), texture.get_height()), (2, 3))
    try:
        ferry_gtk.RemotePicture.make_texture(GLib.Variant("(uu)", (2, 4)), GLib.Bytes.new(bytes(24)))
        report.fact("a frame that lies is refused", False)
    except GLib.Error as error:
        report.equal("a frame that lies is refused", error.code, ferry.Error.BAD_ARGUMENTS)
    if Gdk.Display.get_default() is not None:
        picture = ferry_gtk.RemotePicture.new(None)
        report.equal("a picture without a receiver is empty", (picture.props.texture, picture.props.error), (None, None))


def body(report):
    if gi is None:
        report.skip("gtk", "there is no PyGObject, or no introspection data of GTK")
        return
    api_version, worker = sys.argv[1:]
    gi.require_version("Ferry", api_version)
    gi.require_version("FerryGtk", api_version)
    from gi.repository import Ferry, FerryGtk
    os.environ.setdefault("GTK_A11Y", "none")
    executor = Ferry.Executor.new_for_program(worker)
    test_words(report, FerryGtk)
    test_monitor(report, Ferry, FerryGtk, executor)
    test_widgets(report, Ferry, FerryGtk, executor)
    test_picture(report, Ferry, FerryGtk)
    executor.stop()
    Ferry.Router.get_default().stop()


tap.main(body)
