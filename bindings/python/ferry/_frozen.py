# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ferry.freeze_support(): programs that PyInstaller and its like have made, whose workers are the program itself."""

import sys

from .errors import Error

# The first argument of a worker.
WORKER = "--ferry-worker"

_is_supported = False


def is_frozen() -> bool:
    return bool(getattr(sys, "frozen", False))


def check() -> None:
    """In the application: its workers would be it once more, and start workers."""
    if is_frozen() and not _is_supported:
        raise Error("The workers of a frozen program are that program; call ferry.freeze_support() as the first thing under "
                    "if __name__ == \"__main__\":")


def freeze_support() -> None:
    """Makes a program that PyInstaller or its like has frozen a worker, where it was started as one, and then does not return.

    It is called as the first thing under `if __name__ == "__main__":`. Elsewhere it does nothing.
    """
    global _is_supported
    _is_supported = True
    if is_frozen() and sys.argv[1:2] == [WORKER]:
        from . import worker

        del sys.argv[1]
        worker.main()
        sys.exit()
