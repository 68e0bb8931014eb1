# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What goes to a worker with descriptors: how it is found among the arguments of a call, and opened in the worker."""

import pickle
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import Error

if TYPE_CHECKING:
    from ._pipe import Receiver

T = TypeVar("T")


class _Packing(threading.local):
    travellers: "list[Traveller] | None" = None


_packing = _Packing()

# In a worker, while the arguments of a call are unpickled: the job, and the handle of its first sender.
_opening: tuple[Any, int] | None = None


def collect(pack: Callable[[], T]) -> "tuple[T, list[Traveller]]":
    """In the application: what pack() gives, and what is not only bytes among what it pickles."""
    before = _packing.travellers
    travellers: list[Traveller] = []
    # Ctrl-C may come at any step: the end of a block `with` would be a function that it interrupts at its first one.
    try:
        _packing.travellers = travellers
        return pack(), travellers
    finally:
        _packing.travellers = before


def is_packing() -> bool:
    """Whether what is pickled now is the arguments of a task, or of a call of an object, which take descriptors along."""
    return _packing.travellers is not None


def opening(job: Any, handle: int, unpack: Callable[..., Any], *arguments: Any) -> Any:
    """In a worker: what is unpickled meanwhile has descriptors of the job, with the handles from this one on."""
    global _opening
    try:
        _opening = job, handle
        return unpack(*arguments)
    finally:
        _opening = None


def open_traveller(kind: "type[Traveller]", handle: int, count: int) -> "Traveller":
    if _opening is None:
        raise Error("What sends to the application can be had only by the function that it is an argument of")
    job, first = _opening
    traveller = kind.__new__(kind)
    traveller._arrive(job, first + handle, count)
    return traveller


class Traveller:
    """What goes to a worker as an argument of a task, with descriptors."""

    # How many descriptors it takes along.
    _n_handles = 1
    # Whether only a task takes it, and no call of an object in a worker.
    _needs_task = True

    def __reduce__(self) -> Any:
        if _packing.travellers is None:
            raise pickle.PicklingError("A %s goes to a worker as an argument of submit(), stream() or map(); it cannot be in "
                                       "a message, in a result or in the arguments of an initializer"
                                       % type(self).__name__.lower())
        handle = sum(traveller._n_handles for traveller in _packing.travellers)
        _packing.travellers.append(self)
        return open_traveller, (type(self), handle, self._n_handles)

    def _give_to(self, task: Any) -> "Receiver | None":
        """In the application: adds the descriptors to the task. Returns the receiver whose messages the task sends."""
        raise NotImplementedError

    def _arrive(self, job: Any, handle: int, count: int) -> None:
        """In the worker: takes the descriptors, from this handle on."""
        raise NotImplementedError
