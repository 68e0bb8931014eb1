#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Widgets of ferry-gtk-1 take tasks of the package, and two examples are as they say: check-gtk.py TASK-LIST SEARCH

Skipped without a display, and where the library for GTK was not built.
"""

import asyncio
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile

import functions
import gi
import tap

GRACE = 600


def find_toolkit(report):
    try:
        gi.require_version("Gtk", "4.0")
        gi.require_version("FerryGtk", "1")
        from gi.repository import Gdk, GLib, Gtk
    except (ImportError, ValueError) as error:
        report.skip("the widgets", str(error))
        return None, None
    if Gdk.Display.get_default() is None:
        report.skip("the widgets", "there is no display")
        return None, None
    return GLib, Gtk


def texts(parent, Gtk):
    """What the labels and inscriptions in a widget say."""
    found = [parent.props.label] if isinstance(parent, Gtk.Label) else []
    found += [parent.props.text] if isinstance(parent, Gtk.Inscription) else []
    child = parent.get_first_child()
    while child:
        found += texts(child, Gtk)
        child = child.get_next_sibling()
    return found


def iterate_until(GLib, condition):
    over = []
    timer = GLib.timeout_add_seconds(GRACE, lambda: over.append(True))
    ticker = GLib.timeout_add(10, lambda: True)
    while not condition() and not over:
        GLib.MainContext.default().iteration(True)
    GLib.source_remove(ticker)
    if not over:
        GLib.source_remove(timer)
    return not over


def test_widgets(report, GLib, Gtk):
    import ferry
    import ferry.gtk
    executor = ferry.Executor(workers=1, modules=["functions"])
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
    bar = Gtk.ProgressBar()
    task, failing = executor.submit(functions.track, 1000), ferry.Task(functions.fail)
    monitor = ferry.gtk.TaskMonitor(failing)
    for widget in (bar, ferry.gtk.TaskRow(task, executor), ferry.gtk.TaskRow(failing), ferry.gtk.TaskButton(executor),
                   ferry.gtk.WorkerList(executor)):
        box.append(widget)
    ferry.gtk.bind_progress(task, bar)
    window = Gtk.Window(child=box)
    ferry.gtk.TaskGuard(executor, window)
    ferry.gtk.show_dialog(task, window)
    window.present()
    task.connect("done", lambda task: ferry.gtk.set_outcome(task, "%d in all" % task.result()))
    executor.submit(failing)
    report.fact("a row says what came of a task", iterate_until(GLib, lambda: "499500 in all" in texts(box, Gtk)),
                texts(box, Gtk))
    report.equal("a bar shows it", bar.get_fraction(), 1)
    report.fact("a row says why a task failed",
                iterate_until(GLib, lambda: any("not so" in text and "OwnError" not in text for text in texts(box, Gtk))),
                texts(box, Gtk))
    report.fact("so does a monitor", "not so" in monitor.props.detail, [monitor.props.detail])
    title, detail, can_retry = ferry.gtk.describe_error(failing)
    report.equal("an error has a title and a sentence", (title != "", "not so" in detail, type(can_retry)), (True, True, bool))
    report.equal("and a task that did not fail has neither", ferry.gtk.describe_error(task), None)
    again = executor.ferry_executor.retry(task)
    iterate_until(GLib, again.get_done)
    report.equal("a task that is run again has the same end", again.get_error(), None)
    window.destroy()
    executor.shutdown()


NEITHER = {"DISPLAY", "WAYLAND_DISPLAY"}
WIDGETS = """
import ferry
import ferry.gtk
executor = ferry.Executor(workers=1)
task = ferry.Task(len, "")
for make in (lambda: ferry.gtk.TaskRow(task), lambda: ferry.gtk.TaskList(executor),
             lambda: ferry.gtk.TaskButton(executor), lambda: ferry.gtk.WorkerList(executor)):
    try:
        make()
    except ferry.Error as error:
        print(error)
