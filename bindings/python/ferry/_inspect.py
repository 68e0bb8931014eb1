# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ferry.describe_application(): what the program has of Ferry and what that does, for a report."""

from . import _home
from ._library import Ferry


def describe_application() -> str:
    """What the program has of Ferry and what that does, as text for a report or a log: versions, workers, tasks and what each
    waits for, counters, pipes and calls. It has nothing of the program's users: no arguments, no results, no paths. Each thread
    that has signals of Ferry says what is its own; most programs have one.
    """
    texts = [home.call(Ferry.describe_application) for home in _home.known()]
    return "\n".join(map(str, texts or [Ferry.describe_application()]))
