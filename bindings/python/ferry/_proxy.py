# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""In the application: the proxy of an object that lives in a worker, and views of what is behind its attributes.

The worker is _objects.py. One connection has all objects of one worker.
"""

import collections
import concurrent.futures
import functools
import itertools
import os
import pickle
import socket
import uuid
import weakref
from collections.abc import Callable, Coroutine, Generator
from types import NoneType, TracebackType, UnionType
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, Union, get_args, get_origin, overload

from . import _exports, _fault, _home, _message, _mux, _notices, _text, _travel
from ._home import End, Event, Home, Values
from ._library import Ferry, GLib, GObject, is_error
from ._names import OBJECTS
from ._objects import CANCELLED, RAISED, Change, Memories, Step
from ._outcome import Call
from .errors import CancelledError, Error, WorkerLost

T = TypeVar("T")
O = TypeVar("O", covariant=True)
P = ParamSpec("P")
R = TypeVar("R")

# How long close() waits for the worker, in seconds, before it ends the process.
END_TIME = 1.0

# How many objects are let go without a request that would be made anyway.
MOST_RELEASED = 100

# The number of the object that a worker is made for.
ROOT = 1

# A pickle that is larger goes as memory: the way to a worker has room for about 1 MiB.
MAX_REQUEST = 1 << 16

MISSING: Any = object()


def _end_worker(transport: Any, worker: Any) -> None:
    """On the home's thread. A method that still runs is given some time."""
    transport.close()
    timer = _home.post(GLib.MainContext.ref_thread_default(), worker.force_exit, END_TIME)
    worker.connect("ended", lambda *_: timer.destroy())


class _Request:
    """What goes to the worker for a call: a message, and descriptors of memory and of offers, which go ahead of it."""

    def __init__(self, connection: "Connection", number: int, content: Any, call: Call[Any]) -> None:
        self.number = number
        self.call = call
        self.found_no_room = False
        self._connection = connection
        self._descriptors: list[int] = []
        (data, memory), travellers = _travel.collect(lambda: _message.pack(content, MAX_REQUEST))
        if memory >= 0:
            self._descriptors.append(memory)
        for traveller in travellers:
            if traveller._needs_task:
                raise pickle.PicklingError("A %s goes to a function, and to no object" % type(traveller).__name__.lower())
            traveller._give_to(self)
        self.message = GLib.Variant.new_tuple(GLib.Variant.new_uint64(number), _message.to_variant(data))

    def add_descriptor(self, descriptor: int) -> None:
        """Sends a copy of a descriptor along, as a task does."""
        self._descriptors.append(os.dup(descriptor))

    def _call_at_end(self, function: Callable[[Any], Any]) -> None:
        self.call._call_at_end(function)

    def _keep(self, server: Any) -> None:
        """What answers the object, until its worker ends."""
        self._connection.ended.add_callback(server.close)

    def send_descriptors(self, memories: Memories) -> None:
        if self._descriptors:
            memories.send(self.number, self._descriptors)
            self._close()

    def __del__(self) -> None:
        self._close()

    def _close(self) -> None:
        while self._descriptors:
            os.close(self._descriptors.pop())


