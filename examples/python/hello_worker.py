# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: 0BSD
"""The worker's part of hello.py: a function, which needs nothing of the window.
What ferry.track() counts is how far the task is, and it may count as often as it likes.
A cancel raises in the function, wherever it is.
"""

import ferry


def compute_pi(n):
    pi = 0
    for i in ferry.track(range(n), text="adding"):
        pi += 8 / ((4 * i + 1) * (4 * i + 3))
    return pi
