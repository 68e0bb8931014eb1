# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Functions and classes that go to workers by value, by cloudpickle, where that is installed: what is typed in, as in a
notebook, or is in a package's __main__.py, is in no module that a worker could import. What is in other files goes by its
name, whatever is installed: a program is to run elsewhere, too.
"""

import functools
import importlib
import pickle
import sys
from collections.abc import Callable
from typing import Any

from . import _main

# In a worker: whether the application sends by value.
is_told = False


@functools.cache
def _find_cloudpickle() -> Any:
    try:
        return importlib.import_module("cloudpickle")
    except ImportError:
        return None


def _is_typed_in() -> bool:
    """Whether functions may be typed in: there is no file with the program, or a prompt behind it."""
    return not _main.find() or bool(sys.flags.interactive) or hasattr(sys, "ps1")


def find_pickler() -> Any:
    """The class of a pickler by value, where one is needed and is there; else None."""
    if not is_told and not _is_typed_in():
        return None
    cloudpickle = _find_cloudpickle()
    return None if cloudpickle is None else cloudpickle.Pickler


def is_on() -> bool:
    """Whether functions go by value that are in no module."""
    return find_pickler() is not None


def pickler(stream: Any, callback: Callable[[pickle.PickleBuffer], Any] | None = None) -> pickle.Pickler:
    """What writes a pickle to a stream: by value, where that is needed."""
    made: pickle.Pickler = (find_pickler() or pickle.Pickler)(stream, 5, buffer_callback=callback)
    return made
