# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The calls of traits-futures, for programs that are written for it.

    executor = TraitsExecutor()
    future = submit_call(executor, render, path)
    future.observe(show, "done")

cancel(), stop() and shutdown() end a function that runs, where those of traits-futures wait until it returns.

Handlers run on the thread that has submitted, or has started the router: between two callbacks of its main loop, of GLib,
of asyncio or of another kind, and in shutdown() and route_until(). Where the package traits is installed, futures,
executors and receivers are HasTraits.
"""

import abc
import asyncio
import concurrent.futures
import functools
import logging
import os
import queue
import select
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from .. import _home, _job, _pipe, _travel
from .. import concurrent as ferry_concurrent
from .._library import Ferry, GLib, is_error
from .._task import Task, name_of
from ..errors import Error
from . import _futures
from ._futures import (CANCELLED, CANCELLING, COMPLETED, EXECUTING, FAILED, WAITING, BaseFuture, BaseTask, CallFuture,
                       FutureState, IFuture, IterationFuture, ITaskSpecification, ProgressFuture, TaskCancelled)
from ._observed import ChangeEvent, Enum, Event, Observed, Property

__all__ = ["AsyncioEventLoop", "BaseFuture", "BaseTask", "CANCELLED", "CANCELLING", "COMPLETED", "CallFuture", "ChangeEvent",
           "ETSEventLoop", "EXECUTING", "ExecutorState", "FAILED", "FutureState", "IEventLoop", "IFuture",
           "IParallelContext", "ITaskSpecification", "IterationFuture", "MultiprocessingContext", "MultiprocessingReceiver",
           "MultiprocessingRouter", "MultiprocessingSender", "ProgressFuture", "RUNNING", "STOPPED", "STOPPING",
           "TaskCancelled", "TraitsExecutor", "WAITING", "submit_call", "submit_iteration", "submit_progress"]

logger = logging.getLogger(__name__)

RUNNING = "running"
STOPPING = "stopping"
STOPPED = "stopped"
ExecutorState = Enum(RUNNING, STOPPING, STOPPED)


# ---- loops ----


class Pinger:
    """Has the pingee that made it call its function. It is for one thread, which need not be the loop's."""

    def __init__(self, pingee: "Pingee") -> None:
        self._pingee: Pingee | None = pingee

    def connect(self) -> None:
        pass

    def disconnect(self) -> None:
        """Forgets the pingee. A ping behind this is nothing."""
        self._pingee = None

    def ping(self) -> None:
        pingee = self._pingee
        if pingee is not None:
            pingee._call_soon(pingee._call)


class Pingee:
    """A function that a loop calls for each ping, while it is connected."""

    def __init__(self, on_ping: Callable[[], Any], call_soon: Callable[[Callable[[], Any]], Any]) -> None:
        self._on_ping: Callable[[], Any] | None = on_ping
        self._call_soon = call_soon

    def connect(self) -> None:
        pass

    def disconnect(self) -> None:
        self._on_ping = None

    def pinger(self) -> Pinger:
        return Pinger(self)

    def _call(self) -> None:
        if self._on_ping is not None:
            self._on_ping()


class IEventLoop(abc.ABC):
    """A loop that handlers run on. A class of this kind for another loop need only have pingee()."""

    @abc.abstractmethod
    def pingee(self, on_ping: Callable[[], Any]) -> Any:
        """What has the loop call on_ping(): it has connect(), disconnect(), and pinger(), which has these and ping()."""


class AsyncioEventLoop(IEventLoop):
    """A loop of asyncio, which need not run yet."""

    def __init__(self, *, event_loop: asyncio.AbstractEventLoop) -> None:
        self._loop = event_loop

    def close(self) -> None:
        """Nothing: who has made the loop of asyncio closes it."""

    def pingee(self, on_ping: Callable[[], Any]) -> Pingee:
        return Pingee(on_ping, self._loop.call_soon_threadsafe)


