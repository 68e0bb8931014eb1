# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where signals come, and how a thread or a coroutine waits: a home is a router, its thread and its main context.

The rule, for the thread that makes an executor:

1. Where that thread iterates a GLib main context, or will as the program uses GTK or a Gio.Application, the context is
   the home. Signals come between two callbacks of it, so handlers may use widgets.
2. Anywhere else, in a console program or under asyncio, Ferry has a thread of its own. Signals come on that thread.

What is waited for, by result(), await or for, is right on any thread in both cases.
"""

import atexit
import functools
import math
import os
import pickle
import sys
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from . import _native, _text
from ._library import Ferry, Gio, GLib, GObject
from .errors import CancelledError, Error

T = TypeVar("T")

# What a program of Python does where one in C calls ferry_worker_main().
WORKER_BEGIN = "call ferry.freeze_support() at its beginning if it is frozen, and Ferry.Worker.main() otherwise"

# A result may be large: it comes as one message.
MAX_MESSAGE = 1 << 30

# How many seconds a timer of the main loop takes.
MAX_TIMEOUT = 4_000_000


class Event(_native.Event):
    """Something that happens once; callbacks, threads and coroutines wait for it."""

    # What its home waits in, which is quit by it once: a program may wait many times for a short while.
    _loop: Any = None

    def wait(self, home: "Home | None", timeout: float | None) -> bool:
        """Waits on any thread, also on that of the home, which is what sets the event. Ctrl-C ends it."""
        if self.is_set():
            return True
        if home is not None and home.is_here():
            return home.iterate_until(self, timeout)
        return self.block(-1 if timeout is None else timeout if timeout > 0 else 0)

    def clear(self) -> None:
        """Before what it tells of is looked for: it happens anew with what comes later."""
        if self.is_set():
            super().clear()
            self._loop = None

    def __await__(self) -> Generator[Any, None, None]:
        if self.is_set():
            return
        loop = running_loop()
        if loop is None:
            # The coroutine was begun by spawn().
            yield self
            return
        future = loop.create_future()

        def finish() -> None:
            if not future.done():
                future.set_result(None)

        def ring() -> None:
            try:
                loop.call_soon_threadsafe(finish)
            except RuntimeError:
                # The loop was closed meanwhile, so nothing waits.
                pass

        self.add_callback(ring)
        yield from future


class Staying:
    """What no other process can have."""

    # What to do in place of sending it.
    _instead = "pass what the other process needs of it"

    def __reduce__(self) -> Any:
        raise pickle.PicklingError("A ferry.%s stays in its process; %s" % (type(self).__name__, self._instead))


class Closing(Staying):
    """What is closed at the end of a `with` block."""

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


class End(Exception):
    """There is no further value. It is no exception of a program's, which a value may be."""


