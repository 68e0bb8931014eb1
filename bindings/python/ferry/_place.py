# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the C library and its introspection data are. Workers use this too, which import no PyGObject."""

import os
import sys
from collections.abc import Iterator

# That of the package. The library's is the same, but for corrections.
VERSION = "0.2.0"

TYPELIB = "Ferry-1.typelib"
# Where installations have typelibs, below a folder of libraries.
FOLDER = "girepository-1.0"
LIBRARIES = ("lib", "lib64")
HERE = os.path.dirname(os.path.realpath(__file__))


def _folders(prefix: str) -> Iterator[str]:
    for name in LIBRARIES:
        yield os.path.join(prefix, name, FOLDER)
    libraries = os.path.join(prefix, "lib")
    try:
        machines = sorted(os.listdir(libraries))
    except OSError:
        machines = []
    for machine in machines:
        yield os.path.join(libraries, machine, FOLDER)


def _search(*prefixes: str) -> str | None:
    return next((folder for prefix in prefixes for folder in _folders(prefix)
                 if os.path.exists(os.path.join(folder, TYPELIB))), None)


def _parents(folder: str) -> Iterator[str]:
    while (parent := os.path.dirname(folder)) != folder:
        yield parent
        folder = parent


def given() -> list[str]:
    """The folders of typelibs that the user names."""
    return [folder for folder in os.environ.get("GI_TYPELIB_PATH", "").split(":") if folder]


def _find_typelibs() -> str | None:
    """The folder of the library's typelibs that a wheel has in this package, that the user names, or that is found here; None
    where the system knows it."""
    packed = _search(HERE)
    if packed is not None:
        return packed
    for folder in given():
        if os.path.exists(os.path.join(folder, TYPELIB)):
            return folder
    own = _search(*(prefix for prefix in (HERE, *_parents(HERE), sys.prefix) if prefix != "/usr"))
    return own or (None if _search("/usr") else _search("/usr/local"))


typelibs = _find_typelibs()


def load_library(library: str) -> None:
    """Has the loader know a library of the package by its name, where it would not find it by itself."""
    if typelibs is None:
        return
    path = os.path.join(os.path.dirname(typelibs), library)
    if not os.path.exists(path):
        return
    import ctypes

    try:
        ctypes.CDLL(path)
    except OSError as missing:
        raise ImportError("%s does not load: %s; install what it names, or build Ferry on this machine, since it may have "
                          "been built for a newer one" % (path, missing)) from missing
