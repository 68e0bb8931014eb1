# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The exceptions of programs, which are those of errors.py: what runs none does not import this, nor subprocess."""

import subprocess
from collections.abc import Sequence
from typing import Any

from .errors import CancelledError, Error


class CommandError(subprocess.CalledProcessError, Error):
    """A program ended with a status that is no success, or was killed: then `returncode` is the signal's, below 0.

    Or it wrote more than its `output_limit`, or not its `output_files`, whatever its `returncode`.
    """

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


for _class in (CommandCancelled, CommandError, CommandTimeout):
    # Where programs and pickles find it.
    _class.__module__ = Error.__module__
