# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Several items of a map, as one call."""

import time
from collections.abc import Callable
from typing import Any

from . import _fault

# (whether there is a value; the value or the fault)
Outcome = tuple[bool, Any]


def run(function: Callable[..., Any], rows: list[tuple[Any, ...]]) -> tuple[float, list[Outcome]]:
    """In a worker: the seconds that it took, and what became of each row."""
    began = time.monotonic()
    outcomes: list[Outcome] = []
    for row in rows:
        try:
            outcomes.append((True, function(*row)))
        except Exception as exception:
            outcomes.append((False, _fault.describe(exception, globals())))
    return time.monotonic() - began, outcomes
