# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ferry.run(): a program that a function runs, and waits for."""

import subprocess
from collections.abc import Iterable
from typing import Any, Literal, overload

from . import _job
from ._command import Argument, Command
from ._executor import shared


@overload
def run(args: Iterable[Argument], *, text: Literal[True], **keywords: Any) -> subprocess.CompletedProcess[str]:
    ...


@overload
def run(args: Iterable[Argument], *, encoding: str, **keywords: Any) -> subprocess.CompletedProcess[str]:
    ...


@overload
def run(args: Iterable[Argument], *, text: Literal[False] = ..., encoding: None = ...,
        **keywords: Any) -> subprocess.CompletedProcess[bytes]:
    ...


def run(args: Iterable[Argument], **keywords: Any) -> Any:
    """Runs a program in the middle of a function, and waits, as subprocess.run() does.

    The program is a step of the function's task: its progress is a part of that task's, a pause stops it, and a cancel ends
    it and raises ferry.Cancelled. The keywords are those of ferry.Command. With cleans_up=True it runs also when the task was
    cancelled. A status that is no success raises ferry.CommandError. Where no task runs, it just runs the program, at once,
    also in an application and on any of its threads. What ends the wait, as Ctrl-C does, ends the program first.
    """
    task: Any = Command(args, **keywords)
    if _job.current is not None:
        return task._run_in(_job.current)
    try:
        return shared().submit(task).result()
    except BaseException:
        # Nobody else could. A second Ctrl-C ends the wait for what the program does at its end.
        task._end()
        raise


# Where the files of queues have it.
run.__module__ = __package__
