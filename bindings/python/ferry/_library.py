# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The C library, by its introspection data."""

import gi

gi.require_version("Ferry", "1")
from gi.repository import Ferry, Gio, GLib, GObject  # noqa: E402

__all__ = ["Ferry", "GLib", "GObject", "Gio", "is_error"]

# The domain of errors that are exceptions of a worker's Python code. A process keeps the domains that it knows.
PYTHON_ERROR = "ferry-python-error-quark"
GLib.quark_from_string(PYTHON_ERROR)


def is_error(error: GLib.Error, code: int) -> bool:
    """Whether an error is one of the library's own, of this code."""
    return bool(error.matches(Ferry.Error.quark(), code))


def is_cancel(error: GLib.Error) -> bool:
    return bool(error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED))
