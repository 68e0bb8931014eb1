# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ferry.offer(): objects of the application, which functions and objects in workers call.

Each task that has one as an argument has a socket of its own for that. What is asked over it is carried out on the home's
thread, in its order.
"""

import concurrent.futures
import inspect
import socket
from collections.abc import Callable
from typing import Any

from . import _home, _job, _message, _mux, _travel
from ._library import Ferry
from ._objects import OPERATIONS, Step
from ._outcome import Answer, Call
from ._proxy import View


class _Server:
    """Answers what one task, or one object in a worker, asks of an object here."""

    def __init__(self, home: _home.Home, value: Any, descriptor: int) -> None:
        self._value = value
        self._transport = _mux.open_transport(descriptor)
        self._core = Ferry.Demux.new(self._transport)
        self._core.set_context(home.context)
        self._core.add_handler(_mux.ASK, _home.weakly(self._handle))
        self._core.start()

    def _handle(self, invocation: Any, *_: Any) -> None:
        def answer(get: Callable[[], Any]) -> None:
            invocation.return_bytes(_mux.pack_answer(get, self._value, globals()))

        _job.asked.invocation = invocation
        try:
            value = self._carry_out(invocation)
        except BaseException as exception:
            _fail(answer, exception)
        else:
            _when_done(value, answer)
        finally:
            _job.asked.invocation = None

    def _carry_out(self, invocation: Any) -> Any:
        (steps,), _ = _message.loads(invocation.get_bytes() or _message.from_variant(invocation.get_arguments()))
        value = self._value
        for kind, *operands in steps:
            value = OPERATIONS[kind](value, *operands)
        return value

    def close(self) -> None:
        self._transport.close()


def _fail(answer: Callable[[Callable[[], Any]], None], exception: BaseException) -> None:
    def get() -> Any:
        raise exception

    answer(get)


def _when_done(value: Any, answer: Callable[[Callable[[], Any]], None]) -> None:
    """Answers at once, or later where the value is to come: where it can be awaited, or is a future."""
    if isinstance(value, concurrent.futures.Future):
        value.add_done_callback(lambda future: answer(future.result))
    elif inspect.isawaitable(value):
        _home.run(_wait_for(value, answer))
    else:
        answer(lambda: value)


async def _wait_for(awaitable: Any, answer: Callable[[Callable[[], Any]], None]) -> None:
    try:
        value = await awaitable
    except BaseException as exception:
        _fail(answer, exception)
    else:
        answer(lambda: value)


class _Client:
    """In a worker: asks the application. It is what a View knows as a proxy."""

    def __init__(self, descriptor: int) -> None:
        self._mux = _mux.Mux(_mux.MuxChannel(descriptor))

    def _ask(self, steps: list[Step], name: str) -> Call[Any]:
        call = self._mux._ask(Answer(name), "in the application", (steps,), {})
        _job.unanswered.add(call)
        call._call_at_end(_job.unanswered.discard)
        return call


def _open_view(name: str, *arguments: Any) -> View:
    offer = _travel.open_traveller(*arguments)
    assert isinstance(offer, Offer)
    return View(offer._client, (), name)


class Offer(_travel.Traveller):
    """An object of the application, for workers: see offer()."""

    _needs_task = False

    def __init__(self, value: Any, home: _home.Home) -> None:
        self._value = value
        self._home = home

    def __reduce__(self) -> Any:
        _, arguments = super().__reduce__()
        return _open_view, (type(self._value).__qualname__, *arguments)

    def _give_to(self, task: Any) -> None:
        here, there = socket.socketpair()
        server = _Server(self._home, self._value, here.detach())
        with there:
            task.add_descriptor(there.fileno())
        task._keep(server)

    def _arrive(self, job: Any, handle: int, count: int) -> None:
        self._client = _Client(job.dup_descriptor(handle))


def offer(value: Any, *, context: Any = None) -> Offer:
    """Offers an object of the application to workers. The offer is an argument of functions, and of methods of objects
    in workers, which have a `ferry.View` of the object instead.

    What they ask of it is carried out where signals of an executor come that is made here. A method may return a
    `concurrent.futures.Future`, or be a coroutine, to answer later.
    """
    return Offer(value, _home.find(context))
