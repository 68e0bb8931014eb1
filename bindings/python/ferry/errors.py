# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The exceptions that the package raises, in the application and in workers."""

import subprocess
from collections.abc import Sequence
from concurrent.futures import CancelledError
from typing import Any

__all__ = ["Cancelled", "CancelledError", "CommandCancelled", "CommandError", "CommandTimeout", "Error", "RemoteError", "RemoteTraceback",
           "WorkerLost"]


class Cancelled(BaseException):
    """Raised in a worker, in a function whose task was cancelled. No `except Exception` holds it up."""


class Error(Exception):
    """What Ferry itself has to say: the message names the remedy."""


class ExecutorEnded(Error, RuntimeError):
    """An executor that was shut down takes no more."""


class CommandError(subprocess.CalledProcessError, Error):
    """A program ended with a status that is no success, or was killed: then `returncode` is the signal's, below 0."""

    def __init__(self, message: str, returncode: int, cmd: Sequence[Any], output: Any = None, stderr: Any = None) -> None:
        subprocess.CalledProcessError.__init__(self, returncode, cmd, output, stderr)
        self.message = message

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> Any:
        return CommandError, (self.message, self.returncode, self.cmd, self.output, self.stderr)


class CommandCancelled(CancelledError):
    """A program was cancelled. `returncode`, `stdout` and `stderr` are what there was by then, or None where it had not begun."""

    def __init__(self, message: str, cmd: Sequence[Any], returncode: int | None = None, stdout: Any = None,
                 stderr: Any = None) -> None:
        super().__init__(message)
        self.cmd = cmd
        self.returncode = returncode
        self.stdout = stdout
        self.stderr = stderr

    def __reduce__(self) -> Any:
        return CommandCancelled, (str(self), self.cmd, self.returncode, self.stdout, self.stderr)


class CommandTimeout(subprocess.TimeoutExpired, TimeoutError, Error):
    """A program ran for longer than its `timeout`, and was ended. `stdout` and `stderr` are what it had written.

    Or it was waited for longer than result() was to wait, and goes on: then the task is not done().
    """

    def __init__(self, message: str, cmd: Sequence[Any], timeout: float, output: Any = None, stderr: Any = None) -> None:
        subprocess.TimeoutExpired.__init__(self, cmd, timeout, output, stderr)
        self.message = message

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> Any:
        return CommandTimeout, (self.message, self.cmd, self.timeout, self.output, self.stderr)


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
    with the Python stack where the process crashed.
    """

    def __init__(self, message: str, exit_status: int = -1, signal: int = 0, last_lines: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.exit_status = exit_status
        self.signal = signal
        self.last_lines = last_lines

    def __reduce__(self) -> Any:
        return WorkerLost, (str(self), self.exit_status, self.signal, self.last_lines)
