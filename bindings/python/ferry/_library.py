# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The C library, by its introspection data: where it is, whether it is of this package's version, and what to install."""

import ctypes
import importlib
import os
import pathlib
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

__all__ = ["Ferry", "GLib", "GObject", "Gio", "VERSION", "is_error", "load", "require"]

# That of the package. The library's is the same, but for corrections.
VERSION = "0.1.90"

# The domain of errors that are exceptions of a worker's Python code. A process keeps the domains that it knows.
PYTHON_ERROR = "ferry-python-error-quark"
GLib.quark_from_string(PYTHON_ERROR)

TYPELIB = "Ferry-1.typelib"
# Where installations have typelibs, below a prefix.
PLACES = ("lib/girepository-1.0", "lib64/girepository-1.0", "lib/*/girepository-1.0")
HERE = pathlib.Path(__file__).resolve().parent


def _search(*prefixes: pathlib.Path) -> pathlib.Path | None:
    return next((folder for prefix in prefixes for place in PLACES for folder in sorted(prefix.glob(place))
                 if (folder / TYPELIB).exists()), None)


def _given() -> list[str]:
    return [folder for folder in os.environ.get("GI_TYPELIB_PATH", "").split(":") if folder]


def _find_typelibs() -> pathlib.Path | None:
    """The folder of the library's typelibs that a wheel has in this package, that the user names, or that is found here; None
    where the system knows it."""
    packed = _search(HERE)
    if packed is not None:
        return packed
    for given in _given():
        if os.path.exists(os.path.join(given, TYPELIB)):
            return pathlib.Path(given)
    system = pathlib.Path("/usr")
    own = _search(*(prefix for prefix in (*HERE.parents, pathlib.Path(sys.prefix)) if prefix != system))
    return own or (None if _search(system) else _search(pathlib.Path("/usr/local")))


def _set_up(folder: pathlib.Path) -> None:
    """For this process, and for those that it starts."""
    os.environ["GI_TYPELIB_PATH"] = ":".join([str(folder), *_given()])
    gi.require_version("GIRepository", max(gi.Repository.get_default().enumerate_versions("GIRepository")))
    repository: Any = importlib.import_module("gi.repository.GIRepository").Repository
    getattr(repository, "dup_default", lambda: repository)().prepend_search_path(str(folder))


_typelibs = _find_typelibs()
if _typelibs is not None and _given()[:1] != [str(_typelibs)]:
    _set_up(_typelibs)
# A wheel has the overrides in the package itself, as gi is another's.
if (HERE / "overrides").is_dir():
    gi.overrides.__path__.insert(0, str(HERE / "overrides"))


def require(namespace: str) -> None:
    """Of a namespace of the library, there are introspection data; or says what brings them."""
    try:
        gi.require_version(namespace, "1")
    except ValueError as missing:
        raise ImportError("%s-1.typelib was not found; install gir1.2-%s-1, of the packages that packaging/debian makes, or "
                          "Ferry with introspection%s, or set GI_TYPELIB_PATH to the folder of the file"
                          % (namespace, namespace.lower(), " and the headers of GTK 4" if namespace == "FerryGtk" else "")
                          ) from missing


def load(namespace: str, library: str, probe: Callable[[Any], Any]) -> Any:
    """A namespace of the library. What probe calls in it shows that the library itself was found."""
    require(namespace)
    if _typelibs is not None and (_typelibs.parent / library).exists():
        try:
            # The loader knows it by its name from now on.
            ctypes.CDLL(str(_typelibs.parent / library))
        except OSError as missing:
            raise ImportError("%s does not load: %s; install what it names, or build Ferry on this machine, since it may have "
                              "been built for a newer one" % (_typelibs.parent / library, missing)) from missing
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
