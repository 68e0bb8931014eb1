# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ferry.describe_application(): what the program has of Ferry and what that does, for a report."""

from ._library import Ferry


def describe_application() -> str:
    """What the program has of Ferry and what that does, as text for a report or a log: versions, workers, tasks and what each
    waits for, counters, pipes and calls. It has nothing of the program's users: no arguments, no results, no paths.

    Call it on the thread that uses Ferry, as it tells of what belongs to the thread that calls it.
    """
    return str(Ferry.describe_application())
