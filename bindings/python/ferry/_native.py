# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The module of C, _ferry: what is done for each call, and a worker's way to the library."""

from . import _place

# The one of this package, or of its prefix, before any other.
_place.load_library("libferry-1.so.0")
try:
    import _ferry
    from _ferry import Event, Failure, begin, bind, end, follow, lead, make, run, serve, show, submit, take
except ImportError as missing:
    raise ImportError("The module _ferry of the package ferry does not load: %s; it is built with the package, where the headers "
                      "of Python and of PyGObject are (Debian's libpython3-dev and python-gi-dev)" % missing) from missing

if _ferry.VERSION != _place.VERSION:
    raise ImportError("The package ferry is of version %s, and its module _ferry of version %s; install both of one version"
                      % (_place.VERSION, _ferry.VERSION))

__all__ = ["Event", "Failure", "begin", "bind", "end", "follow", "lead", "make", "run", "serve", "show", "submit", "take"]
