# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ferry for Python: work in other processes, beside a main loop.

    with ferry.Executor(workers=4) as executor:
        task = executor.submit(render, path, size=(256, 256))
        print(task.result())
"""

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

from ._names import PATHS
from ._place import VERSION as __version__

if TYPE_CHECKING:
    from ._command import Command
    from ._command_errors import CommandCancelled, CommandError, CommandTimeout
    from ._executor import Executor
    from ._exports import export
    from ._frozen import freeze_support
    from ._function import function
    from ._home import spawn
    from ._inspect import describe_application
    from ._job import cancelled, commit, part, report, scratch_folder, track
    from ._limit import limited
    from ._map import Map
    from ._mux import ChannelPair, DeMux, Mux
    from ._offer import offer
    from ._outcome import Call
    from ._pipe import Receiver, Sender, pipe
    from ._process import Process, process
    from ._proxy import Proxy, View, get, later, pass_to
    from ._share import Shared, share
    from ._step import run
    from ._stream import Stream
    from ._task import Task
    from ._queue import Queue
    from .errors import Cancelled, CancelledError, Error, Interrupted, RemoteError, RemoteTraceback, WorkerLost

__all__ = ["Call", "Cancelled", "CancelledError", "ChannelPair", "Command", "CommandCancelled", "CommandError",
           "CommandTimeout", "DeMux", "Error", "Executor", "Map", "Interrupted", "Mux", "Process", "Proxy", "Queue", "Receiver", "RemoteError",
           "RemoteTraceback", "Sender", "Shared", "Stream", "Task", "View", "WorkerLost", "cancelled", "commit", "describe_application", "export",
           "freeze_support", "function", "get", "later", "limited", "offer", "part", "pass_to", "pipe", "process", "report", "run", "scratch_folder",
           "share", "spawn", "track"]

# Where each name is. A module is imported with the first use of a name: few programs use all, and a worker that imports the
# program uses next to nothing.
_MODULES = {
    "_command": ("Command",),
    "_command_errors": ("CommandCancelled", "CommandError", "CommandTimeout"),
    "_executor": ("Executor",),
    "_exports": ("export",),
    "_frozen": ("freeze_support",),
    "_function": ("function",),
    "_home": ("spawn",),
    "_inspect": ("describe_application",),
    "_job": ("cancelled", "commit", "part", "report", "scratch_folder", "track"),
    "_limit": ("limited",),
    "_map": ("Map",),
    "_mux": ("ChannelPair", "DeMux", "Mux"),
    "_offer": ("offer",),
    "_outcome": ("Call",),
    "_pipe": ("Receiver", "Sender", "pipe"),
    "_process": ("Process", "process"),
    "_proxy": ("Proxy", "View", "get", "later", "pass_to"),
    "_queue": ("Queue",),
    "_share": ("Shared", "share"),
    "_step": ("run",),
    "_stream": ("Stream",),
    "_task": ("Task",),
    "errors": ("Cancelled", "CancelledError", "Error", "Interrupted", "RemoteError", "RemoteTraceback", "WorkerLost"),
}
_places = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _places:
        raise AttributeError("module %r has no attribute %r" % (__name__, name))
    found = globals()[name] = getattr(importlib.import_module("." + _places[name], __name__), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


# In the application, what is missing is told by the import itself, and by `python3 -m ferry` in its own way.
if PATHS not in os.environ and not (sys.argv[:1] == ["-m"] and __name__ in sys.orig_argv):
    from . import _library, _executor  # noqa: F401, I001
