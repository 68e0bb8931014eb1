# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What check-starts.py has workers call, and how it looks at processes. It imports what a small program does."""

import os
import resource
import sys
import time

import ferry

LIMIT = 300


def look():
    return os.getppid(), set(sys.modules)


def use_library():
    """The progress goes without PyGObject, and a sender does not."""
    ferry.report(0.5, "half")
    assert "gi" not in sys.modules
    from ferry import _job
    assert _job.current.gobject.get_cancellable() is not None
    return "half"


def find_limit():
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def is_refused(path):
    try:
        with open(path, "w", encoding="utf-8"):
            return False
    except OSError:
        return True


def wait_for(condition):
    """What it gives when that is true, or after a limit that only ends a hang."""
    end = time.monotonic() + LIMIT
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(0.005)
    return found


def _read(process, name):
    try:
        with open("/proc/%s/%s" % (process, name), "rb") as file:
            return file.read()
    except OSError:
        return b""


def _processes():
    return [name for name in os.listdir("/proc") if name.isdigit()]


def _parent(process):
    stat = _read(process, "stat")
    return int(stat[stat.rindex(b")"):].split()[2]) if stat else 0


def find_servers(application):
    """The processes that an application's workers are copied from: its children that are workers' programs."""
    return [int(process) for process in _processes()
            if _parent(process) == application and b"ferry.worker" in _read(process, "cmdline").split(b"\0")
            and b"Z" not in _read(process, "stat").rpartition(b")")[2].split()[:1]]


def find_marked(mark):
    return [process for process in _processes() if ("FERRY_TEST_MARK=" + mark).encode() in _read(process, "environ")]