class Values(Staying, Generic[T]):
    """What is taken by `for` and by `async for`."""

    _instead = "pass its values"

    _home: "Home | None"
    # Until when what is taken has to come.
    _deadline: float | None = None

    def _give_up(self) -> TimeoutError:
        """The time is over."""
        raise NotImplementedError

    def _seconds_left(self) -> float | None:
        return None if self._deadline is None else self._deadline - time.monotonic()

    def _poll(self) -> Event | None:
        """What to wait for, or None where there is a value, or the end."""
        raise NotImplementedError

    def _take(self) -> T:
        """A value. Raises End behind the last one."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        while event := self._poll():
            if self._home is None:
                raise Error("What is iterated was not submitted; give it to Executor.submit() first")
            if not event.wait(self._home, self._seconds_left()):
                raise self._give_up()
        try:
            return self._take()
        except End:
            raise StopIteration from None

    async def _wait_until(self, event: Event) -> None:
        seconds = max(self._seconds_left() or 0, 0.001)
        is_late = False

        def note() -> None:
            nonlocal is_late
            is_late = not event.is_set()
            event.set()

        assert self._home is not None
        timer = post(self._home.context, note, min(seconds, MAX_TIMEOUT))
        try:
            await event
        finally:
            timer.destroy()
        if is_late:
            raise self._give_up()

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        while event := self._poll():
            if self._deadline is None:
                await event
            else:
                await self._wait_until(event)
        try:
            return self._take()
        except End:
            raise StopAsyncIteration from None


def running_loop() -> Any:
    """The event loop that this thread runs. Where nothing has imported asyncio, there is none."""
    find: Callable[[], Any] | None = getattr(sys.modules.get("asyncio.events"), "_get_running_loop", None)
    return None if find is None else find()


class Home:
    """A router whose signals come on one thread: this one, which iterates the context."""

    # Whether the program ends.
    is_over = False

    def __init__(self, context: Any) -> None:
        self.context = context
        # Those of the library whose pipes are open, on the home's thread.
        self.receivers: set[Any] = set()
        self._thread_number = threading.get_ident()
        self._process = os.getpid()
        self.router = Ferry.Router.new(context)
        self.router.props.max_message_size = MAX_MESSAGE
        try:
            self.router.start()
        except GLib.Error as error:
            raise Error(error.message.replace("call ferry_worker_main() at the beginning of main()", WORKER_BEGIN)) from None

    def is_here(self) -> bool:
        """Whether this is the home's thread."""
        return threading.get_ident() == self._thread_number

    def is_of_this_process(self) -> bool:
        """Whether its thread is here, and not in the process that this one was forked from."""
        return os.getpid() == self._process

    def call(self, function: Callable[[], T]) -> T:
        """Runs a function on the home's thread, and returns its result."""
        if self.is_here():
            return function()
        if not self.is_of_this_process():
            raise Error("This process was forked from that of the executor, and has no thread of it; make another executor")
        outcome: list[Any] = []
        event = Event()

        def run() -> None:
            try:
                outcome.append((function(), None))
            except BaseException as error:
                outcome.append((None, error))
            event.set()

        post(self.context, run, priority=GLib.PRIORITY_HIGH)
        event.wait(self, None)
        value, error = outcome.pop()
        if error is not None:
            raise error
        result: T = value
        return result

    def share(self, found: Any) -> Any:
        """An object of the library, or what was found at one, as this thread may use it."""
        is_bound = callable(found) or isinstance(found, (GObject.Object, type(GObject.Object.props)))
        return Shared(self, found) if is_bound and not self.is_here() else found

    def can_wait(self) -> bool:
        return not self.is_here() or GLib.main_depth() == 0

    def iterate_until(self, event: Event, timeout: float | None) -> bool:
        """Runs the main loop of this thread until the event, for a program that is not in it yet."""
        if GLib.main_depth() > 0:
            raise Error("A callback of the main loop cannot wait for what the loop brings; await it, or connect to "
                        "the signal 'done'")
        if timeout is not None and timeout <= 0:
            return event.is_set()
        loop = event._loop
        if loop is None:
            loop = event._loop = GLib.MainLoop(self.context)
            event.add_callback(loop.quit)
        timer = None if timeout is None else post(self.context, loop.quit, min(timeout, MAX_TIMEOUT))
        try:
            if not event.is_set():
                loop.run()
        finally:
            if timer is not None:
                timer.destroy()
        return event.is_set()


class Shared:
    """An object of the library, its methods or its properties, for another thread than the home's, where they are used."""

    def __init__(self, home: Home, found: Any) -> None:
        self.__dict__.update(_home=home, _found=found)

    def __repr__(self) -> str:
        return "<%r, by its thread>" % self._found

    def __dir__(self) -> list[str]:
        return dir(self._found)

    def __getattr__(self, name: str) -> Any:
        return self._home.share(self._home.call(lambda: getattr(self._found, name)))

    def __setattr__(self, name: str, value: Any) -> None:
        self._home.call(lambda: setattr(self._found, name, value))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        own = [arg._found if isinstance(arg, Shared) else arg for arg in args]
        return self._home.share(self._home.call(lambda: self._found(*own, **kwargs)))


class Properties:
    """The properties of an object of the library, as any thread reads and sets them: on the home's thread, where it has one."""

    _home: Home | None
    _found: Any

    def __init__(self, home: Home | None, found: Any) -> None:
        self.__dict__.update(_home=home, _found=found)

    def _call(self, function: Callable[[], Any]) -> Any:
        # What runs no more has no thread to ask, and what no executor has yet is this thread's.
        home = self._home
        if home is None or home.is_over or not home.is_of_this_process():
            return function()
        return home.call(function)

    def __dir__(self) -> list[str]:
        return dir(self._found)

    def __getattr__(self, name: str) -> Any:
        return self._call(functools.partial(getattr, self._found, name))

    def __setattr__(self, name: str, value: Any) -> None:
        self._call(lambda: setattr(self._found, name, _text.display(value)))


