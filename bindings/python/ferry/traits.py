# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The router of traits-futures, for programs that are written for it.

Handlers run on the thread that has started the router: between two callbacks of its main loop, of GLib or of asyncio, and
in route_until(). A sender goes to a worker as an argument of an executor's submit(), be it ferry.Executor or
ferry.concurrent.Executor.
"""

import asyncio
import logging
import queue
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, NamedTuple, Self

from . import _home, _pipe
from ._library import Ferry, GLib, is_error

__all__ = ["MessageEvent", "MultiprocessingReceiver", "MultiprocessingRouter", "MultiprocessingSender"]

logger = logging.getLogger(__name__)


class MessageEvent(NamedTuple):
    """What a handler of observe() is given: `new` is the message."""

    object: "MultiprocessingReceiver"
    name: str
    old: Any
    new: Any


class MultiprocessingSender(_pipe.Sender):
    """The writing end. It is started once, sends, and is stopped once; a `with` block does both ends of that."""

    def start(self) -> None:
        if self._is_closed or self._is_started:
            raise RuntimeError("The sender was started before; start it once")
        self._start()

    def send(self, message: Any) -> None:
        if self._is_closed or not self._is_started:
            raise RuntimeError("The sender does not run; send after start() and before stop()")
        super().send(message)

    def stop(self) -> None:
        if self._is_closed or not self._is_started:
            raise RuntimeError("The sender does not run; stop it once, after start()")
        self.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()


class MultiprocessingReceiver(_pipe.Receiver):
    """The reading end, whose messages are events of `message`."""

    __gtype_name__ = "FerryPythonMultiprocessingReceiver"

    def __init__(self, home: _home.Home, latest: bool) -> None:
        super().__init__(home, latest)
        self.connection_id = 0
        self._router: MultiprocessingRouter | None = None
        self._handlers: dict[Any, int] = {}

    def _emit_all(self, *_: Any) -> None:
        if self._router is not None and self._router._loop is not None:
            self._router._put(self)
        else:
            super()._emit_all()

    def _emit_here(self) -> None:
        super()._emit_all()

    def _observe(self, handler: Any, call: Callable[..., None], remove: bool) -> None:
        if remove:
            self.disconnect(self._handlers.pop(handler))
        else:
            self._handlers[handler] = self.connect("message", call)

    def observe(self, handler: Callable[[MessageEvent], Any], expression: str = "message", *, remove: bool = False,
                dispatch: str = "same") -> None:
        """Has handler called with an event for each message."""
        self._observe(handler, lambda _, message: handler(MessageEvent(self, expression, None, message)) and None, remove)

    def on_trait_change(self, handler: Callable[[Any], Any], name: str = "message", remove: bool = False,
                        dispatch: str = "same") -> None:
        """Has handler called with each message."""
        self._observe(handler, lambda _, message: handler(message) and None, remove)


class MultiprocessingRouter:
    """Routes messages of workers to receivers. What event_loop and manager were for, Ferry does by itself."""

    def __init__(self, event_loop: Any = None, manager: Any = None) -> None:
        self._home: _home.Home | None = None
        self._loop: Any = None
        self._receivers: dict[int, MultiprocessingReceiver] = {}
        self._last_id = 0
        self._pending: queue.SimpleQueue[MultiprocessingReceiver] = queue.SimpleQueue()

    def _running_home(self) -> _home.Home:
        if self._home is None:
            raise RuntimeError("The router does not run; call start() first")
        return self._home

    def start(self) -> None:
        """Has messages routed, to handlers on this thread."""
        if self._home is not None:
            raise RuntimeError("The router runs already; start it once")
        loop = _home.running_loop()
        if isinstance(loop, asyncio.AbstractEventLoop) and not type(loop).__module__.startswith("gi."):
            self._loop = loop
            self._home = _home.own_thread()
        else:
            self._home = _home.find(GLib.MainContext.ref_thread_default())

    def stop(self) -> None:
        """Routes no more. Pipes that are open are closed, and logged."""
        self._running_home()
        if self._receivers:
            logger.warning("The router is stopped while receivers are open (%d); call close_pipe() for each of them",
                           len(self._receivers))
        for receiver in list(self._receivers.values()):
            self.close_pipe(receiver)
        self._home = self._loop = None

    def pipe(self) -> tuple[MultiprocessingSender, MultiprocessingReceiver]:
        """A sender, for a worker, and its receiver."""
        home = self._running_home()
        receiver = MultiprocessingReceiver(home, False)
        receiver._router = self
        receiver._handles_at_once = self._loop is None
        self._last_id += 1
        receiver.connection_id = self._last_id
        self._receivers[receiver.connection_id] = receiver
        return MultiprocessingSender(receiver), receiver

    def close_pipe(self, receiver: MultiprocessingReceiver) -> None:
        """Takes no more messages of a pipe: what is on its way is discarded."""
        self._running_home()
        if self._receivers.pop(receiver.connection_id, None) is not receiver:
            raise RuntimeError("The receiver is of no open pipe of this router")
        receiver.close()

    def route_until(self, condition: Callable[[], Any], timeout: float | None = None) -> None:
        """Routes messages on this thread until the condition holds. Raises RuntimeError after so many seconds."""
        home = self._running_home()
        if self._loop is not None:
            self._drain_until(condition, timeout)
            return
        microseconds = -1 if timeout is None else max(0, int(timeout * GLib.USEC_PER_SEC))
        try:
            home.router.route_until(lambda *_: bool(condition()), None, microseconds)
        except GLib.Error as error:
            late = is_error(error, Ferry.Error.TIMED_OUT)
            raise RuntimeError("The condition did not hold in time" if late else error.message) from None

    # ---- for a loop of asyncio ----

    def _put(self, receiver: MultiprocessingReceiver) -> None:
        """On Ferry's thread: there are messages of this receiver."""
        self._pending.put(receiver)
        try:
            self._loop.call_soon_threadsafe(self._drain)
        except (AttributeError, RuntimeError):
            # The router was stopped, or the loop was closed.
            pass

    def _drain(self) -> None:
        while not self._pending.empty():
            self._pending.get_nowait()._emit_here()

    def _drain_until(self, condition: Callable[[], Any], timeout: float | None) -> None:
        deadline = None if timeout is None else time.monotonic() + timeout
        while not condition():
            try:
                rest = None if deadline is None else max(0, deadline - time.monotonic())
                self._pending.get(timeout=rest)._emit_here()
            except queue.Empty:
                raise RuntimeError("The condition did not hold in time") from None
