# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Python's texts and GLib's: the one place where the first become the second.

A text of Python may be the name of a file that is no UTF-8, as os.listdir() gives it: "caf\\udce9.txt". GLib has names of
files as bytes, and other texts as UTF-8. So what names a file goes as its bytes, and comes back as it was, and what
people read goes with a replacement character, as file managers show it.
"""

import array
import itertools
import os
import re
import sys
from collections.abc import Iterable
from typing import Any

# What is in no UTF-8: bytes of names that are none, as Python has them in a text, and halves of characters.
_NOT_UTF8 = re.compile("[\ud800-\udfff]")

# The numbers in a GVariant that say where elements end, by their bytes.
_OFFSETS = ((1, "B"), (2, "H"), (4, "I"), (8, "Q"))


def display(text: Any) -> Any:
    """A text as people read it, in UTF-8. What is no text stays as it is."""
    if not isinstance(text, str) or text.isascii():
        return text
    return _NOT_UTF8.sub("\ufffd", text)


def pack_names(names: Iterable[Any]) -> Any:
    """A GVariant of names of files, or of what else a program takes as bytes: arguments, and variables of its environment.

    Properties of the library that are lists of names take UTF-8 alone in Python.
    """
    from ._library import GLib

    names = list(names)
    try:
        # Texts are encoded at once.
        body = os.fsencode("\0".join(names))
    except TypeError:
        body = b"\0".join(map(os.fsencode, names))
    encoded = body.split(b"\0") if names else []
    if len(encoded) > len(names):
        raise ValueError("embedded null byte")
    body += b"\0" * bool(names)
    width, code = next((width, code) for width, code in _OFFSETS if len(body) + width * len(encoded) < 1 << 8 * width)
    ends = array.array(code, [end + i for i, end in enumerate(itertools.accumulate(map(len, encoded)), 1)])
    if sys.byteorder == "big":
        ends.byteswap()
    return GLib.Variant.new_from_bytes(GLib.VariantType("aay"), GLib.Bytes.new(body + ends.tobytes()), True)
