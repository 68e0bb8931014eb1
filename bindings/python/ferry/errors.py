# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The exceptions that the package raises, in the application and in workers."""

from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._command_errors import CommandCancelled, CommandError, CommandTimeout

__all__ = ["Cancelled", "CancelledError", "CommandCancelled", "CommandError", "CommandTimeout", "Error", "Interrupted", "RemoteError",
           "RemoteTraceback", "WorkerLost"]


class Cancelled(BaseException):
    """Raised in a worker, in a function whose task was cancelled. No `except Exception` holds it up."""


class Error(Exception):
    """What Ferry itself has to say: the message names the remedy."""


class ExecutorEnded(Error, RuntimeError):
    """An executor that was shut down takes no more."""


class Interrupted(Error):
    """The program, or its queue, ended before the task did. Of a task that may be repeated, the next run goes on with it."""


class RemoteError(Error):
    """An exception of a worker that cannot be raised here as what it is.

    Its class is not known here, or it would end this program, as `SystemExit` does. In the second case it is `original`.
    """

    def __init__(self, message: str, class_name: str = "") -> None:
        super().__init__(message)
        self.class_name = class_name
        self.original: BaseException | None = None

    def __reduce__(self) -> Any:
        return RemoteError, (str(self), self.class_name)


class RemoteTraceback(Exception):
    """The cause of an exception that comes from a worker. `tb` is the worker's traceback, as text."""

    def __init__(self, tb: str, where: str) -> None:
        super().__init__(where)
        self.tb = tb
        self.where = where

    def __reduce__(self) -> Any:
        return RemoteTraceback, (self.tb, self.where)


class WorkerLost(Error):
    """The worker's process ended while it ran the task.

    Either `exit_status` is 0 or more, or `signal` is not 0. `last_lines` are the last lines of its standard error,
    with the Python stack where the process crashed. `backtrace` has the functions of libraries there, a line each.
    """

    def __init__(self, message: str, exit_status: int = -1, signal: int = 0, last_lines: tuple[str, ...] = (),
                 backtrace: str | None = None) -> None:
        super().__init__(message)
        self.exit_status = exit_status
        self.signal = signal
        self.last_lines = last_lines
        self.backtrace = backtrace

    def __reduce__(self) -> Any:
        return WorkerLost, (str(self), self.exit_status, self.signal, self.last_lines, self.backtrace)


def __getattr__(name: str) -> Any:
    # Those of programs are made of subprocess, which few programs and no workers import otherwise.
    if name in ("CommandCancelled", "CommandError", "CommandTimeout"):
        from . import _command_errors

        return getattr(_command_errors, name)
    raise AttributeError("module %r has no attribute %r" % (__name__, name))
