# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is done for each call: in C by the module _ferry, where that was built, and else in Python."""

from typing import TYPE_CHECKING

from ._library import VERSION

__all__ = ["Event", "begin", "bind", "end", "follow", "make", "submit", "take"]

if TYPE_CHECKING:
    from ._plain import Event, begin, bind, end, follow, make, submit, take
else:
    try:
        import _ferry

        if _ferry.VERSION != VERSION:
            raise ImportError("_ferry is of version %s" % _ferry.VERSION)
        from _ferry import Event, begin, bind, end, follow, make, submit, take
    except ImportError:
        from ._plain import Event, begin, bind, end, follow, make, submit, take
