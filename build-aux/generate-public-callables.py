#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The public functions and the thread that each is for: generate-public-callables.py OUTPUT FOLDER

The names come from the headers, the threads from the documentation comments, which say so in one of these ways:

  home    “On the router's thread …”, “On the thread that …”, “On the replica's thread”, “On the exchange's thread”, “The
          thread of the proxy's …”: the function works there, and says so elsewhere
  single  “… one at a time”, “One thread at a time”, “The thread that makes the interface”: the function works on any
          thread, where the program sees to it that it is one thread at a time
  any     “Any thread …”, with whatever exceptions follow

Folders of sibling libraries are left out, but for the one of the older systems' classes.
"""

import glob
import os
import re
import sys

HOME = re.compile(r"\bOn the (?:router|replica|launcher|sandbox|exchange)'s thread|\bOn the thread that"
                  r"|\bThe thread of the proxy's|called on the thread that the function was called on")
SINGLE = re.compile(r"Any thread, one at a time|\b[Oo]ne thread at a time|\bThe thread that makes the interface|, by one thread\b"
                    r"|\bThe first thread of the process|by the thread that calls that")
ANY = re.compile(r"\b[Aa]ny thread|\bNot on the thread|\bThreads as with|threads and errors|Threads and errors")

SIBLINGS = ("cluster", "gtk", "queue")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def names_of(header):
    """The public functions of a header; those that macros declare, such as the types, are for any thread."""
    return re.findall(r"^FERRY_AVAILABLE_IN_\d_\d\n[^;()]*?\b(ferry_\w+) \(", header, re.M)


def thread_of(comment):
    text = re.sub(r"\s*\n \* ?", " ", comment)
    home = HOME.search(text)
    any_thread = ANY.search(text)
    if any_thread and text[any_thread.start()] in "AN" and not SINGLE.search(text):
        return "any"
    if home:
        return "home"
    if SINGLE.search(text):
        return "single"
    return "any" if any_thread else None


def files_of(folder, pattern):
    return [path for path in glob.glob(os.path.join(folder, "*", pattern))
            if os.path.basename(os.path.dirname(path)) not in SIBLINGS]


def public_callables(folder):
    """Name to thread, which is None where the documentation does not say it."""
    comments = {}
    for path in files_of(folder, "*.c"):
        for found in re.finditer(r"/\*\*\n \* (ferry_\w+):.*?\*/", read(path), re.S):
            comments[found.group(1)] = found.group(0)
    callables = {}
    for path in files_of(folder, "*.h"):
        if not path.endswith("-private.h"):
            for name in names_of(read(path)):
                callables[name] = thread_of(comments.get(name, ""))
    return callables


def main(output, folder):
    callables = public_callables(folder)
    with open(output, "w", encoding="utf-8") as file:
        for name, thread in sorted(callables.items()):
            file.write("CALLABLE (%s, %s)\n" % (name, (thread or "unsaid").upper()))


if __name__ == "__main__":
    main(*sys.argv[1:])
