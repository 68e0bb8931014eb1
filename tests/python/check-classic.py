#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The older systems' classes are those of Python, by their overrides: check-classic.py"""

import gi
import tap

gi.require_version("Ferry", "1")
gi.require_version("FerryClassic", "1")
from gi.repository import FerryClassic  # noqa: E402


def raised(function):
    try:
        function()
    except KeyError as error:
        return error
    return None


def body(report):
    words = FerryClassic.Dictionary.new()
    words["a"] = 1
    words["b"] = b"two"
    report.equal("a dictionary is one", (words["a"], words["b"], len(words), sorted(words), "a" in words, "c" in words),
                 (1, b"two", 2, ["a", "b"], True, False))
    del words["a"]
    report.equal("a key that is not there raises", [type(raised(lambda: words["a"])),
                                                    type(raised(lambda: words.__delitem__("a")))], [KeyError, KeyError])


tap.main(body)