def post(context: Any, function: Callable[[], Any], seconds: float = 0, priority: int = GLib.PRIORITY_DEFAULT) -> Any:
    """Has a function run where a main context is iterated, later, and does not wait for it. destroy() takes it back."""
    def run(*_: Any) -> bool:
        function()
        return False

    source = GLib.Timeout(math.ceil(seconds * 1000)) if seconds > 0 else GLib.Idle()
    source.set_priority(priority)
    source.set_callback(run)
    source.attach(context)
    return source


def weakly(method: Callable[..., Any]) -> Callable[..., None]:
    """Calls a method as long as there is its object, which this keeps no reference to."""
    reference = weakref.WeakMethod(method)

    def call(*arguments: Any) -> None:
        found = reference()
        if found is not None:
            found(*arguments)

    return call


class ThreadHome(Home):
    """A thread of Ferry's own."""

    def __init__(self) -> None:
        self._loop = GLib.MainLoop(GLib.MainContext.new())
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="ferry", daemon=True)
        self._thread.start()
        self._started.wait()
        if self._failure is not None:
            raise self._failure
        atexit.register(self._end)

    def _run(self) -> None:
        context = self._loop.get_context()
        context.push_thread_default()
        try:
            super().__init__(context)
        except BaseException as error:
            self._failure = error
        finally:
            self._started.set()
        if self._failure is None:
            self._loop.run()
            # The end of the program is that of its pipes, and no fault of it.
            for receiver in list(self.receivers):
                self.router.close_pipe(receiver)
            self.router.stop()

    def _end(self) -> None:
        """Before the interpreter ends: workers end, and no callback comes later."""
        self.is_over = True
        self._loop.quit()
        self._thread.join()


_lock = threading.Lock()
_homes: dict[Any, Home] = {}


def _own_context() -> Any:
    """The main context that this thread iterates, or None: the first point of the rule."""
    loop = running_loop()
    if loop is not None and not type(loop).__module__.startswith("gi."):
        return None
    thread_default = GLib.MainContext.ref_thread_default()
    if GLib.main_depth() > 0 or loop is not None:
        return thread_default
    if threading.current_thread() is not threading.main_thread():
        return None
    uses_gtk = "gi.repository.Gtk" in sys.modules or Gio.Application.get_default() is not None
    return thread_default if uses_gtk else None


def find(context: Any = None) -> Home:
    """The home for an executor that is made here. A context is given where the rule does not see it."""
    return _get(_own_context() if context is None else context)


def own_thread() -> Home:
    """The home that is Ferry's own thread."""
    return _get(None)


def known() -> list[Home]:
    """Those that there are."""
    with _lock:
        return [home for home in _homes.values() if home.is_of_this_process() and not home.is_over]


def _get(context: Any) -> Home:
    # A forked process has none of the threads.
    key = (os.getpid(), threading.get_ident(), hash(context)) if context is not None else os.getpid()
    with _lock:
        if key not in _homes:
            _homes[key] = ThreadHome() if context is None else Home(context)
        return _homes[key]


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Runs a coroutine in the event loop of this thread, and without one as spawn() does."""
    loop = running_loop()
    return spawn(coroutine) if loop is None else loop.create_task(coroutine)


def spawn(coroutine: Coroutine[Any, Any, Any]) -> Event:
    """Runs a coroutine on the main loop of this thread, where there is no event loop of asyncio.

    It may await tasks and what is made of them. The event that is returned happens at its end. Its exceptions are
    printed, as those of a handler are, but for both kinds of CancelledError: what it awaited was cancelled.
    """
    ended = Event()
    context = GLib.MainContext.ref_thread_default()

    def step() -> None:
        try:
            coroutine.send(None).add_callback(lambda: post(context, step))
        except StopIteration:
            ended.set()
        except BaseException as exception:
            import asyncio

            if not isinstance(exception, (asyncio.CancelledError, CancelledError)):
                sys.excepthook(*sys.exc_info())
            ended.set()

    step()
    return ended
