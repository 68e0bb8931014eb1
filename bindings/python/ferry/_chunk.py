# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Several items of a map, as one call."""

import time
from collections.abc import Callable
from typing import Any

from . import _fault, _job

# The seconds that it took; the values, with None where there is none; the faults, each by its place among the values.
Outcomes = tuple[float, list[Any], dict[int, _fault.Fault]]


def run(function: Callable[..., Any], rows: list[tuple[Any, ...]]) -> Outcomes:
    """In a worker: what became of each row."""
    began = time.monotonic()
    values: list[Any] = []
    faults: dict[int, _fault.Fault] = {}
    for row in rows:
        try:
            values.append(_job.finish(function(*row)))
        except Exception as exception:
            faults[len(values)] = _fault.describe(exception, globals())
            values.append(None)
    return time.monotonic() - began, values, faults
