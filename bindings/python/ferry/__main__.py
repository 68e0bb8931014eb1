# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`python3 -m ferry`: the versions of what the package needs, and what is missing."""

import importlib
import os
import platform
import sys
import tempfile
import warnings
from collections.abc import Callable

from . import _place


def _say_python() -> str:
    return "%s (%s)" % (platform.python_version(), sys.executable)


def _say_pygobject() -> str:
    try:
        gi = importlib.import_module("gi")
    except ImportError:
        # Says what to install.
        gi = importlib.import_module("ferry._library").gi
    glib = importlib.import_module("gi.repository.GLib")
    return "%s, GLib %d.%d.%d" % (gi.__version__, glib.MAJOR_VERSION, glib.MINOR_VERSION, glib.MICRO_VERSION)


def _say_library() -> str:
    ferry = importlib.import_module("ferry._library").Ferry
    place = "the system's" if _place.typelibs is None else os.path.dirname(_place.typelibs)
    return "%d.%d.%d (%s)" % (ferry.MAJOR_VERSION, ferry.MINOR_VERSION, ferry.MICRO_VERSION, place)


def _say_workers() -> str:
    with importlib.import_module("ferry").Executor(workers=1) as executor:
        return "start; the first one has process number %d" % executor.submit(os.getpid).result()


def _say_commands() -> str:
    with importlib.import_module("ferry").Executor(workers=1) as executor:
        return "run; %s" % executor.run(["uname", "-sr"], text=True).result().stdout.strip()


def _say_widgets() -> str:
    with warnings.catch_warnings():
        # Said below.
        warnings.filterwarnings("ignore", "GTK has no display", RuntimeWarning)
        widgets = importlib.import_module("ferry.gtk")
    gtk = importlib.import_module("gi.repository.Gtk")
    version = "for GTK %d.%d.%d" % (gtk.get_major_version(), gtk.get_minor_version(), gtk.get_micro_version())
    return version if widgets.has_display() else "%s; %s" % (version, widgets.NO_DISPLAY)


def _say_queues() -> str:
    with tempfile.TemporaryDirectory() as folder:
        with importlib.import_module("ferry").Queue(os.path.join(folder, "queue.db")) as queue:
            queue.flush()
    return "are stored"


def _say_cloudpickle() -> str:
    return str(importlib.import_module("cloudpickle").__version__)


# Whether the package needs it; what it is called; what says its version, or raises what is missing.
PARTS: tuple[tuple[bool, str, Callable[[], str]], ...] = (
    (True, "Python", _say_python),
    (True, "PyGObject", _say_pygobject),
    (True, "library", _say_library),
    (True, "workers", _say_workers),
    (False, "programs", _say_commands),
    (False, "queues", _say_queues),
    (False, "widgets", _say_widgets),
    (False, "cloudpickle", _say_cloudpickle),
)


def main() -> int:
    """Returns 1 where something is missing that the package needs."""
    print("%-12s %s (%s)" % ("ferry", _place.VERSION, _place.HERE))
    status = 0
    for is_needed, name, say in PARTS:
        try:
            said = say()
        except Exception as error:
            said = "%s: %s" % ("MISSING" if is_needed else "not here", error)
            status = 1 if is_needed else status
        print("%-12s %s" % (name, said), flush=True)
        if status:
            break
    return status


if __name__ == "__main__":
    sys.exit(main())
