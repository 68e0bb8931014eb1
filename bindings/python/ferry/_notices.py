# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Records of logging and warnings of a worker's function, which the application handles as its own."""

import logging
import pickle
import warnings
from typing import Any

from . import _job
from ._native import Failure
from ._names import LOG, WARNING


def _send(kind: str, value: Any) -> bool:
    """Whether a task runs here that takes it along."""
    job = _job.current or _job.awaited.get()
    if job is None:
        return False
    try:
        job.send(kind, pickle.dumps(value, 5))
    except Failure:
        # The task was cancelled, and hears nothing more.
        pass
    return True


class _Handler(logging.Handler):
    """Sends records home. Outside of a task they go to standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            said = dict(record.__dict__, msg=record.getMessage(), args=None, exc_info=None)
            if record.exc_info:
                said["exc_text"] = logging.Formatter().formatException(record.exc_info)
            if not _send(LOG, said) and logging.lastResort is not None:
                logging.lastResort.handle(record)
        except Exception:
            self.handleError(record)


_show_here = warnings.showwarning


def _show_warning(message: Warning | str, category: type[Warning], filename: str, lineno: int, file: Any = None,
                  line: str | None = None) -> None:
    if file is not None or not _send(WARNING, (message, category, filename, lineno)):
        _show_here(message, category, filename, lineno, file, line)


def begin(level: int | None) -> None:
    """In a worker: from now on, what is logged goes home, from this level on, and so do warnings."""
    root = logging.getLogger()
    root.handlers[:] = [_Handler()]
    if level is not None:
        root.setLevel(level)
    warnings.showwarning = _show_warning


def take(kind: str, data: bytes, task: str) -> bool:
    """In the application: whether a message was a notice."""
    if kind == LOG:
        record = logging.makeLogRecord({**pickle.loads(data), "task": task})
        logger = logging.getLogger(record.name)
        if logger.isEnabledFor(record.levelno):
            logger.handle(record)
    elif kind == WARNING:
        warnings.showwarning(*pickle.loads(data))
    return kind in (LOG, WARNING)
