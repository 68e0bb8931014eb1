# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The widgets of ferry-gtk-1, for the tasks and executors of this package. docs/widgets.md says what each does.

A widget is made for what is at home on the thread of GTK's main loop: an executor that this thread has made. Without a
display there are no widgets: the functions that make one raise ferry.Error. A program that is imported there is warned,
since GTK's own widgets end it by a signal; a worker is not, and neither is who sets DISPLAY to nothing.
"""

import os
import warnings
from typing import Any

import gi

from . import _executor, _home, _queue, _text
from ._library import Ferry, load, require
from ._task import Task
from .errors import Error

# This first: its package brings GTK.
require("FerryGtk")
try:
    gi.require_version("Gtk", "4.0")
except ValueError as missing:
    raise ImportError("ferry.gtk needs GTK 4 with its introspection data; install gir1.2-gtk-4.0 (Debian, Ubuntu) or gtk4 "
                      "(Fedora, Arch), and import it before another version of GTK") from missing
FerryGtk = load("FerryGtk", "libferry-gtk-1.so.0", lambda module: module.TaskRow.__gtype__.fundamental)
from gi.repository import Gdk  # noqa: E402

__all__ = ["TaskBanner", "TaskButton", "TaskGroup", "TaskGuard", "TaskList", "TaskMonitor", "TaskRow", "WorkerList", "bind_progress",
           "describe_error", "set_outcome", "show_dialog"]

# How many tasks that are done a list shows.
KEPT = 1000

NO_DISPLAY = ("GTK has no display to make a widget on; set DISPLAY or WAYLAND_DISPLAY to one, or start the program with "
              "xvfb-run")


def has_display() -> bool:
    return Gdk.Display.get_default() is not None


if not has_display() and os.environ.get("DISPLAY") != "":
    warnings.warn(NO_DISPLAY, RuntimeWarning, stacklevel=2)


def _check_display() -> None:
    if not has_display():
        raise Error(NO_DISPLAY)


def _check_home(home: _home.Home | None) -> None:
    if home is not None and not home.is_here():
        raise Error("The executor is at home on another thread than the one that has the widgets; make it when the "
                    "application is activated, or with context=GLib.MainContext.default()")


def _core(executor: Any) -> Any:
    """The library's own executor, or queue."""
    if isinstance(executor, _queue.Queue):
        _check_home(executor._home)
        return executor.ferry_queue
    if not isinstance(executor, _executor.Executor):
        return executor
    _check_home(executor._home)
    return executor.ferry_executor


def _runner(executor: Any) -> Any:
    """The library's own executor, also of a queue."""
    return _core(executor.executor if isinstance(executor, _queue.Queue) else executor)


def TaskRow(task: Task[Any], executor: Any = None) -> Any:
    """A widget with a task's name, progress, end and buttons. With its executor, or its queue, it can run the task again."""
    _check_display()
    _check_home(getattr(task, "_home", None))
    return FerryGtk.TaskRow.new(task, _runner(executor))


def TaskList(tasks: Any, *, kept: int = KEPT) -> Any:
    """A widget with a row for each task of an executor, also for so many that are done; or of a queue, or another list model."""
    _check_display()
    core = _core(tasks)
    if isinstance(core, Ferry.Executor):
        core.props.keep_finished = kept
    return FerryGtk.TaskList.new(core)


def TaskBanner(tasks: Any) -> Any:
    """What waits for a person in a queue, with a button: tasks that were interrupted, a queue that is paused, a full disk."""
    _check_display()
    return FerryGtk.TaskBanner.new(_core(tasks))


def TaskButton(tasks: Any) -> Any:
    """A button for a header bar: how much an executor, a queue, or another list model of tasks, has to do, and its list."""
    _check_display()
    return FerryGtk.TaskButton.new(_core(tasks))


def TaskGroup(widget: Any) -> Any:
    """Tasks that are cancelled when the widget is gone, such as a window that is closed: `group.add(task)`."""
    group = Ferry.TaskGroup.new()
    FerryGtk.task_group_bind_widget(group, widget)
    return group


def TaskGuard(tasks: Any, window: Any) -> Any:
    """Asks before a window is closed while tasks of an executor, a queue, or another list model, run. It lives as long
    as the window."""
    return FerryGtk.TaskGuard.add(_core(tasks), window)


def TaskMonitor(task: Task[Any], widget: Any = None) -> Any:
    """What a task does, in words, as properties for labels. While the widget is not shown, nothing is updated."""
    _check_home(getattr(task, "_home", None))
    return FerryGtk.TaskMonitor.new(task, widget)


def WorkerList(executor: Any) -> Any:
    """A widget with the workers, what they run and what they use."""
    _check_display()
    return FerryGtk.WorkerList.new(_runner(executor).get_pool())


def bind_progress(task: Task[Any], bar: Any) -> None:
    """Has a progress bar show a task, as often as the screen does."""
    _check_home(getattr(task, "_home", None))
    FerryGtk.bind_progress(task, bar)


def describe_error(task: Task[Any]) -> tuple[str, str, bool] | None:
    """Why a task failed, in the user's language: a title, a sentence, and whether it may help to try again. None: it did not."""
    _check_home(getattr(task, "_home", None))
    failed, title, detail, can_retry = FerryGtk.task_describe_error(task)
    return (title, detail, can_retry) if failed else None


def set_outcome(task: Task[Any], text: str) -> None:
    """What rows and monitors say of a task that is done: its result, in words."""
    FerryGtk.task_set_outcome(task, FerryGtk.TaskStatus.DONE, _text.display(text))


def show_dialog(task: Task[Any], window: Any) -> None:
    """A dialog with a bar and Cancel for a task that its window waits for, once it has taken half a second."""
    _check_display()
    _check_home(getattr(task, "_home", None))
    FerryGtk.task_show_dialog(task, window)