class Connection(_mux.Sending):
    """A worker with its objects. It ends with the last proxy."""

    def __init__(self, home: Home, launcher: Any, name: str) -> None:
        super().__init__(home)
        self.home = home
        self.token = uuid.uuid4().hex
        self.ended = Event()
        self._exit: Any = None
        self.proxies: "weakref.WeakValueDictionary[int, Proxy[Any]]" = weakref.WeakValueDictionary()
        self._name = name
        # How often the worker has referred to an object, with the first one that it was told to make.
        self._counts: dict[int, int] = {ROOT: 1}
        self._numbers = itertools.count(1)
        # The objects whose proxies are gone, and how often they had been referred to. The next request tells of them.
        self._released: collections.deque[tuple[int, int]] = collections.deque()
        self._is_closed = False
        home.call(lambda: self._start(launcher))
        _exports.finders[self.token] = self

    # ---- on the home's thread ----

    def _start(self, launcher: Any) -> None:
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        here.setblocking(False)
        self._memories = Memories(here)
        launcher.take_stream_fd(Ferry.Stream.STDIN, there.detach())
        self._transport = launcher.add_transport(self.home.router, OBJECTS)
        try:
            self._worker = launcher.spawn(self.home.router)
        except GLib.Error as error:
            raise Error(error.message) from None
        self._remote = Ferry.Proxy.new(self._transport, OBJECTS)
        # The end of the last reference is that of the worker.
        self._remote.connect("received", _home.weakly(self._take_signal))
        self._remote.connect("missed", _home.weakly(self._take_all))
        self._remote.follow(None, ["changed", "noticed"])
        self._worker.connect("ended", _home.weakly(self._note_end))

    def _take_all(self, *_: Any) -> None:
        """Changes were lost on their way."""
        self.ask(0, [("tell_all",)], "changes")

    def _take_signal(self, _remote: Any, kind: str, arguments: Any) -> None:
        value = arguments.get_child_value(0)
        value = value.get_variant() if value.get_type_string() == "v" else value
        if kind == "changed":
            self._take_changes(pickle.loads(_message.from_variant(value)))
        else:
            _notices.take(value.get_child_value(0).get_string(), _message.from_variant(value.get_child_value(1)), self._name)

    def _note_end(self, worker: Any, _end: Any) -> None:
        self._exit = worker.props.exit
        self._memories.close()
        self.ended.set()
        if not self._is_closed:
            for proxy in list(self.proxies.values()):
                proxy.emit("lost", self._explain_end())

    def _explain_end(self) -> Exception:
        """Any thread, after the end."""
        if self._is_closed:
            return Error("The object '%s' was closed; create another one" % self._name)
        return _fault.lost(self._name, self._exit)

    def _take_changes(self, changes: list[Change]) -> None:
        for number, name, order, data in changes:
            proxy = self.proxies.get(number)
            if proxy is not None:
                proxy._take_change(name, order, pickle.loads(data))

    def _take_reply(self, request: _Request, reply: Any, error: Any) -> None:
        call = request.call
        if error is not None:
            self._fail(request, error)
            return
        value, exception = None, None
        try:
            kind, value, changes = _message.unpack(_message.from_variant(reply),
                                                   lambda: self._memories.take(request.number)[0])
            self._take_changes(changes)
            if kind == RAISED:
                value, exception = None, _fault.restore(value, call._name)
            elif kind == CANCELLED:
                exception = concurrent.futures.CancelledError("'%s' was cancelled" % call._name)
        except Exception as broken:
            exception = _fault.restore(_fault.describe(broken), "the result of " + call._name, "here, as it was unpickled")
        call._end(value, exception)

    def _fail(self, request: _Request, error: Any) -> None:
        """Any thread. Where the worker is about to end, its end says more."""
        if is_error(error, Ferry.Error.WOULD_BLOCK):
            request.found_no_room = True
        elif is_error(error, Ferry.Error.WORKER_LOST) or is_error(error, Ferry.Error.CLOSED):
            self.ended.add_callback(lambda: request.call._end(None, self._explain_end()))
        else:
            request.call._end(None, Error(error.message))

    # ---- any thread ----

    def ask(self, number: int, steps: list[Step], name: str) -> Call[Any]:
        """Sends a chain of operations on an object. Those of one thread are carried out in the order of their asking."""
        call: Call[Any] = Call(name, self.home)
        released = self._take_released()
        try:
            request = _Request(self, next(self._numbers), (number, steps, released), call)
        except BaseException:
            self._released.extend(released)
            raise
        call._cancel = functools.partial(self._cancel, request.number)
        self._send_in_turn(request)
        return call

    def _take_released(self) -> list[tuple[int, int]]:
        released = []
        while self._released:
            released.append(self._released.popleft())
        return released

    def _send(self, message: _Request) -> bool:
        try:
            message.send_descriptors(self._memories)
        except BlockingIOError:
            return False
        except OSError:
            # The worker has ended, and the call hears how.
            pass
        message.found_no_room = False
        # The bindings keep the last function of this kind, which so must keep nothing itself.
        pending = [(self, message)]

        def take(reply: Any, _object: Any, error: Any, *_: Any) -> None:
            connection, request = pending.pop()
            connection._take_reply(request, reply, error)

        self._remote.call_with_func("do", message.message, take)
        # A call that finds no room hears so at once.
        return not message.found_no_room

    def _cancel(self, number: int) -> None:
        self._remote.call_with_func("cancel", GLib.Variant("(t)", (number,)), lambda *_: None)

    def find(self, number: int, class_: Any = None, changes: list[Change] | None = None) -> "Proxy[Any] | Items":
        """The proxy of an object that a reference names, and of a generator what it yields."""
        with self._lock:
            if changes is not None:
                self._counts[number] = self._counts.get(number, 0) + 1
            proxy = self.proxies.get(number)
            if proxy is None:
                proxy = self._make_proxy(number, class_)
        self._take_changes(changes or [])
        return Items(proxy) if class_ is Generator else proxy

    def _make_proxy(self, number: int, class_: Any) -> "Proxy[Any]":
        proxy = proxy_class(class_)(self, number, class_)
        self.proxies[number] = proxy
        return proxy

    def forget(self, number: int) -> None:
        """A proxy is gone."""
        with self._lock:
            count = self._counts.pop(number, 0)
        if not self.ended.is_set() and not self._is_closed and count > 0:
            self._released.append((number, count))
            if len(self._released) >= MOST_RELEASED:
                self.release()

    def release(self) -> None:
        """Tells the worker of proxies that are gone, without another request."""
        if self._released and not self._is_closed:
            # Where the worker ends before it hears of it, that is none of the program's concern.
            self.ask(0, [("nothing",)], "release")._is_retrieved = True

    def close(self) -> None:
        """Ends the worker."""
        if not self._is_closed:
            self._is_closed = True
            self.home.call(lambda: _end_worker(self._transport, self._worker))

    def __del__(self) -> None:
        if "_worker" in self.__dict__ and not self._is_closed:
            transport, worker = self._transport, self._worker
            self._memories.close()
            _home.post(self.home.context, lambda: _end_worker(transport, worker))


