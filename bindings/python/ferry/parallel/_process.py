# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The process of a function that outlives the application: `python3 -m ferry.parallel._process`, with a worker's arguments.

It calls the function, whose pickle comes from standard input, and keeps what it sends for whoever comes to its socket.
"""

import collections
import os
import pickle
import queue
import sys
import threading
from typing import Any

from .. import _fault, _home, _main, _message, worker
from .._library import Ferry, Gio, GLib
from ._persistent import END, FAULT, READY, VALUE, let_large_through

# How many messages wait in the process. A function that is further ahead waits.
WINDOW = 1024
# A message has its head and its name besides.
MAX_SIZE = _home.MAX_MESSAGE - 4096
# The message that comes before all others.
WELCOME = b"w"


class _Kept:
    """Messages that wait for an application. A thread gives them, one after the other, and drops what was taken."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._messages: collections.deque[bytes] = collections.deque()
        self._finished = False
        self._giver: threading.Thread | None = None
        self._left = Gio.Cancellable()

    def put(self, message: bytes) -> None:
        with self._changed:
            self._changed.wait_for(lambda: len(self._messages) < WINDOW)
            self._messages.append(message)
            self._changed.notify_all()

    def give_to(self, channel: Any) -> None:
        """From now on to this application, and no more to the one before."""
        if self._giver is not None:
            with self._changed:
                self._left.cancel()
                self._changed.notify_all()
            self._giver.join()
        self._left = Gio.Cancellable()
        self._giver = threading.Thread(target=self._give, args=(channel, self._left), name="ferry giver", daemon=True)
        self._giver.start()

    def _give(self, channel: Any, left: Any) -> None:
        try:
            while (message := self._wait(left)) is not None:
                channel.send_acknowledged(_message.to_variant(message), -1, left)
                with self._changed:
                    self._messages.popleft()
                    self._changed.notify_all()
            if not left.is_cancelled():
                channel.send(_message.to_variant(END), -1, left)
        except GLib.Error:
            # It has left. What it has not taken waits for who comes next.
            pass

    def _wait(self, left: Any) -> bytes | None:
        """A message to give, or None behind the last one, or where the application is no more the one to give to."""
        with self._changed:
            self._changed.wait_for(lambda: self._messages or self._finished or left.is_cancelled())
            return None if left.is_cancelled() or not self._messages else self._messages[0]

    def finish(self) -> None:
        """Waits until all was taken, and the application that is there, if one is, has heard that it was all."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._messages)
        if self._giver is not None:
            self._giver.join()


class PersistentChannel:
    """The process's end of the channel: the first argument of its function. It is with whichever application is there."""

    def __init__(self, listener: Any) -> None:
        self._listener = listener
        self._kept = _Kept()
        self._messages: queue.Queue[bytes] = queue.Queue(WINDOW)
        self._acceptor = threading.Thread(target=self._accept, name="ferry acceptor", daemon=True)
        self._acceptor.start()

    def _accept(self) -> None:
        taker = None
        while True:
            try:
                channel = Ferry.Channel.new(let_large_through(self._listener.accept(-1, None)))
            except GLib.Error:
                # The listener was closed.
                return
            try:
                # Whoever comes waits for this: what is sent before could be lost, if the sender leaves at once.
                channel.send(_message.to_variant(WELCOME), -1, None)
            except GLib.Error:
                continue
            self._kept.give_to(channel)
            taker = threading.Thread(target=self._take, args=(channel, taker), name="ferry messages", daemon=True)
            taker.start()

    def _take(self, channel: Any, before: threading.Thread | None) -> None:
        """Takes what an application sends, until it leaves, as the function may be busy until then; behind what the last
        one has sent.
        """
        if before is not None:
            before.join()
        try:
            while (value := channel.receive(-1, None)[1]) is not None:
                self._messages.put(_message.from_variant(value))
        except GLib.Error:
            # It did not say that it leaves.
            pass

    def _put(self, data: bytes) -> None:
        if len(data) > MAX_SIZE:
            raise ValueError("A message has at most %d bytes, and this one has %d; send parts of it, or the name of a file"
                             % (MAX_SIZE, len(data)))
        self._kept.put(data)

    def send(self, message: Any) -> None:
        """Keeps what can be pickled for the application. Waits where that has left many messages untaken."""
        self._put(_message.pack_value(message, prefix=VALUE))

    def receive(self) -> Any:
        """Waits for a message of an application, and for an application."""
        return _message.unpack(self._messages.get())

    def _fail(self, exception: BaseException) -> None:
        self._put(FAULT + pickle.dumps(_fault.describe(exception, globals()), 5))

    def _end(self) -> None:
        """Waits until all was taken."""
        self._kept.finish()
        self._listener.close()
        self._acceptor.join()


def main() -> None:
    options, paths = worker.begin()
    try:
        channel = PersistentChannel(Ferry.Listener.new_from_environment())
    except GLib.Error as error:
        sys.exit(error.message)
    call = sys.stdin.buffer.read()
    sys.stdout.buffer.write(READY)
    sys.stdout.flush()
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nothing, stream)
    worker.prepare(options, paths)
    try:
        function, args, kwargs = _message.loads(call)
        function(channel, *args, **kwargs)
    except BaseException as exception:
        _main.explain(exception)
        channel._fail(exception)
    channel._end()


if __name__ == "__main__":
    main()
