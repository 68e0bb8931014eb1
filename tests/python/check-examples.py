#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples in Python are short, and print what they should: check-examples.py FOLDER

Those with a window are run by another test.
"""

import os
import subprocess
import sys

import tap

MOST_LINES = 40
WINDOWS = ["task-list.py"]
PRINTED = {
    "cancel.py": "cancelled\nlost, by signal 11\n1024\n",
    "messages.py": "0 0\n1 1\n2 4\n5 25\n6 36\ndone\nlost\n",
    "map.py": "7\n1 has none\n97\n",
    "object.py": "it has 3\nit gives 3\nit only counts up\n",
    "retry.py": "done\n",
    "stream.py": "so far 3.1406\nso far 3.1411\nso far 3.1413\nsum 5\n",
}


def body(report):
    folder = sys.argv[1]
    report.equal("each example is run", sorted(name for name in os.listdir(folder) if name.endswith(".py")),
                 sorted([*PRINTED, *WINDOWS]))
    for name in [*PRINTED, *WINDOWS]:
        path = os.path.join(folder, name)
        with open(path, encoding="utf-8") as file:
            lines = [line for line in file if line.strip() and not line.startswith("#")]
        report.fact("%s is short" % name, len(lines) <= MOST_LINES, [len(lines)])
        if name in WINDOWS:
            continue
        done = subprocess.run([sys.executable, path], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=False, timeout=600)
        report.fact("%s prints what it should" % name, done.stdout == PRINTED[name], [done.stdout, done.stderr])


tap.main(body)
