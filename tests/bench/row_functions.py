# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the workers of bench-rows.py run."""

import time


def work(number):
    """A millisecond of it."""
    end = time.perf_counter() + 0.001
    while time.perf_counter() < end:
        pass
    return number
