#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples in Python are short, say what they show, and print what they should: check-examples.py FOLDER

Those with a window are run by other tests: task-list.py and search.py by check-gtk.py, and those that C has too by
tests/examples/check-example.py.
"""

import ast
import os
import subprocess
import sys

import gi
import tap

MOST_LINES = 50
WINDOWS = ["button.py", "conversation.py", "converter.py", "group.py", "hello.py", "list.py", "pictures.py", "sandbox.py", "search.py",
           "task-list.py"]
WORKERS = ["hello_worker.py"]
PRINTED = {
    "cancel.py": "cancelled\nlost, by signal 11\n1024\n",
    "messages.py": "0 0\n1 1\n2 4\n5 25\n6 36\ndone\nlost\n",
    "map.py": "7\n1 has none\n97\n",
    "object.py": "it has 3\nit gives 3\nit only counts up\n",
    "retry.py": "done\n",
    "survive.py": "the first one has 3\nthe first one has 3\n[('one', 3), ('two', 3), ('three', 5), ('four', 4)]\n"
                  "['four', 'one', 'three', 'two']\n",
    "stream.py": "so far 3.1406\nso far 3.1411\nso far 3.1413\nsum 5\n",
}


def has_queue():
    try:
        gi.require_version("FerryQueue", "1")
    except ValueError:
        return False
    return True


def body(report):
    folder = sys.argv[1]
    report.equal("each example is run", sorted(name for name in os.listdir(folder) if name.endswith(".py")),
                 sorted([*PRINTED, *WINDOWS, *WORKERS]))
    for name in [*PRINTED, *WINDOWS, *WORKERS]:
        path = os.path.join(folder, name)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
        report.fact("%s is short" % name, len(lines) <= MOST_LINES, [len(lines)])
        report.equal("%s begins with three lines that say what it shows" % name,
                     len((ast.get_docstring(ast.parse(text)) or "").splitlines()), 3)
        if name not in PRINTED:
            continue
        if "ferry.Queue" in text and not has_queue():
            report.skip("%s prints what it should" % name, "the library of queues was not built")
            continue
        done = subprocess.run([sys.executable, path], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=False, timeout=600)
        report.fact("%s prints what it should" % name, done.stdout == PRINTED[name], [done.stdout, done.stderr])


tap.main(body)
