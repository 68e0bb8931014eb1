# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""In a worker: what a program does while it is imported, as it has no `if __name__ == "__main__":`. A window, or a main loop
that ends never, is refused with that reason.
"""

import functools
import sys
import threading
from typing import Any

from . import _imports, _main

# By the module: what is refused, and what the program does there.
_REFUSED = {
    "gi.repository.Gio": {"Application.run": "runs its main loop"},
    "gi.repository.GLib": {"MainLoop.run": "runs its main loop"},
    "gi.repository.Gtk": {"init": "opens its window", "Window.__init__": "opens its window", "main": "runs its main loop"},
    "gi.repository.Adw": {"init": "opens its window"},
}


def _refuse(owner: Any, name: str, deed: str) -> None:
    original = getattr(owner, name)

    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        if _main.importing and threading.current_thread() is threading.main_thread():
            raise _main.refusal(deed)
        return original(*args, **kwargs)

    setattr(owner, name, call)


def _change(module: str, _found: Any) -> None:
    # PyGObject puts another object there than the one that it was asked to fill.
    found = sys.modules[module]
    for path, deed in _REFUSED[module].items():
        *classes, name = path.split(".")
        owner = functools.reduce(getattr, classes, found)
        # GTK 4 has no main().
        if hasattr(owner, name):
            _refuse(owner, name, deed)


def begin() -> None:
    """Before the program is imported."""
    for module in _REFUSED:
        _imports.when_imported(module, functools.partial(_change, module))
