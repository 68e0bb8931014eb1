# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Objects that live in workers in the tests of the package."""

import asyncio
import logging
import os
import threading
import time
import typing

from functions import OwnError
from gi.repository import GLib, GObject

import ferry


@ferry.export
class Counter:
    """It has properties of all kinds, items, and methods that end in all ways."""

    value: int
    ratio: float
    label: str | None
    anything: object
    shared: typing.ClassVar[int] = 3
    _hidden: int

    def __init__(self, value: int = 0) -> None:
        if value < 0:
            raise OwnError("too small", value)
        self._hidden = 5
        self.words = {"a": ["x", "y"]}
        self.ratio = 0.5
        self.label = "first"
        self.value = value

    @property
    def double(self) -> int:
        return 2 * self.value

    @property
    def even(self) -> int:
        return self.value // 2 * 2

    @even.setter
    def even(self, value: int) -> None:
        self.value = value // 2 * 2

    def add(self, amount: int) -> int:
        self.value += amount
        return self.value

    def fail(self) -> None:
        raise OwnError("not so", 7)

    def leave(self) -> None:
        os._exit(7)

    def spin(self) -> None:
        self.label = "spinning"
        while True:
            pass

    def give_a_lock(self) -> object:
        return threading.Lock()

    def give_itself(self) -> object:
        return self

    def give_others(self, *values: int) -> list[object]:
        return [Counter(value) for value in values]

    def give_length(self, data: object) -> int:
        return len(typing.cast(bytes, data))

    def is_it(self, other: object) -> bool:
        return other is self

    def log(self) -> None:
        logging.getLogger("objects").warning("it is %d", self.value)

    def count_in_thread(self, number: int) -> None:
        def count() -> None:
            for _ in range(number):
                self.value += 1

        threading.Thread(target=count).start()

    def count_on_the_loop(self) -> None:
        GLib.timeout_add(1, self._count)

    def _count(self) -> bool:
        self.value += 1
        return self.value < 20

    def count_for_long(self) -> None:
        """It ends when it is cancelled. Whoever looks sees it count."""
        while not ferry.cancelled():
            self.value += 1
            time.sleep(0.001)

    def echo(self, value: object) -> object:
        return value

    def __getitem__(self, key: str) -> list[str]:
        return self.words[key]

    def __setitem__(self, key: str, value: list[str]) -> None:
        self.words[key] = value

    def __delitem__(self, key: str) -> None:
        del self.words[key]

    def __contains__(self, key: str) -> bool:
        return key in self.words

    def __len__(self) -> int:
        return len(self.words)


@ferry.export
class Thing(GObject.Object):
    """A GObject, with properties of its own kind."""

    size = GObject.Property(type=int, default=3)

    def grow(self):
        self.size += 1


@ferry.export
class Waiter:
    """Its methods are coroutines and generators, beside plain ones."""

    state: str = ""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.barrier = asyncio.Barrier(3)
        self.may_end = asyncio.Event()

    def note(self, name: str) -> list[str]:
        self.order.append(name)
        return self.order

    async def note_and_wait(self, name: str) -> None:
        self.order.append(name)
        await self.may_end.wait()
        self.order.append(name + " ended")

    def let_end(self) -> None:
        self.may_end.set()

    async def meet(self) -> int:
        return await self.barrier.wait()

    async def wait(self, path: str = "") -> None:
        self.state = "waiting"
        try:
            await asyncio.Future()
        finally:
            self.state = "cancelled" if ferry.cancelled() else "ended"
            if path:
                open(path, "w", encoding="ascii").close()

    async def wait_for_timer(self) -> int:
        future = asyncio.get_running_loop().create_future()
        GLib.timeout_add(1, lambda: future.set_result(7))
        return typing.cast(int, await future)

    async def fail(self) -> None:
        await asyncio.sleep(0)
        raise OwnError("not so", 7)

    async def leave(self) -> None:
        raise SystemExit("bye")

    async def log(self) -> None:
        async def log_more() -> None:
            logging.getLogger("objects").warning("two")

        logging.getLogger("objects").warning("one")
        await asyncio.gather(log_more())

    async def count(self, number: int, fails: bool = False) -> typing.AsyncIterator[int]:
        try:
            for i in range(number):
                await asyncio.sleep(0)
                yield i
            if fails:
                raise OwnError("no more", number)
        finally:
            self.state = "over"

    def count_plainly(self, number: int) -> typing.Iterator[int]:
        yield from range(number)

    def spin(self) -> None:
        self.state = "spinning"
        while True:
            pass


@ferry.export
class Teller:
    """It tells an object of the application."""

    def __init__(self, view: ferry.View) -> None:
        self.view = view

    def tell(self, text: str) -> object:
        return self.view.add(text).result(600)

    async def ask(self, other: ferry.View) -> object:
        return await other.ask("why"), await self.view.texts


class Plain:
    """It is not exported. Its values are asked for."""

    def __init__(self):
        self.number = 4

    def connect(self, word):
        return word + "!"


def count_words(counter, more):
    return len(counter.words) + more


@ferry.export
class Labeled:
    text: str

    def __init__(self, text):
        self.text = text

    def get_text(self):
        return self.text