class _Operators:
    """The operators of what stands for something in a worker. All but the call ask at once."""

    __slots__ = ()

    def _ferry_extend(self, name: str, *step: Any) -> "View":
        """A view of what a further operation gives."""
        raise NotImplementedError

    def _ferry_ask(self, *steps: Step) -> Call[Any]:
        """Asks for what it is, and what further operations make of it."""
        raise NotImplementedError

    def __getitem__(self, key: Any) -> Any:
        return self._ferry_extend("[%r]" % (key,), "item", key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._ferry_ask(("set_item", key, value))

    def __delitem__(self, key: Any) -> None:
        self._ferry_ask(("delete_item", key))

    def __len__(self) -> int:
        return int(self._ferry_ask(("length",)).result())

    def __contains__(self, value: Any) -> bool:
        return bool(self._ferry_ask(("contains", value)).result())

    def __delattr__(self, name: str) -> None:
        self._ferry_ask(("delete", name))

    def __call__(self, *args: Any, **kwargs: Any) -> Call[Any]:
        return self._ferry_ask(("call", args, kwargs))

    # It would be a list without an end, of views.
    __iter__ = None

    def __bool__(self) -> bool:
        return True


class View(_Operators):
    """A part of an object in a worker: what an attribute or an item of it is. Nothing is sent until it is asked for.

    `await view` and `ferry.get(view)` ask for its value, `view(...)` calls it. All operations go in one message.
    """

    __slots__ = ("_ferry_proxy", "_ferry_steps", "_ferry_name")

    # In a worker, for an object of the application, it is the client of an offer.
    _ferry_proxy: Any
    _ferry_steps: tuple[Step, ...]
    _ferry_name: str

    def __init__(self, proxy: Any, steps: tuple[Step, ...], name: str) -> None:
        for slot, value in zip(View.__slots__, (proxy, steps, name)):
            object.__setattr__(self, slot, value)

    def _ferry_extend(self, name: str, *step: Any) -> "View":
        return View(self._ferry_proxy, (*self._ferry_steps, step), self._ferry_name + name)

    def _ferry_ask(self, *steps: Step) -> Call[Any]:
        call: Call[Any] = self._ferry_proxy._ask([*self._ferry_steps, *steps], self._ferry_name)
        return call

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__") and name not in ("__len__", "__contains__"):
            raise AttributeError(name)
        return self._ferry_extend("." + name, "attribute", name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._ferry_ask(("set", name, value))

    def __await__(self) -> Generator[Any, None, Any]:
        return self._ferry_ask().__await__()

    def __repr__(self) -> str:
        return "<ferry.View %s>" % self._ferry_name

    def __reduce__(self) -> Any:
        raise pickle.PicklingError("%s is no value yet; await it, or pass ferry.get() of it" % self._ferry_name)


class Proxy(_Operators, GObject.Object, Generic[O]):  # type: ignore[misc]
    """An object that lives in a worker.

    It has the properties of the object's class, if that is exported, with their newest values. Any other attribute, and
    any item, is a View. An assignment is sent, and is not waited for. Where a name is one of the proxy itself, the one
    of the object is in `remote`.
    """

    __gtype_name__ = "FerryPythonProxy"
    __gsignals__ = {"lost": (GObject.SignalFlags.RUN_LAST, None, (object,))}

    _ferry_properties: dict[str, Any] = {}

    def __init__(self, connection: Connection, number: int, class_: type | None) -> None:
        GObject.Object.__init__(self)
        self._connection = connection
        self._number = number
        self._class_name = class_.__qualname__ if class_ is not None else "object"
        self._made: Call[None] | None = None
        # Of each property: the number of the newest change, and the value.
        self._values: dict[str, tuple[int, Any]] = {}
        # How many new values are on their way; a value that waits for that; and what came from the worker meanwhile.
        self._flying: dict[str, int] = {}
        self._waiting: dict[str, Any] = {}
        self._late: dict[str, tuple[int, Any]] = {}

    @property
    def remote(self) -> View:
        """All of the object's own names, also those that the proxy has itself, and those that begin with an underscore."""
        return View(self, (), self._class_name)

    def close(self) -> None:
        """Ends the worker, with all objects in it. A method that runs has a second to end."""
        self._connection.close()

    def do_lost(self, _error: Exception) -> None:
        """The signal's own handler; without one, it would be looked for in the worker."""

    # ---- operations ----

    def _ask(self, steps: list[Step], name: str) -> Call[Any]:
        if self._waiting:
            self._connection.home.call(self._flush)
        if self._made is not None:
            # What it has raised is raised by this one, too.
            self._made._is_retrieved = True
        return self._connection.ask(self._number, steps, name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.remote, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._ferry_properties:
            self._connection.home.call(functools.partial(self._set_property, name, value))
        elif name.startswith("_") or hasattr(type(self), name):
            GObject.Object.__setattr__(self, name, value)
        else:
            setattr(self.remote, name, value)

    def _set_property(self, name: str, value: Any) -> None:
        if _text.display(value) == value:
            self.set_property(name.replace("_", "-"), value)
        else:
            # GLib takes no such text.
            self._set_value(name, value)
            self.notify(name.replace("_", "-"))

    def _ferry_extend(self, name: str, *step: Any) -> View:
        return self.remote._ferry_extend(name, *step)

    def _ferry_ask(self, *steps: Step) -> Call[Any]:
        return self.remote._ferry_ask(*steps)

    def __reduce__(self) -> Any:
        return _exports.resolve, (self._connection.token, self._number)

    # ---- its life ----

    def __del__(self) -> None:
        connection = self.__dict__.get("_connection")
        if connection is not None:
            connection.forget(self._number)

    def __await__(self) -> Generator[Any, None, Self]:
        """Waits until the object is made."""
        if self._made is not None:
            yield from self._made.__await__()
        return self

    def __enter__(self) -> Self:
        if self._made is not None and self._connection.home.can_wait():
            try:
                self._made.result()
            except BaseException:
                self.close()
                raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()
        if self._connection.home.can_wait():
            self._connection.ended.wait(self._connection.home, None)

    async def __aenter__(self) -> Self:
        try:
            return await self
        except BaseException:
            self.close()
            raise

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        self.close()
        await self._connection.ended

    # ---- properties, on the home's thread ----

    def _get_value(self, name: str) -> Any:
        return self._values[name][1] if name in self._values else self._ferry_properties[name]

    def _set_value(self, name: str, value: Any) -> None:
        """Shows a value at once, and has the object have it. Of many values in a row, the newest one is sent."""
        self._values[name] = self._values.get(name, (0, None))[0], value
        self._waiting[name] = value
        if not self._flying.get(name):
            self._flush()

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for name, value in waiting.items():
            self._flying[name] = self._flying.get(name, 0) + 1
            call = self._connection.ask(self._number, [("set", name, value)], "%s.%s" % (self._class_name, name))
            call._ended.add_callback(lambda name=name: self._note_set(name))  # type: ignore[misc]

    def _note_set(self, name: str) -> None:
        self._flying[name] -= 1
        if name in self._waiting and not self._flying[name]:
            self._flush()
        elif name in self._late and not self._flying[name]:
            self._take_change(name, *self._late.pop(name))

    def _take_change(self, name: str, order: int, value: Any) -> None:
        if self._flying.get(name):
            self._late[name] = order, value
            return
        known = self._values.get(name)
        if name not in self._ferry_properties or (known is not None and known[0] > order):
            return
        self._values[name] = order, value
        if known is None or type(known[1]) is not type(value) or known[1] != value:
            self.notify(name.replace("_", "-"))


class Items(Values[Any]):
    """What a generator in a worker yields. It makes the next value while the application handles one."""

    def __init__(self, proxy: Proxy[Any]) -> None:
        self._home = proxy._connection.home
        self._proxy: Proxy[Any] | None = proxy
        self._asked: Call[Any] | None = None
        self._is_closed = False

    def _poll(self) -> Event | None:
        """What to wait for, or None where there is a value, or the end."""
        proxy, asked = self._proxy, self._asked
        if proxy is None:
            return None
        if asked is None:
            asked = self._asked = proxy._ask([("next",)], "the next value")
        return None if asked.done() else asked._ended

    def _take(self) -> Any:
        asked, self._asked = self._asked, None
        if self._is_closed:
            # Once, as a map does.
            self._is_closed = False
            raise CancelledError("The values were closed before all were taken; call the method again for all of them")
        if asked is None:
            raise End
        try:
            value = asked.result()
        except BaseException as error:
            self._proxy = None
            if isinstance(error, (StopIteration, StopAsyncIteration)):
                raise End from None
            raise
        self._poll()
        return value

    def close(self) -> None:
        """Takes no more values, and ends the generator. Any thread. The next step of a loop raises CancelledError, unless all
        values were taken.
        """
        if self._proxy is None:
            return
        connection, self._proxy = self._proxy._connection, None
        asked, self._asked = self._asked, None
        if asked is not None:
            # Nobody asks for what becomes of it.
            asked._is_retrieved = True
            asked.cancel()
        self._is_closed = asked is None or not isinstance(asked._exception, (StopIteration, StopAsyncIteration))
        # The end is not to wait for the next request.
        connection.release()

    def __del__(self) -> None:
        self.close()


DEFAULTS: dict[Any, Any] = {bool: False, int: 0, float: 0.0, str: None}


def _property_type(kind: Any) -> Any:
    """The type that a property has, for the one in an annotation."""
    if get_origin(kind) in (Union, UnionType):
        kinds = [other for other in get_args(kind) if other is not NoneType]
        kind = str if kinds == [str] else object
    if isinstance(kind, GObject.GType):
        return kind
    return GObject.TYPE_INT64 if kind is int else kind if kind in DEFAULTS else object


def _get_shown(proxy: Proxy[Any], spec: Any) -> Any:
    return _text.display(getattr(proxy, spec.name.replace("-", "_"), None))


def _make_property(name: str, kind: Any, is_writable: bool) -> Any:
    def get(proxy: Proxy[Any]) -> Any:
        return proxy._get_value(name)

    def set_(proxy: Proxy[Any], value: Any) -> None:
        proxy._set_value(name, value)

    flags = GObject.ParamFlags.READWRITE if is_writable else GObject.ParamFlags.READABLE
    return GObject.Property(getter=get, setter=set_, type=_property_type(kind), flags=flags)


@functools.cache
def proxy_class(class_: type | None) -> type[Proxy[Any]]:
    """The class of an object's proxies: with the properties that it exports."""
    properties = getattr(class_, _exports.PROPERTIES, {})
    if class_ is None or not properties:
        return Proxy
    for name in properties:
        if hasattr(Proxy, name):
            raise Error("The property '%s' of %s has the name of something that each proxy has; name it otherwise"
                        % (name, class_.__qualname__))
    members = {name: _make_property(name, *found) for name, found in properties.items()}
    members["_ferry_properties"] = {name: DEFAULTS.get(kind) for name, (kind, _) in properties.items()}
    members["__gtype_name__"] = "FerryPythonProxy-%d" % next(_class_numbers)
    metaclass: Any = type(Proxy)
    proxy: type[Proxy[Any]] = metaclass("%sProxy" % class_.__name__, (Proxy,), members)
    proxy.do_get_property = _get_shown
    return proxy


_class_numbers = itertools.count(1)


def create(home: Home, launcher: Any, class_: Callable[..., Any], args: tuple[Any, ...],
           kwargs: dict[str, Any]) -> Proxy[Any]:
    """Has a worker of its own make an object."""
    name = str(getattr(class_, "__qualname__", repr(class_)))
    data: list[Step] = [("begin", "", class_, args, kwargs)]
    _travel.collect(lambda: pickle.dumps(data, 5))
    connection = Connection(home, launcher, name)
    data = [("begin", connection.token, class_, args, kwargs)]
    proxy = connection._make_proxy(ROOT, class_ if isinstance(class_, type) else None)
    proxy._made = connection.ask(0, data, name)
    return proxy


def _check(view: Any) -> _Operators:
    if not isinstance(view, _Operators):
        raise TypeError("This takes a ferry.Proxy or a ferry.View of one, and not %r" % (view,))
    return view


def get(view: Any, default: Any = MISSING, timeout: float | None = None) -> Any:
    """Waits for the value of a view. The default is for an object whose worker is lost."""
    try:
        return _check(view)._ferry_ask().result(timeout)
    except WorkerLost:
        if default is MISSING:
            raise
        return default


def later(view: Any, /, *args: Any, **kwargs: Any) -> Any:
    """The view of what a call gives: a call in the middle of a chain, which is sent with the rest of it."""
    return _check(view)._ferry_extend("()", "call", args, kwargs)


@overload
def pass_to(view: Proxy[T] | View, function: Callable[Concatenate[T, P], Coroutine[Any, Any, R]], /, *args: P.args,
            **kwargs: P.kwargs) -> Call[R]:
    ...


@overload
def pass_to(view: Proxy[T] | View, function: Callable[Concatenate[T, P], R], /, *args: P.args,
            **kwargs: P.kwargs) -> Call[R]:
    ...


def pass_to(view: Any, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Call[Any]:
    """Has the worker call function(object, *args, **kwargs).

    The function may be a method of the class, whose types checkers know then: pass_to(counter, Counter.add, 3).
    """
    _message.check_importable(function)
    return _check(view)._ferry_ask(("pass_to", function, args, kwargs))
