# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The program's own module, `__main__`, which workers import under another name, as multiprocessing's do."""

import functools
import os
import re
import sys
import traceback
import types
import warnings

from . import _frozen
from .errors import Error

# The name that multiprocessing gives it: a program that asks for it finds it here, too.
NAME = "__mp_main__"

# The worker program. It has the place of a program where there is none that it could import.
WORKER = "ferry.worker"

# Where the program was as it imported the package.
try:
    start_folder: str | None = os.getcwd()
except OSError:
    start_folder = None

# Set while a worker imports the program, which must not start workers of its own then.
importing = False

# In a worker: why the program or a module could not be imported, if one could not, and the traceback of that.
failures: list[tuple[BaseException, str]] = []


def refusal(deed: str) -> Error:
    """What is raised where a worker imports a program that has no guard."""
    return Error("The program %s while a worker imports it; put what it does under if __name__ == \"__main__\":" % deed)


def explain(exception: BaseException) -> None:
    """In a worker: what a function lacks may be what could not be imported."""
    if isinstance(exception, Error):
        return
    for _, trace in failures:
        exception.add_note("The worker could not import the program itself:\n" + trace)


def explain_missing(name: str) -> Error:
    """In a worker whose program could not be imported: why it has no such function."""
    exception, _ = failures[0]
    if isinstance(exception, Error):
        return Error(*exception.args)
    said = "".join(traceback.format_exception_only(type(exception), exception)).strip()
    return Error("A worker could not import the program, and so has no '%s' of it: %s; mend that, or put what only the "
                 "application does under if __name__ == \"__main__\":" % (name, said))


@functools.cache
def find() -> tuple[str, str] | tuple[()]:
    """("name", NAME) or ("file", PATH) of this program's main module, ("frozen", PROGRAM) where workers are the program, and ()
    where there is none.
    """
    module = sys.modules["__main__"]
    # Objects of its classes come back under the name that the module has in workers.
    sys.modules.setdefault(NAME, module)
    name = getattr(getattr(module, "__spec__", None), "name", None)
    if name is not None:
        return () if name in ("__main__", WORKER) or name.endswith(".__main__") else ("name", name)
    path = getattr(module, "__file__", None)
    if _frozen.is_frozen():
        return "frozen", sys.executable
    if path is None or not os.path.exists(path):
        return ()
    return "file", os.path.abspath(path)


def is_package() -> bool:
    """Whether find() has found none as the program is a package, a folder or an archive with a __main__.py."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return spec is not None and spec.name != WORKER


def _show_own_warnings() -> None:
    """Python shows DeprecationWarning of the program itself, and knows it by the name that it has not here."""
    for place, (action, message, category, module, line) in enumerate(warnings.filters):
        if module == "__main__":
            warnings.filters.insert(place, (action, message, category, re.compile(NAME), line))  # type: ignore[attr-defined]
            warnings._filters_mutated()  # type: ignore[attr-defined]
            return


def load(kind: str, place: str) -> None:
    """Imports what find() has found in another process."""
    global importing
    import runpy

    module = types.ModuleType(NAME)
    importing = True
    _show_own_warnings()
    try:
        if kind == "name":
            content = runpy.run_module(place, run_name=NAME, alter_sys=True)
        else:
            content = runpy.run_path(place, run_name=NAME)
    finally:
        importing = False
    module.__dict__.update(content)
    sys.modules["__main__"] = sys.modules[NAME] = module
