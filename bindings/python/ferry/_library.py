# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The C library, by its introspection data: where it is, whether it is of this package's version, and what to install."""

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

try:
    import gi
    import gi.overrides
    from gi.repository import Gio, GLib, GObject
except ImportError as missing:
    raise ImportError("Ferry needs PyGObject for this Python, which is %s; install python3-gi (Debian, Ubuntu), "
                      "python3-gobject (Fedora), python-gobject (Arch), or PyGObject by pip%s"
                      % (sys.executable, "" if sys.prefix == sys.base_prefix else
                         "; a virtual environment sees the system's if it was made with --system-site-packages")) from missing

from ._names import PYTHON_ERROR
from ._place import HERE, VERSION, given, load_library, typelibs

__all__ = ["Ferry", "GLib", "GObject", "Gio", "VERSION", "is_error", "load", "require"]

# A process keeps the domains of errors that it knows.
GLib.quark_from_string(PYTHON_ERROR)


def _set_up(folder: str) -> None:
    """For this process, and for those that it starts."""
    os.environ["GI_TYPELIB_PATH"] = ":".join([folder, *given()])
    gi.require_version("GIRepository", max(gi.Repository.get_default().enumerate_versions("GIRepository")))
    repository: Any = importlib.import_module("gi.repository.GIRepository").Repository
    getattr(repository, "dup_default", lambda: repository)().prepend_search_path(folder)


if typelibs is not None and given()[:1] != [typelibs]:
    _set_up(typelibs)
# A wheel has the overrides in the package itself, as gi is another's.
if os.path.isdir(os.path.join(HERE, "overrides")):
    gi.overrides.__path__.insert(0, os.path.join(HERE, "overrides"))


# What a build needs for a namespace.
NEEDED = {"FerryCluster": " and the headers of libnats", "FerryGtk": " and the headers of GTK 4",
          "FerryQueue": " and the headers of SQLite 3"}


def require(namespace: str) -> None:
    """Of a namespace of the library, there are introspection data; or says what brings them."""
    try:
        gi.require_version(namespace, "1")
    except ValueError as missing:
        raise ImportError("%s-1.typelib was not found; install gir1.2-%s-1, of the packages that packaging/debian makes, or "
                          "Ferry with introspection%s, or set GI_TYPELIB_PATH to the folder of the file"
                          % (namespace, namespace.lower(), NEEDED.get(namespace, ""))
                          ) from missing


def load(namespace: str, library: str, probe: Callable[[Any], Any]) -> Any:
    """A namespace of the library. What probe calls in it shows that the library itself was found."""
    require(namespace)
    load_library(library)
    try:
        module: Any = importlib.import_module("gi.repository." + namespace)
        probe(module)
    except (AttributeError, TypeError, GLib.Error) as missing:
        raise ImportError("%s was not found, though its introspection data were; set LD_LIBRARY_PATH to its folder, or run "
                          "ldconfig where it was just installed" % library) from missing
    return module


Ferry = load("Ferry", "libferry-1.so.0", lambda module: module.error_quark())
if not hasattr(Ferry, "to_variant"):
    # The program has imported it before this package, which has its overrides.
    import gi.repository
    from gi.module import get_introspection_module

    Ferry = sys.modules["gi.repository.Ferry"] = gi.overrides.load_overrides(get_introspection_module("Ferry"))
    gi.repository.Ferry = Ferry

_found = (Ferry.MAJOR_VERSION, Ferry.MINOR_VERSION, Ferry.MICRO_VERSION)
_own = tuple(int(number) for number in VERSION.split("."))
if _found[:2] != _own[:2] or _found < _own:
    raise ImportError("The package ferry is of version %s, and the library of version %d.%d.%d, which do not fit together; "
                      "install both of one version, and see that GI_TYPELIB_PATH and LD_LIBRARY_PATH name no older one"
                      % (VERSION, *_found))


def is_error(error: GLib.Error, code: int) -> bool:
    """Whether an error is one of the library's own, of this code."""
    return bool(error.matches(Ferry.Error.quark(), code))


def is_cancel(error: GLib.Error) -> bool:
    return bool(error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED))
