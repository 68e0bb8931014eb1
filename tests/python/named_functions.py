# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Functions with names and types, which programs of any language call in the tests of the package."""

import ferry
from functions import OwnError


@ferry.function("su", "x")
def repeat(text, number):
    ferry.report(0.5, "repeating")
    return len(text * number)


@ferry.function("ay", "ay", name="backwards")
def reverse(data):
    return bytes(reversed(data))


@ferry.function("", "sd")
def give_both():
    return "a", 0.5


@ferry.function("s")
def give_nothing(text):
    if text == "fail":
        raise OwnError("not so", 7)


@ferry.function("as", "a{sx}")
def count(texts):
    return {text: texts.count(text) for text in texts}
