# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ferry.limited(): a function with a limit of time, wherever a function is submitted."""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Limited:
    """A function, and how many seconds a call of it may take in a worker. Here it is called as it is."""

    def __init__(self, function: Callable[..., Any], seconds: float) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.seconds = seconds

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def __reduce__(self) -> Any:
        return Limited, (self.function, self.seconds)


def limited(function: Callable[P, T], seconds: float) -> Callable[P, T]:
    """The function, with a limit for each call that a worker makes of it: `executor.submit(ferry.limited(render, 5), path)`,
    and `executor.map(ferry.limited(render, 5), paths)`, where it is for each item.

    A call that takes longer is ended, wherever it is, and raises TimeoutError in the application.
    """
    if not callable(function):
        raise TypeError("'%s' object is not callable; give a function, and the seconds" % type(function).__qualname__)
    if not seconds > 0:
        raise ValueError("A limit is a number of seconds above 0, and not %r" % (seconds,))
    return Limited(function, seconds)


def split(function: Callable[..., Any]) -> tuple[Callable[..., Any], float | None]:
    """The function itself, and its limit."""
    return (function.function, function.seconds) if isinstance(function, Limited) else (function, None)


def set_limit(task: Any, seconds: float) -> None:
    task.set_run_timeout(max(1, int(seconds * 1_000_000)))