print(ferry.gtk.TaskMonitor(task).props.state_text)
"""


def run_without_display(program, **variables):
    environment = {name: value for name, value in os.environ.items() if name not in NEITHER}
    return subprocess.run([sys.executable, "-c", program], env={**environment, **variables}, text=True, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=GRACE)


def test_no_display(report):
    try:
        import ferry.gtk
    except (ImportError, ValueError) as error:
        report.skip("no display", str(error))
        return
    done = run_without_display(WIDGETS)
    report.equal("without a display each widget is refused, and what is none is not",
                 (done.stdout.splitlines(), done.returncode), ([ferry.gtk.NO_DISPLAY] * 4 + ["Waiting"], 0))
    report.equal("a program is warned once", done.stderr.count(ferry.gtk.NO_DISPLAY), 1)
    done = run_without_display("import runpy; runpy.run_module('ferry', run_name='__main__')")
    report.fact("the report of what is installed says so in its line", done.stderr == "" and re.search(
        r"(?m)^widgets +for GTK [0-9.]+; " + re.escape(ferry.gtk.NO_DISPLAY) + "$", done.stdout), [done.stdout, done.stderr])
    done = run_without_display("import ferry.gtk", DISPLAY="")
    report.equal("who wants no display is not warned", (done.stderr, done.returncode), ("", 0))
    done = run_without_display("import ferry, ferry.gtk\nwith ferry.Executor(workers=1, modules=['ferry.gtk']) as executor:"
                               "\n  print(executor.submit(len, 'abc').result())")
    report.equal("nor are workers that import it", (done.stdout, done.stderr.count(ferry.gtk.NO_DISPLAY)), ("3\n", 1))


def test_home(report):
    import ferry
    import ferry.gtk

    async def make():
        async with ferry.Executor(workers=1) as executor:
            try:
                ferry.gtk.TaskList(executor)
            except ferry.Error as error:
                return str(error)

    error = asyncio.run(make())
    report.fact("an executor of another thread is refused", error is not None and "make it when" in error, [error])


def find_button(parent, Gtk, label):
    if isinstance(parent, Gtk.Button) and parent.props.label == label:
        return parent
    child = parent.get_first_child()
    while child is not None:
        found = find_button(child, Gtk, label)
        if found is not None:
            return found
        child = child.get_next_sibling()
    return None


def run_application(GLib, Gtk, activate, wanted, press=None, at=None):
    """Until the window has these words; returns all that it has. Where it has those of at, presses a button."""
    application = Gtk.Application(application_id="org.example.TaskList")
    application.connect("activate", activate)
    seen = []

    def look():
        window = application.get_active_window()
        seen[:] = texts(window, Gtk) if window else []
        if at in seen:
            find_button(window, Gtk, press).emit("clicked")
        if wanted <= set(seen):
            application.quit()
        return not wanted <= set(seen)

    GLib.timeout_add(10, look)
    last = GLib.timeout_add_seconds(GRACE, application.quit)
    application.run()
    GLib.source_remove(last)
    return seen


def load_example(path, alias, functions, folder):
    """The module, whose functions workers find as they find those of the program itself: in a copy of that name."""
    spec = importlib.util.spec_from_file_location(alias, path)
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, os.path.dirname(path))
    spec.loader.exec_module(module)
    for function in functions:
        getattr(module, function).__module__ = alias
    sys.modules[alias] = module
    shutil.copy(path, os.path.join(folder, alias + ".py"))
    sys.path.insert(0, folder)
    return module


def test_example(report, GLib, Gtk, path):
    with tempfile.TemporaryDirectory() as folder:
        module = load_example(path, "check_gtk_example", ["sha256"], folder)
        sys.argv[1:] = []
        seen = run_application(GLib, Gtk, module.activate, {"Name files: task-list.py FILE..."})
        report.fact("without files the example says what to do", "Name files: task-list.py FILE..." in seen, seen)
        sys.argv[1:] = [path, os.path.join(folder, "nothing")]
        seen = run_application(GLib, Gtk, module.activate, {"Done", "Failed"})
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    report.fact("the example's rows have names and ends", {"task-list.py", "nothing", "Done", "Failed", digest} <= set(seen), seen)


def test_viewer(report):
    """What highlights differences, one match at a time, in a worker that is killed half-way."""
    viewer = os.path.join(os.path.dirname(os.path.abspath(__file__)), "viewer.py")
    done = subprocess.run([sys.executable, viewer, "ferry", "--kill"], text=True, stdout=subprocess.PIPE, check=True, timeout=GRACE)
    report.equal("all matches of a viewer come, of two workers, as the first one is killed", done.stdout.split()[2:], ["300", "2"])


def test_search(report, GLib, Gtk, path):
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as searched:
        module = load_example(path, "check_gtk_search", ["find"], folder)
        sys.argv[1:] = []
        seen = run_application(GLib, Gtk, module.activate, {"Name a word and a folder: search.py WORD FOLDER"})
        report.fact("without a word the search says what to do", len(seen) > 0, seen)
        with open(os.path.join(searched, "hay"), "w", encoding="utf-8") as file:
            file.write("straw\na needle\nstraw\ntwo needles\n")
        sys.argv[1:] = ["needle", searched]
        found = {"hay:2: a needle", "hay:4: two needles", "2 found"}
        seen = run_application(GLib, Gtk, module.activate, found)
        report.fact("the search shows what its stream yields", found <= set(seen), seen)
        # A pipe without a writer: the function stays in it until it is stopped.
        os.mkdir(os.path.join(searched, "below"))
        os.mkfifo(os.path.join(searched, "below", "well"))
        seen = run_application(GLib, Gtk, module.activate, {"Stopped, 2 found"}, press="Stop", at="2 found so far")
        report.fact("Stop ends the search", "Stopped, 2 found" in seen, seen)


def test_queue(report, GLib, Gtk):
    """Two runs of an application at one queue, as far as the queue can tell."""
    import ferry
    import ferry.gtk
    import queue_functions

    async def fill(queue, made):
        await queue
        for name, function, argument in (("Twice four", queue_functions.double, 4), ("None", queue_functions.fail, 3)):
            task = ferry.Task(function, argument)
            task.props.name = name
            queue.submit(task, key=name)
        made.append(await queue.submit(queue_functions.double, 5, key="five"))
        await queue.flush()

    with tempfile.TemporaryDirectory() as folder:
        queues, made = [], []

        def activate(application):
            # Its callback is the main loop's.
            GLib.idle_add(show, application)
            application.hold()

        def show(application):
            queue = ferry.Queue(os.path.join(folder, "queue.db"))
            try:
                queue.submit(queue_functions.double, 1)
            except ferry.Error as error:
                made[:] = [str(error)]
            box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
            for widget in (ferry.gtk.TaskBanner(queue), ferry.gtk.TaskList(queue), ferry.gtk.TaskButton(queue), ferry.gtk.WorkerList(queue)):
                box.append(widget)
            window = Gtk.ApplicationWindow(application=application, child=box)
            ferry.gtk.TaskGuard(queue, window)
            window.present()
            ferry.spawn(fill(queue, made))
            queues.append(queue)

        wanted = {"Twice four", "Done", "None", "Failed", "double"}
        for run in ("this run", "an earlier run"):
            seen = run_application(GLib, Gtk, activate, wanted)
            report.fact("a list shows the tasks of %s" % run, wanted <= set(seen), seen)
            iterate_until(GLib, lambda: len(made) > 1)
            report.fact("before the queue is open, a callback hears what to do", "queue = await ferry.Queue(...)" in made[0], made)
            report.equal("a coroutine of the main loop has a result", made[1:], [10])
            queue = queues.pop()
            if run == "an earlier run":
                check_list(report, GLib, queue)
            report.fact("outside of callbacks, a queue is open at once", queue.get("five") is not None)
            report.equal("and closed", queue.close().exception(), None)


def check_list(report, GLib, queue):
    import ferry

    core = queue.ferry_queue
    found = [core.get_item(place) for place in range(core.get_n_items())]
    report.equal("what the list has are tasks of the package", {type(task).__name__ for task in found}, {"Task"})
    again = queue.executor.ferry_executor.retry(found[0])
    report.fact("so is what a row's button tries again", again is queue["Twice four"] and isinstance(again, ferry.Task))
    report.equal("which has a result", again.result(), 8)


def body(report):
    test_no_display(report)
    GLib, Gtk = find_toolkit(report)
    if Gtk is None:
        return
    test_widgets(report, GLib, Gtk)
    test_home(report)
    test_queue(report, GLib, Gtk)
    task_list, search = sys.argv[1:]
    test_example(report, GLib, Gtk, task_list)
    test_viewer(report)
    test_search(report, GLib, Gtk, search)


if __name__ == "__main__":
    tap.main(body)