class ETSEventLoop(IEventLoop):
    """The loop of asyncio that runs on this thread, and else that of GLib, which is GTK's."""

    def _find(self) -> AsyncioEventLoop | None:
        loop = _home.running_loop()
        is_asyncio = isinstance(loop, asyncio.AbstractEventLoop) and not type(loop).__module__.startswith("gi.")
        return AsyncioEventLoop(event_loop=loop) if is_asyncio else None

    def pingee(self, on_ping: Callable[[], Any]) -> Pingee:
        loop = self._find()
        if loop is not None:
            return loop.pingee(on_ping)
        return Pingee(on_ping, functools.partial(_home.post, _home.find(GLib.MainContext.ref_thread_default()).context))


# ---- pipes ----


class MultiprocessingSender(_pipe.Sender):
    """The writing end. It is started once, sends, and is stopped once; a `with` block does both ends of that.

    What is sent behind the end of the receiver is discarded.
    """

    _is_running = _is_discarding = False

    def start(self) -> None:
        if self._is_closed or self._is_running:
            raise RuntimeError("The sender was started before; start it once")
        try:
            self._start()
        except BrokenPipeError:
            self._is_discarding = True
        self._is_running = True

    def send(self, message: Any) -> None:
        if not self._is_running:
            raise RuntimeError("The sender does not run; send after start() and before stop()")
        if self._is_discarding:
            return
        try:
            super().send(message)
        except BrokenPipeError:
            self._is_discarding = True

    def stop(self) -> None:
        if not self._is_running:
            raise RuntimeError("The sender does not run; stop it once, after start()")
        self._is_running = False
        self.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()


class _Core(_pipe.Receiver):
    """The receiver itself. With `post`, messages are handled where that has functions called."""

    def __init__(self, home: _home.Home, post: Callable[[Callable[[], Any]], Any] | None) -> None:
        super().__init__(home, False)
        self._post = post

    def _emit_all(self) -> None:
        if self._post is None:
            super()._emit_all()
        else:
            self._post(super()._emit_all)


class MultiprocessingReceiver(Observed):
    """The reading end. `message` is an event, which is to be observed."""

    message = Event()
    connection_id = 0
    _core: Any = None

    def _listen(self, core: _Core) -> None:
        self._core = core
        core.connect("message", self._take)

    def _take(self, _: Any, message: Any) -> None:
        self.message = message

    def _connect_end(self, post: Callable[[Callable[[], Any]], Any] | None, function: Callable[[], Any]) -> None:
        """Has it called behind the last message."""
        self._core.connect("closed", lambda _: function() if post is None else post(function))


