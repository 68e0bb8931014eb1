# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The program's own module, `__main__`, which workers import under another name, as multiprocessing's do."""

import functools
import os
import sys
import types

# The name that multiprocessing gives it: a program that asks for it finds it here, too.
NAME = "__mp_main__"

# Where the program was as it imported the package.
try:
    start_folder: str | None = os.getcwd()
except OSError:
    start_folder = None

# Set while a worker imports the program, which must not start workers of its own then.
importing = False

# In a worker: why the program could not be imported, if it could not.
failures: list[str] = []


def explain(exception: BaseException) -> None:
    """In a worker: what a function lacks may be what could not be imported."""
    for failure in failures:
        exception.add_note("The worker could not import the program itself:\n" + failure)


@functools.cache
def find() -> tuple[str, str] | tuple[()]:
    """("name", NAME) or ("file", PATH) of this program's main module; () where there is none."""
    module = sys.modules["__main__"]
    # Objects of its classes come back under the name that the module has in workers.
    sys.modules.setdefault(NAME, module)
    name = getattr(getattr(module, "__spec__", None), "name", None)
    if name is not None:
        return () if name == "__main__" or name.endswith(".__main__") else ("name", name)
    path = getattr(module, "__file__", None)
    if path is None or not os.path.exists(path):
        return ()
    return "file", os.path.abspath(path)


def is_package() -> bool:
    """Whether find() has found none as the program is a package, a folder or an archive with a __main__.py."""
    return getattr(sys.modules["__main__"], "__spec__", None) is not None


def load(kind: str, place: str) -> None:
    """Imports what find() has found in another process."""
    global importing
    import runpy

    module = types.ModuleType(NAME)
    importing = True
    try:
        if kind == "name":
            content = runpy.run_module(place, run_name=NAME, alter_sys=True)
        else:
            content = runpy.run_path(place, run_name=NAME)
    finally:
        importing = False
    module.__dict__.update(content)
    sys.modules["__main__"] = sys.modules[NAME] = module
