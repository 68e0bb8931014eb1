# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which files a test is for, as the first comment below its licence says:

/* Tests: route/ferry-monitor.c, lane/ferry-wake-private.h
 *
 * What the test shows. */

A file of the library is named with its layer, any other from the top of the project. A program of a folder of tests
says so, a fuzzer, and a model.
"""

import re

PROGRAM = r"tests/\w+/test-[^/]*\.c$"
FUZZER = r"tests/fuzz/fuzz-[^/]*\.c$"
MODEL = r"tests/model/[^/]*\.pml$"
ENTRY = re.compile(r"^LLVMFuzzerTestOneInput", re.MULTILINE)
HEAD = re.compile(r"/\* SPDX.*?\*/\n\n/\* Tests: (.*?)(?:\n \*\n| \*/)", re.DOTALL)


def is_test(name, text):
    """Whether the file has to say what it tests; name is relative to the top."""
    return bool(re.match(PROGRAM + "|" + MODEL, name) or re.match(FUZZER, name) and ENTRY.search(text))


def files_tested(text):
    """The names as the test gives them; none when it does not say."""
    head = HEAD.match(text)
    return re.split(r",\s+(?:\*\s+)?", head[1]) if head else []


def subject(name):
    """What a file and its headers have in common: 'router/lane/ferry-lane-private.h' and 'lane/ferry-lane.c' are one."""
    return re.sub(r"(?:-private)?\.[ch]$", "", re.sub(r"^(?:\./)?(?:router/)?", "", name))