class MultiprocessingRouter(Observed):
    """Routes messages of workers to receivers.

    `event_loop` is an IEventLoop; without one it is what ETSEventLoop finds. What `manager` is for, Ferry does by itself.
    """

    def __init__(self, event_loop: Any = None, manager: Any = None, **traits: Any) -> None:
        super().__init__(**traits)
        self._event_loop = ETSEventLoop() if event_loop is None else event_loop
        self._home: _home.Home | None = None
        self._pingee: Any = None
        self._pinger: Any = None
        self._receivers: dict[int, MultiprocessingReceiver] = {}
        self._last_id = 0
        self._pending: queue.SimpleQueue[Callable[[], Any]] = queue.SimpleQueue()
        self._is_pinged = False

    def _running_home(self) -> _home.Home:
        if self._home is None:
            raise RuntimeError("The router does not run; call start() first")
        return self._home

    def start(self) -> None:
        """Has messages routed, to handlers on this thread."""
        if self._home is not None:
            raise RuntimeError("The router runs already; start it once")
        loop = self._event_loop
        if isinstance(loop, ETSEventLoop):
            loop = loop._find()
        if loop is None:
            self._home = _home.find(GLib.MainContext.ref_thread_default())
            return
        self._home = _home.own_thread()
        self._pingee = loop.pingee(self._drain)
        self._pingee.connect()
        self._home.call(self._connect_pinger)

    def stop(self) -> None:
        """Routes no more. Pipes that are open are closed, and logged."""
        home = self._running_home()
        if self._receivers:
            logger.warning("The router is stopped while receivers are open (%d); call close_pipe() for each of them",
                           len(self._receivers))
        for receiver in list(self._receivers.values()):
            self.close_pipe(receiver)
        if self._pinger is not None:
            home.call(self._pinger.disconnect)
            self._pingee.disconnect()
        self._home = self._pinger = None

    def pipe(self) -> tuple[MultiprocessingSender, MultiprocessingReceiver]:
        """A sender, for a worker, and its receiver."""
        core = _Core(self._running_home(), self._post)
        self._last_id += 1
        receiver = MultiprocessingReceiver(connection_id=self._last_id)
        receiver._listen(core)
        self._receivers[self._last_id] = receiver
        return MultiprocessingSender(core), receiver

    def close_pipe(self, receiver: MultiprocessingReceiver) -> None:
        """Takes no more messages of a pipe: what is on its way is discarded."""
        self._running_home()
        if self._receivers.pop(receiver.connection_id, None) is not receiver:
            raise RuntimeError("The receiver is of no open pipe of this router")
        receiver._core.close()

    def route_until(self, condition: Callable[[], Any], timeout: float | None = None) -> None:
        """Routes messages on this thread until the condition holds. Raises RuntimeError after so many seconds."""
        home = self._running_home()
        if self._pinger is not None:
            self._drain_until(condition, timeout)
            return
        microseconds = -1 if timeout is None else max(0, int(timeout * GLib.USEC_PER_SEC))
        try:
            home.router.route_until(lambda *_: bool(condition()), None, microseconds)
        except GLib.Error as error:
            late = is_error(error, Ferry.Error.TIMED_OUT)
            raise RuntimeError("The condition did not hold in time" if late else error.message) from None

    # ---- for a loop that is not GLib's ----

    @property
    def _post(self) -> Callable[[Callable[[], Any]], Any] | None:
        return None if self._pinger is None else self._put

    def _connect_pinger(self) -> None:
        self._pinger = self._pingee.pinger()
        self._pinger.connect()

    def _put(self, function: Callable[[], Any]) -> None:
        """On Ferry's thread: has a function called on the loop's."""
        self._pending.put(function)
        if self._is_pinged or self._pinger is None:
            return
        self._is_pinged = True
        try:
            self._pinger.ping()
        except RuntimeError:
            # The loop was closed.
            pass

    def _drain(self) -> None:
        self._is_pinged = False
        for _ in range(self._pending.qsize()):
            try:
                self._pending.get_nowait()()
            except queue.Empty:
                # A handler has routed by itself.
                return

    def _drain_until(self, condition: Callable[[], Any], timeout: float | None) -> None:
        deadline = None if timeout is None else time.monotonic() + timeout
        while not condition():
            try:
                self._pending.get(timeout=None if deadline is None else max(0, deadline - time.monotonic()))()
            except queue.Empty:
                raise RuntimeError("The condition did not hold in time") from None


# ---- contexts ----


# Not all versions of mypy know its eventfd().
_os: Any = os


class _SharedEvent(_travel.Traveller):
    """An event, for this process and for the workers of the tasks that it is an argument of."""

    def __init__(self) -> None:
        self._descriptor: int = _os.eventfd(0, _os.EFD_CLOEXEC | _os.EFD_NONBLOCK)

    def _give_to(self, task: Any) -> None:
        task.add_descriptor(self._descriptor)

    def _arrive(self, job: Any, handle: int, count: int) -> None:
        self._descriptor = job.dup_descriptor(handle)

    def __del__(self) -> None:
        if "_descriptor" in self.__dict__:
            os.close(self._descriptor)

    def set(self) -> None:
        _os.eventfd_write(self._descriptor, 1)

    def clear(self) -> None:
        try:
            _os.eventfd_read(self._descriptor)
        except BlockingIOError:
            # It was not set.
            pass

    def is_set(self) -> bool:
        return self.wait(0)

    def wait(self, timeout: float | None = None) -> bool:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return bool(poll.poll(None if timeout is None else timeout * 1000))


class IParallelContext(abc.ABC):
    """Where tasks run."""

    @abc.abstractmethod
    def worker_pool(self, *, max_workers: int | None = None) -> ferry_concurrent.Executor:
        """What runs tasks: their processes, of which there are as many as processors by default."""

    @abc.abstractmethod
    def event(self) -> Any:
        """An event as that of threading, for this process and the workers that it is an argument for."""

    @abc.abstractmethod
    def message_router(self, event_loop: Any) -> Any:
        """A router that has not been started."""

    @abc.abstractmethod
    def close(self) -> None:
        """Ends what the context has."""

    @property
    @abc.abstractmethod
    def closed(self) -> bool:
        """Whether close() was called."""


