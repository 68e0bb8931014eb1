# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What makes the library itself, `gi.repository.Ferry`, a library of Python. PyGObject finds this file by its name.

The package `ferry` is something else: it sends functions of Python. This is for functions that have types.
"""

from gi.module import get_introspection_module
from gi.overrides import override
from gi.repository import GLib

Ferry = get_introspection_module("Ferry")

__all__ = ["to_variant", "from_variant"]

# How long the end of a block waits for functions that are cancelled, in microseconds.
END_TIME = 5 * GLib.USEC_PER_SEC


def to_variant(value):
    """A GVariant of the type that is nearest to the value's. One that is a GVariant already stays as it is.

    Whole numbers are `x`, others `d`, texts `s`, truth values `b`, bytes `ay`, tuples tuples. Dictionaries with texts as
    keys are `a{sv}`, and lists are `av`.
    """
    if value is None or isinstance(value, GLib.Variant):
        return value
    for kind, type_ in ((bool, "b"), (int, "x"), (float, "d"), (str, "s")):
        if isinstance(value, kind):
            return GLib.Variant(type_, value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return GLib.Variant.new_from_bytes(GLib.VariantType("ay"), GLib.Bytes.new(bytes(value)), True)
    if isinstance(value, tuple):
        return GLib.Variant.new_tuple(*[to_variant(item) for item in value])
    if isinstance(value, list):
        return GLib.Variant("av", [to_variant(item) for item in value])
    if isinstance(value, dict):
        return GLib.Variant("a{sv}", {key: to_variant(item) for key, item in value.items()})
    raise TypeError("%r has no type of GVariant that is nearest; make it with GLib.Variant()" % (value,))


def from_variant(variant):
    """The value of a GVariant. Bytes are bytes."""
    if variant is None:
        return None
    if variant.get_type_string() == "ay":
        return variant.get_data_as_bytes().get_data() or b""
    return variant.unpack()


class Router(Ferry.Router):
    """`with Router() as router:` starts it, and stops it at the end."""

    def __new__(cls, context=None):
        return Ferry.Router.new(context)

    def __init__(self, context=None):
        pass

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()


class Executor(Ferry.Executor):
    """`with Executor(pool) as executor:` stops it at the end: tasks go on, or are cancelled if the block raises."""

    def __new__(cls, pool):
        return Ferry.Executor.new(pool)

    def __init__(self, pool):
        pass

    def submit(self, function, arguments=None):
        """Has a worker call a function. The arguments are packed as to_variant() does it."""
        return Ferry.Executor.submit(self, function, to_variant(arguments))

    def submit_named(self, name, function, arguments=None):
        """The same, with a name for users: the title in a list of tasks."""
        return Ferry.Executor.submit_named(self, name, function, to_variant(arguments))

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        else:
            self.shutdown_async(END_TIME, None, None)


class Pool(Ferry.Pool):
    """`with Pool(router, launcher, max_workers=2) as pool:` stops it at the end."""

    def __new__(cls, router, launcher, **properties):
        return Ferry.Pool.new(router, launcher)

    def __init__(self, router, launcher, **properties):
        self.set_properties(**properties)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop_async(END_TIME, None, None)


class Launcher(Ferry.Launcher):
    """`Launcher(["./worker"], name="worker")`: the program with its arguments, and properties."""

    def __new__(cls, argv, **properties):
        return Ferry.Launcher.new(argv)

    def __init__(self, argv, **properties):
        self.set_properties(**properties)


class Task(Ferry.Task):
    """`await task` gives the value of its result, on a loop of asyncio. It raises what wait() does."""

    def __await__(self):
        import asyncio

        loop = asyncio.get_running_loop()
        future = loop.create_future()

        def finish():
            if not future.done():
                future.set_result(None)

        handler = self.connect("done", lambda *_: loop.call_soon_threadsafe(finish))
        try:
            if self.get_done():
                finish()
            yield from future
        except asyncio.CancelledError:
            self.cancel()
            raise
        finally:
            self.disconnect(handler)
        return from_variant(self.get_result())


class Transport(Ferry.Transport):
    """`with transport:` closes it at the end."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Channel(Ferry.Channel):
    """`with channel:` closes it at the end, and `for value in channel:` takes values until the other end has closed."""

    def send(self, value, timeout=-1, cancellable=None):
        return Ferry.Channel.send(self, to_variant(value), timeout, cancellable)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __iter__(self):
        while True:
            received = self.receive(-1, None)
            if received.failure is not None:
                raise received.failure
            if received.value is None:
                return
            yield from_variant(received.value)


class Sender(Ferry.Sender):
    """`with sender:` starts it, and stops it at the end, but not for an exception: the receiver hears how the process ends."""

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()


class Buffer(Ferry.Buffer):
    """Its `memory` is a memoryview of bytes. Who has the view keeps the buffer."""

    @property
    def memory(self):
        import ctypes

        address, size = self.get_data()
        area = (ctypes.c_char * size).from_address(address)
        area.owner = self
        return memoryview(area).cast("B")


for _class in (Router, Executor, Pool, Launcher, Task, Transport, Channel, Sender, Buffer):
    globals()[_class.__name__] = override(_class)
    __all__.append(_class.__name__)
