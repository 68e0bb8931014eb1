# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ferry for Python: work in other processes, beside a main loop.

    with ferry.Executor(workers=4) as executor:
        task = executor.submit(render, path, size=(256, 256))
        print(task.result())
"""

from ._library import VERSION as __version__
from ._command import Command
from ._executor import Executor
from ._exports import export
from ._frozen import freeze_support
from ._function import function
from ._home import spawn
from ._job import cancelled, part, report, scratch_folder, track
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
from .errors import (Cancelled, CancelledError, CommandCancelled, CommandError, CommandTimeout, Error, RemoteError,
                     RemoteTraceback, WorkerLost)

__all__ = ["Call", "Cancelled", "CancelledError", "ChannelPair", "Command", "CommandCancelled", "CommandError",
           "CommandTimeout", "DeMux", "Error", "Executor", "Map", "Mux", "Process", "Proxy", "Receiver", "RemoteError",
           "RemoteTraceback", "Sender", "Shared", "Stream", "Task", "View", "WorkerLost", "cancelled", "export", "freeze_support",
           "function", "get", "later", "limited", "offer", "part", "pass_to", "pipe", "process", "report", "run", "scratch_folder",
           "share", "spawn", "track"]