class MultiprocessingContext(IParallelContext):
    """Workers of Ferry."""

    def __init__(self) -> None:
        self._closed = False

    def worker_pool(self, *, max_workers: int | None = None) -> ferry_concurrent.Executor:
        return ferry_concurrent.Executor(max_workers)

    def event(self) -> _SharedEvent:
        return _SharedEvent()

    def message_router(self, event_loop: Any = None) -> MultiprocessingRouter:
        return MultiprocessingRouter(event_loop=event_loop)

    def close(self) -> None:
        self._closed = True

    @property
    def closed(self) -> bool:
        return self._closed


# ---- executors ----


def _run(task: Callable[..., Any], sender: MultiprocessingSender, event: Any) -> None:
    """In a worker."""
    with sender:
        task(sender.send, _job.cancelled if event is None else event.is_set)


class _Running:
    """A future, and what it is the future of."""

    def __init__(self, future: Any, work: Task[None], receiver: MultiprocessingReceiver, note_end: "Callable[[_Running], Any]") -> None:
        self.future = future
        self.work = work
        self.receiver = receiver
        self._note_end = note_end
        self._is_done = False
        receiver.observe(self._take, "message")

    def _take(self, event: Any) -> None:
        self._receive(event.new)

    def _receive(self, message: Any) -> None:
        if self.future.receive(message):
            self._end()

    def _end(self) -> None:
        if not self._is_done:
            self._is_done = True
            self._note_end(self)

    def note_closed(self) -> None:
        """There are no more messages. If none of them was the last one, there was a cancel, or the worker is lost."""
        if self._is_done:
            return
        try:
            exception: BaseException | None = self.work.exception()
        except concurrent.futures.CancelledError as error:
            exception = error
        if not isinstance(self.future, BaseFuture):
            logger.error("The task %s has ended, and its future was not told", self.work._name, exc_info=exception)
        elif self.future.state == CANCELLING:
            self._receive((_futures.ABANDONED, None))
        else:
            if exception is None:
                exception = Error("The task %s has ended without a result that could be read" % self.work._name)
            self._receive((_futures.STARTED, None))
            self._receive((_futures.RAISED, _futures.marshal_exception(exception)))
        self._end()


