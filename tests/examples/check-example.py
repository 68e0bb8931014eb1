#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An example of examples/ shows in its window what it is there to show: check-example.py WATCHER FOLDER NAME [python]

FOLDER has the programs. What each of them does is in scenes.py. With "python", those in Python do the same.
"""

import os
import sys
import tempfile

import scenes
import tap


def body(report):
    watcher, programs, name, *language = sys.argv[1:]
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        report.skip(name, "there is no display")
        return
    with tempfile.TemporaryDirectory() as folder:
        scenes.play(report, watcher, programs, folder, name, sys.executable if language else None)


tap.main(body)