class TraitsExecutor(Observed):
    """Submits tasks to workers, and tells their futures. All of it is for one thread.

    `worker_pool` is a ferry.concurrent.Executor, which who has made it shuts down. `event_loop` is that of the thread; what
    it is by default, ETSEventLoop finds when the first task is submitted.
    """

    def __init__(self, *, worker_pool: ferry_concurrent.Executor | None = None, max_workers: int | None = None,
                 context: IParallelContext | None = None, event_loop: Any = None, **traits: Any) -> None:
        super().__init__(**traits)
        if worker_pool is not None and max_workers is not None:
            raise TypeError("A worker pool has its number of workers; leave out max_workers")
        self._owns_context = context is None
        self._context = MultiprocessingContext() if context is None else context
        self._event_loop = ETSEventLoop() if event_loop is None else event_loop
        self._owns_pool = worker_pool is None
        self._pool: Any = self._context.worker_pool(max_workers=max_workers) if worker_pool is None else worker_pool
        if not isinstance(self._pool, ferry_concurrent.Executor):
            raise TypeError("Workers of a %s cannot send messages; let worker_pool be a ferry.concurrent.Executor"
                            % type(self._pool).__name__)
        self._thread = threading.get_ident()
        self._router: Any = None
        self._all_running: set[_Running] = set()
        self._state = RUNNING

    @Property
    def state(self) -> str:
        """RUNNING, STOPPING or STOPPED. It may be observed, and so may the next two."""
        return self._state

    @Property
    def running(self) -> bool:
        return self._state == RUNNING

    @Property
    def stopped(self) -> bool:
        return self._state == STOPPED

    def _change(self, state: str) -> None:
        old, self._state = self._state, state
        self.trait_property_changed("state", old, state)
        for name, named in (("running", RUNNING), ("stopped", STOPPED)):
            if (old == named) != (state == named):
                self.trait_property_changed(name, old == named, state == named)

    def submit(self, task: Any) -> Any:
        """Submits an ITaskSpecification, and returns its future."""
        if threading.get_ident() != self._thread:
            raise RuntimeError("An executor belongs to the thread that has made it; submit tasks there")
        if self._state != RUNNING:
            raise RuntimeError("The executor was stopped, and takes no more tasks; make another one")
        if self._router is None:
            self._router = self._context.message_router(event_loop=self._event_loop)
            self._router.start()
        sender, receiver = self._router.pipe()
        try:
            return self._submit(task, sender, receiver)
        except BaseException:
            self._router.close_pipe(receiver)
            raise

    def _submit(self, task: Any, sender: MultiprocessingSender, receiver: MultiprocessingReceiver) -> Any:
        body = task.task()
        # A function is interrupted. What looks for a cancel by itself is left alone.
        event = None if isinstance(body, _futures.FunctionTask) else self._context.event()
        work: Task[None] = Task(_run, body, sender, event)
        work.props.name = name_of(body)
        future = task.future(work.cancel if event is None else event.set)
        running = _Running(future, work, receiver, self._note_end)
        receiver._connect_end(self._router._post, running.note_closed)
        self._pool._inner.submit(work)
        self._all_running.add(running)
        return future

    def submit_call(self, callable: Callable[..., Any], /, *args: Any, **kwargs: Any) -> CallFuture:
        return submit_call(self, callable, *args, **kwargs)

    def submit_iteration(self, callable: Callable[..., Any], /, *args: Any, **kwargs: Any) -> IterationFuture:
        return submit_iteration(self, callable, *args, **kwargs)

    def submit_progress(self, callable: Callable[..., Any], /, *args: Any, **kwargs: Any) -> ProgressFuture:
        return submit_progress(self, callable, *args, **kwargs)

    def stop(self) -> None:
        """Takes no more tasks and cancels those that there are. The state becomes STOPPED when all have ended."""
        if self._state != RUNNING:
            raise RuntimeError("The executor was stopped before")
        self._change(STOPPING)
        for running in list(self._all_running):
            running.future.cancel()
        self._stop_if_done()

    def shutdown(self, *, timeout: float | None = None) -> None:
        """Stops, which ends functions that run, and waits for all tasks. Raises RuntimeError after so many seconds, and may then be called again."""
        if self._state == RUNNING:
            self.stop()
        if self._state == STOPPED:
            return
        try:
            self._router.route_until(lambda: not self._all_running, timeout)
        except RuntimeError:
            raise RuntimeError("Not all tasks have ended in time; %d still run" % len(self._all_running)) from None

    def _note_end(self, running: _Running) -> None:
        self._router.close_pipe(running.receiver)
        self._all_running.discard(running)
        if self._state == STOPPING:
            self._stop_if_done()

    def _stop_if_done(self) -> None:
        if self._all_running:
            return
        if self._router is not None:
            self._router.stop()
        if self._owns_context:
            self._context.close()
        if self._owns_pool:
            self._pool.shutdown()
        self._change(STOPPED)


def _submit(executor: TraitsExecutor, task: _futures.FunctionTask, future: type[BaseFuture]) -> Any:
    return executor.submit(_futures.FunctionSpecification(task, future))


def submit_call(executor: TraitsExecutor, callable: Callable[..., Any], /, *args: Any, **kwargs: Any) -> CallFuture:
    """Has a worker call a function, and returns the future of its result."""
    future: CallFuture = _submit(executor, _futures.CallTask(callable, args, kwargs), CallFuture)
    return future


def submit_iteration(executor: TraitsExecutor, callable: Callable[..., Any], /, *args: Any,
                     **kwargs: Any) -> IterationFuture:
    """Has a worker iterate over what a function returns, and returns a future that is told each value."""
    future: IterationFuture = _submit(executor, _futures.IterationTask(callable, args, kwargs), IterationFuture)
    return future


def submit_progress(executor: TraitsExecutor, callable: Callable[..., Any], /, *args: Any,
                    **kwargs: Any) -> ProgressFuture:
    """Has a worker call a function, which is given one more argument: progress(value) tells the future."""
    if "progress" in kwargs:
        raise TypeError("The argument 'progress' is that of the executor; give the function's own another name")
    future: ProgressFuture = _submit(executor, _futures.ProgressTask(callable, args, kwargs), ProgressFuture)
    return future
