# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ferry.Queue: tasks in a file, which survive the end of the program.

The queue is the library's FerryQueue, over the Ferry.Executor of an executor of this package. A call is stored as a pickle
that has all in it, of the function by its name as well. What a task of the file becomes here is made by the library, by its
class.
"""

import atexit
import datetime
import functools
import logging
import os
import pickle
import sys
import weakref
from collections.abc import Callable, Coroutine, Generator, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast, overload

from . import _fault, _home, _main, _message, _native
from ._executor import Executor
from ._library import Ferry, Gio, GLib, load
from ._names import CALL, PYTHON_ERROR
from ._outcome import Call
from ._task import Task, _Call, _Packed, name_of
from .errors import Error

if TYPE_CHECKING:
    import subprocess

    from ._command import Argument

T = TypeVar("T")

# What may name a task: a text, the path of a file, or a number.
Key = str | bytes | int | os.PathLike[str] | os.PathLike[bytes]
# When a task may be begun.
When = float | datetime.timedelta | datetime.datetime
# What makes a call of this version of one of an older version: convert(version, function, args, kwargs).
Convert = Callable[[int, str, tuple[Any, ...], dict[str, Any]],
                   tuple[Callable[..., Any] | str, tuple[Any, ...], dict[str, Any]] | None]

# So many seconds from now nobody means: it is a time since 1970.
LONG = 10 * 366 * 24 * 3600


@functools.cache
def _load_library() -> Any:
    return load("FerryQueue", "libferry-queue-1.so.0", lambda module: module.Queue.__gtype__.fundamental)


@functools.cache
def _load_cluster() -> Any:
    return load("FerryCluster", "libferry-cluster-1.so.0", lambda module: module.Cluster.__gtype__.fundamental)


class _Stored(Task[Any]):
    """One that the library has made of what is in the file."""

    __gtype_name__ = "FerryPythonStored"

    def __init__(self) -> None:
        # The library's own constructor has made the object.
        self._begin("")

    def _translate(self, error: Any) -> Exception:
        trace = self.get_property("trace")
        if self._sent_fault is None and error.domain == PYTHON_ERROR and trace:
            return _fault.restore(_fault.stored(error.message, trace), self._name, "in a worker")
        return super()._translate(error)

    def _find_outcome(self) -> tuple[Any, Exception | None]:
        if self.get_property("function") == CALL:
            return super()._find_outcome()
        # Of a program in another language.
        try:
            return Ferry.from_variant(self.get_result()), None
        except GLib.Error as error:
            return None, self._translate(error)


# What programs know of it.
_Stored.__name__ = "Task"


def _find_name() -> str | None:
    """What the application is called; None: it is typed in."""
    application = Gio.Application.get_default()
    name = None if application is None else application.get_application_id()
    main = _main.find()
    if name is None and main:
        name = main[1] if main[0] == "name" else os.path.splitext(os.path.basename(main[1]))[0]
    return name


def _find_path(path: Any) -> str:
    """Where the file is: below the folder for states, in that of the application, if nobody says."""
    if isinstance(path, Executor):
        raise TypeError("The first argument of ferry.Queue() is the name of its file; write ferry.Queue(executor=executor)")
    if path is not None:
        return os.path.abspath(os.fsdecode(path))
    name = _find_name()
    if name is None:
        raise ValueError("What is typed in has no name by which its queue could be found again; give ferry.Queue() the path of "
                         "a file")
    return os.path.join(GLib.get_user_state_dir(), name, "queue.db")


def _text_of(key: Any) -> str:
    """A key, as the file has it."""
    if isinstance(key, int):
        return str(key)
    if not isinstance(key, (str, bytes, os.PathLike)):
        raise TypeError("The key of a task is a text, a path or a number, and not %r; an argument 'key' for the function itself "
                        "goes by ferry.Task(function, key=...)" % (key,))
    text = os.fsdecode(key)
    if not text or "\0" in text:
        raise ValueError("The key of a task is a text with at least one character, and without zero bytes, and not %r" % text)
    # Names of files that are no UTF-8 stay apart.
    return text.encode("utf-8", "backslashreplace").decode()


def _seconds_of(when: Any) -> float:
    """When it is, in seconds since 1970."""
    if isinstance(when, datetime.datetime):
        return when.timestamp()
    now = datetime.datetime.now().timestamp()
    if isinstance(when, datetime.timedelta):
        return now + when.total_seconds()
    if isinstance(when, bool) or not isinstance(when, (int, float)):
        raise TypeError("not_before is a datetime, a timedelta or a number of seconds from now, and not %r" % (when,))
    if not when < LONG:
        raise ValueError("not_before=%r would be in more than ten years, as it is in seconds from now; for a time since 1970 "
                         "give datetime.datetime.fromtimestamp(%r)" % (when, when))
    return now + float(when)


def _time_of(when: When | None) -> int:
    """In microseconds since 1970, as the library has it; 0: now."""
    return 0 if when is None else max(0, int(_seconds_of(when) * 1_000_000))


def _make_task(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], name: str | None = None) -> Task[Any]:
    """A call as it can be stored."""
    call = _Packed(function, args, kwargs, name, _message.pack_stored)
    if call.travellers:
        raise Error("A ferry.%s ends with this process, and cannot be stored; give %s() the content itself, or the name of a "
                    "file" % (type(call.travellers[0]).__name__, call.name))
    task: Task[Any] = _native.make(_Call, CALL, call.name, call.parts, 0)
    if name is not None:
        _native.show(task, name_of(function))
    task._complete(call)
    return task


def _adapt(task: Task[Any]) -> None:
    """A task that was made for an executor becomes one that can be stored."""
    if task._is_program:
        raise Error("A queue stores how a program is started, and runs it by itself; give queue.run() what '%s' was made of"
                    % task._name)
    if task._yields_values or task._has_types:
        raise Error("Task '%s' is no plain call of a function, and cannot be stored; give queue.submit() a function, and its "
                    "arguments" % task._name)
    if task._home is not None:
        raise Error("Task '%s' was submitted before; make a new task" % task._name)
    if task._takes_along:
        raise Error("The arguments of task '%s' are large, or end with this process, and cannot be stored with it; give "
                    "queue.submit() the function and its arguments, or the name of a file" % task._name)
    stored = _message.store(_message.from_variant(task.props.arguments))
    if stored is None:
        raise pickle.PicklingError("The function of task '%s' is typed in here, or is no function of a module, and cannot be found "
                                   "in a later run; put it into a file, and import that" % task._name)
    task.set_arguments(_message.to_variant(stored))
    task.set_property("max-returned-descriptors", 0)


def _replaces_files(args: Iterable[Any], keywords: dict[str, Any]) -> bool:
    """Whether a program leaves its files as they are until it has succeeded, so that it may be run again."""
    files = {os.fsdecode(file) for file in keywords.get("output_files") or ()}
    return bool(keywords.get("replace_output_files") and files and files <= set(map(os.fsdecode, args))
                and not keywords.get("output_file"))


def _write_anew(core: Any, _property: Any) -> None:
    """Who waits for a result has no button to press: a file that is gone is written anew at once, and the log says so."""
    error = core.props.error
    if error is not None and error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.NOT_FOUND):
        core.open_async(None, _note_opening)


def _note_opening(core: Any, result: Any) -> None:
    try:
        core.open_finish(result)
    except GLib.Error as error:
        logging.getLogger(__name__).warning("%s", error.message)


class _Patient(Executor):
    """That of a queue, whose tasks wait while what they need cannot be imported."""

    _is_whole = True


class Queue(_home.Staying):
    """Tasks in a file. They survive the end of the program, a crash, and a power cut.

        with ferry.Queue("work.db") as queue:
            for path in paths:
                queue.submit(convert, path, key=path)
            for task in queue:
                task.result()

    A task with a key that the queue knows is that task, also if it was done in an earlier run. It is an iterable of its
    tasks, of those of earlier runs as well. The end of the block is the end of the program for the tasks, and no cancel:
    what waits or runs goes on in the next run.

    With `server`, such as "nats://127.0.0.1", what waits is also left with the hosts of `application`, which run it while
    the program is off: see docs/python.md. `application` is by default the application's id or the program's name.

    `path` is by default below the folder for states, in one of the application's id or the program's name. The queue has an
    executor of its own, if it is given none. `start` says what tasks of earlier runs do: "continue", "paused", or "as-it-was".
    `version` counts up when functions take other arguments, and `convert(version, function, args, kwargs)` makes a call of
    this version of one that an older version has stored: it returns (function, args, kwargs), or None for one that
    cannot be run any more. Of tasks that have ended, the latest `keep_count` stay, for `keep_time`.
    """

    def __init__(self, path: str | bytes | os.PathLike[str] | os.PathLike[bytes] | None = None, executor: Executor | None = None, *,
                 start: str = "continue", version: int = 0, convert: Convert | None = None, keep_count: int | None = None,
                 keep_time: float | datetime.timedelta | None = None, death_limit: int | None = None, server: str | None = None,
                 application: str | None = None) -> None:
        library = _load_library()
        if application is not None and server is None:
            raise TypeError("The application's name is for hosts; give the `server` as well, where they are found")
        self._server = None if server is None else (server, application or _find_name() or "python")
        self.path = _find_path(path)
        starts = {value.value_nick: value for value in library.QueueStart.__enum_values__.values()}
        if start not in starts:
            raise ValueError("A queue cannot start %r; choose one of %s" % (start, ", ".join(starts)))
        if executor is not None and not isinstance(executor, Executor):
            raise TypeError("A queue is over a ferry.Executor, and not over %r" % (executor,))
        if executor is not None and executor._program is not None:
            raise Error("The workers are '%s', which knows no functions of Python; make the queue over another executor"
                        % executor._program[0])
        if isinstance(keep_time, datetime.timedelta):
            keep_time = keep_time.total_seconds()
        settings = {"start": starts[start], "version": version, "keep_count": keep_count, "death_limit": death_limit,
                    "keep_time": None if keep_time is None else int(keep_time * 1_000_000)}
        self._is_own = executor is None
        self.executor = _Patient() if executor is None else executor
        self._home = self.executor._home
        self._convert = convert
        self._version = version
        # On the home's thread: those that the program has.
        self._tasks: "weakref.WeakSet[Task[Any]]" = weakref.WeakSet()
        self._objects: list[Any] = []
        self._opening: Call[None] = Call("the opening of the queue '%s'" % self.path, self._home)
        self._closing: Call[None] | None = None
        self._finalizer = weakref.finalize(self, _home.post, self._home.context, self._objects.clear)
        self._home.call(lambda: self._make(library, {name: value for name, value in settings.items() if value is not None}))
        self._at_exit = _home.weakly(self._close_at_exit)
        atexit.register(self._at_exit)
        if self._can_wait():
            self._opening._wait(None)
            if self._opening._exception is not None:
                self.close()
                raise self._opening._exception

    # ---- on the home's thread ----

    def _make(self, library: Any, settings: dict[str, Any]) -> None:
        core = library.Queue.new(self.executor.ferry_executor, self.path)
        core.props.task_type = cast(Any, _Stored).__gtype__
        for name, value in settings.items():
            core.set_property(name.replace("_", "-"), value)
        if self._convert is not None:
            core.connect("convert", functools.partial(_convert, self._convert))
        core.connect("notify::error", _write_anew)
        self._objects.append(core)
        if self._server is not None:
            core.set_cluster(_load_cluster().Cluster.new(self._home.router, *self._server))
        core.open_async(None, self._take_opening)

    def _take_opening(self, core: Any, result: Any) -> None:
        try:
            core.open_finish(result)
        except GLib.Error as error:
            said = error.message if self.path in error.message else "The queue '%s' cannot be opened: %s" % (self.path, error.message)
            self._opening._end(None, Error(said))
        else:
            self._opening._end(None, None)

    def _adopt(self, task: Any) -> Any:
        """A task of the list, as this thread and others may use it from now on."""
        if task._home is None:
            task._submit_to(self._home, False)
            task._progress = task.get_fraction(), task.get_text()
            if task.get_done():
                task._ended.set()
        self._tasks.add(task)
        # Who waits for it needs no queue.
        task._queue = self
        return task

    def _submit_here(self, task: Task[Any], key: str | None) -> Any:
        return self._adopt(self._objects[0].submit(task, key))

    def _close_here(self) -> None:
        assert self._closing is not None
        if self._opening._exception is not None:
            self._end_executor(None)
            return
        for task in self._tasks:
            task._is_parted = not task.get_done()
        self._objects[0].close_async(None, self._take_close)

    def _take_close(self, core: Any, result: Any) -> None:
        closed: Call[None] = Call("")
        _finish(closed, core.close_finish, result)
        for task in self._tasks:
            if not task.get_done():
                task._part()
        self._end_executor(closed.exception())

    def _end_executor(self, exception: Exception | None) -> None:
        assert self._closing is not None
        end: Callable[[], Any] = functools.partial(self._closing._end, None, exception)
        ends = self.executor._begin_shutdown(True) if self._is_own else []
        for ended in ends[1:]:
            end = functools.partial(ended.add_callback, end)
        if ends:
            ends[0].add_callback(end)
        else:
            end()

    # ---- on any thread ----

    def _can_wait(self) -> bool:
        return self._home.can_wait() and _home.running_loop() is None

    def _ask(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Calls a function on the home's thread, of an open queue."""
        if not self._opening.done() and not self._home.can_wait():
            raise Error("The queue '%s' is not open yet, and a callback of the main loop cannot wait for that; have a coroutine "
                        "of ferry.spawn() do it: queue = await ferry.Queue(...)" % self.path)
        self._opening.result()
        if self._closing is not None:
            raise Error("The queue '%s' was closed; make another one" % self.path)
        try:
            return self._home.call(functools.partial(function, *arguments))
        except GLib.Error as error:
            raise Error(error.message) from None

    def __await__(self) -> Generator[Any, None, Self]:
        """Waits until it is open."""
        yield from self._opening.__await__()
        return self

    @overload
    def submit(self, function: Callable[..., Coroutine[Any, Any, T]], /, *args: Any, key: Key | None = ..., idempotent: bool | None = ...,
               not_before: When | None = ..., **kwargs: Any) -> Task[T]:
        ...

    @overload
    def submit(self, function: Task[T], /, *, key: Key | None = ..., idempotent: bool | None = ...,
               not_before: When | None = ...) -> Task[T]:
        ...

    @overload
    def submit(self, function: Callable[..., T], /, *args: Any, key: Key | None = ..., idempotent: bool | None = ...,
               not_before: When | None = ..., **kwargs: Any) -> Task[T]:
        ...

    def submit(self, function: Callable[..., Any] | Task[Any], /, *args: Any, key: Key | None = None,
               idempotent: bool | None = None, not_before: When | None = None, **kwargs: Any) -> Any:
        """Has a worker call function(*args, **kwargs) once, and returns the task. Any thread may call this.

        If the queue knows the key, the task that has it is returned, also if it is done. A function that is `idempotent` is
        called again if the program ended while it ran; any other has failed then, with ferry.Interrupted. It is begun
        `not_before` a datetime, or so many seconds from now. What else is set is set of a ferry.Task(function, ...), which is
        submitted then.
        """
        text = None if key is None else _text_of(key)
        if isinstance(function, Task):
            if args or kwargs:
                raise TypeError("A task has its arguments already; give them to ferry.Task(), behind the function")
            _adapt(function)
            task = function
        else:
            task = _make_task(function, args, kwargs)
        return self._send(task, text, idempotent, not_before)

    def _send(self, task: Task[Any], key: str | None, idempotent: bool | None, not_before: When | None) -> Any:
        if self._server is not None and task._is_of_program:
            raise Error("%s() is a function of the program itself, which hosts do not have; put it into a module, and import "
                        "that here and there" % task._function_name)
        if idempotent is not None:
            task.props.idempotent = idempotent
        if not_before is not None:
            task.props.not_before = _time_of(not_before)
        return self._ask(self._submit_here, task, key)

    @overload
    def run(self, args: "Iterable[Argument]", *, key: Key | None = ..., idempotent: bool | None = ..., not_before: When | None = ...,
            text: Literal[True], **keywords: Any) -> "Task[subprocess.CompletedProcess[str]]":
        ...

    @overload
    def run(self, args: "Iterable[Argument]", *, key: Key | None = ..., idempotent: bool | None = ..., not_before: When | None = ...,
            **keywords: Any) -> "Task[subprocess.CompletedProcess[Any]]":
        ...

    def run(self, args: "Iterable[Argument]", *, key: Key | None = None, idempotent: bool | None = None,
            not_before: When | None = None, name: str | None = None, **keywords: Any) -> Any:
        """Runs a program once, and returns the task, whose result is a subprocess.CompletedProcess.

        A worker runs it as ferry.run() does, in the folder of this submission where no other is given. The keywords are
        those of ferry.Command. One that replaces its output files as a whole is idempotent by itself. Queues with a server
        run none.
        """
        from ._command import Command
        from ._step import run

        if self._server is not None:
            raise Error("A queue with a server stores no programs, since hosts have not the files of this machine; run them by a "
                        "queue of their own, or by a function of a module that calls ferry.run()")
        text = None if key is None else _text_of(key)
        # Says what is wrong with the keywords.
        command: Command[Any] = Command(args, name=name, **keywords)
        if command._yields:
            raise TypeError("A program in a queue has no lines() and no all_lines; its output is in its result")
        folder = "directory" if keywords.get("directory") is not None else "cwd"
        keywords[folder] = os.path.abspath(os.fsdecode(keywords.get(folder) or os.getcwd()))
        task = _make_task(run, (list(command.args),), keywords, command.get_name())
        task.props.interactive = bool(keywords.get("interactive"))
        return self._send(task, text, _replaces_files(command.args, keywords) if idempotent is None else idempotent, not_before)

    def flush(self) -> Call[None]:
        """Waits until all that was submitted and changed so far is on the disk. Any thread.

        In a coroutine, and in a callback of the main loop, await what it returns.
        """
        return self._begin("a flush of the queue '%s'" % self.path,
                           lambda core, end: core.flush_async(None, lambda _, result: end(core.flush_finish, result)))

    def back_up(self, path: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> Call[None]:
        """Copies the file while the queue goes on, with all that was submitted and changed so far. Any thread.

        At `path`, where nothing may be, is then a queue that can be opened, and its large values are in the folder
        `path + ".values"`. In a coroutine, and in a callback of the main loop, await what it returns.
        """
        name = os.path.abspath(os.fsdecode(path))
        return self._begin("a back-up of the queue '%s'" % self.path,
                           lambda core, end: core.back_up_async(name, None, lambda _, result: end(core.back_up_finish, result)))

    def _begin(self, name: str, function: Callable[[Any, Callable[[Any, Any], None]], Any]) -> Call[None]:
        """Calls function(core, end) once the queue is open, for something that takes a while."""
        call: Call[None] = Call(name, self._home)

        def begin(opening: Call[None]) -> None:
            if opening._exception is None:
                function(self._objects[0], functools.partial(_finish, call))
            else:
                opening._is_retrieved = True
                call._end(None, opening._exception)

        if self._opening.done() and self._opening._exception is None:
            self._ask(begin, self._opening)
        else:
            self._opening._call_at_end(begin)
        if self._can_wait():
            call.result()
        return call

    def __iter__(self) -> Iterator[Task[Any]]:
        """Over its tasks, as they are now, in their order: those that wait, those that run, and those that have ended."""
        tasks: list[Task[Any]] = self._ask(lambda: [self._adopt(task) for task in self._objects[0]])
        return iter(tasks)

    def __len__(self) -> int:
        return int(self._ask(lambda: self._objects[0].get_n_items()))

    def __bool__(self) -> bool:
        # An empty queue is one.
        return True

    def get(self, key: Key) -> Task[Any] | None:
        """The task that has a key, or None. Any thread."""
        text = _text_of(key)

        def look_up() -> Any:
            found = self._objects[0].lookup(text)
            return None if found is None else self._adopt(found)

        return cast(Task[Any] | None, self._ask(look_up))

    def __getitem__(self, key: Key) -> Task[Any]:
        found = self.get(key)
        if found is None:
            raise KeyError("The queue has no task with the key '%s'" % _text_of(key))
        return found

    def __contains__(self, key: object) -> bool:
        """Whether it has a task with the key, or the task."""
        return self.key_of(key) is not None if isinstance(key, Task) else self.get(cast(Key, key)) is not None

    def key_of(self, task: Task[Any]) -> str | None:
        """The key of a task; None if the task is not in the list. Any thread."""
        return cast(str | None, self._ask(lambda: self._objects[0].get_key(task)))

    def forget(self, key: Key) -> None:
        """Removes a task and its key. One that waits is cancelled. What is submitted with the key later is done anew."""
        self._ask(lambda: self._objects[0].forget(_text_of(key)))

    def move(self, task: Task[Any], before: Task[Any] | None = None) -> None:
        """Moves a task in front of another one, or behind all. Tasks are begun in the order of the list."""
        self._ask(lambda: self._objects[0].move(task, before))

    def retry(self, task: Task[T]) -> Task[T]:
        """Runs a task again that has ended, with the same key, and returns what takes its place."""
        return cast(Task[T], self._ask(lambda: self._adopt(self.executor.ferry_executor.retry(task))))

    def set_not_before(self, task: Task[Any], when: When | None) -> None:
        """Changes when a task may be begun that waits: a datetime, seconds from now, or None, which is now."""
        time = _time_of(when)
        self._ask(lambda: self._objects[0].set_not_before(task, time))

    @property
    def ferry_queue(self) -> Any:
        """The library's queue: a Gio.ListModel of tasks, for a list in a window."""
        return self._objects[0]

    @property
    def props(self) -> Any:
        """The properties of the library's queue, such as `keep_count` and `reason`, on any thread."""
        return _home.Properties(self._home, self._objects[0].props)

    @property
    def paused(self) -> bool:
        """Whether it begins no task. It is stored: see `start`."""
        return bool(self.props.paused)

    @paused.setter
    def paused(self, paused: bool) -> None:
        self.props.paused = paused

    @property
    def reason(self) -> str | None:
        """Why it is paused, in words for the user: the text of tasks that wait meanwhile."""
        return cast(str | None, self.props.reason)

    @reason.setter
    def reason(self, reason: str | None) -> None:
        self.props.reason = reason

    @property
    def error(self) -> Error | None:
        """Why nothing is begun now: the file cannot be written, or no worker starts. Both are tried again."""
        executor = _home.Properties(self._home, self.executor.ferry_executor.props)
        return _error_of(self.props.error or executor.error)

    @property
    def damage(self) -> Error | None:
        """What was found damaged in the file as it was opened, and where the damaged file is now."""
        return _error_of(self.props.damage)

    def close(self) -> Call[None]:
        """Ends what runs, which is no cancel: it goes on in the next run. Then closes the file.

        In a coroutine, and in a callback of the main loop, await what it returns.
        """
        if self._closing is None:
            self._closing = Call("the end of the queue '%s'" % self.path, self._home)
            atexit.unregister(self._at_exit)
            if self._opening.done():
                self._home.call(self._close_here)
            else:
                self._opening._call_at_end(lambda _: self._close_here())
        if self._can_wait():
            self._closing.result()
        return self._closing

    def _close_at_exit(self) -> None:
        if self._home.is_of_this_process() and not self._home.is_over:
            self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            closing = self.close()
            # Also in a coroutine: who opens the file next finds it closed.
            if self._home.can_wait():
                closing.result()
        except Error:
            # What the block raises comes first.
            if kind is None:
                raise

    async def __aenter__(self) -> Self:
        return await self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        try:
            await self.close()
        except Error:
            if kind is None:
                raise


def _error_of(error: Any) -> Error | None:
    return None if error is None else Error(error.message)


def _finish(call: Call[None], finish: Callable[[Any], Any], result: Any) -> None:
    try:
        finish(result)
    except GLib.Error as error:
        call._end(None, Error(error.message))
    else:
        call._end(None, None)


def _convert(convert: Convert, _queue: Any, function: str, arguments: Any, version: int) -> Any:
    """A handler of the library's signal: has the program convert a call."""
    if function != CALL:
        return arguments
    try:
        name, stored, args, kwargs = _message.open_stored(_message.from_variant(arguments))
    except Exception:
        # The worker says what is wrong with it, and the task stays.
        return arguments
    try:
        made = convert(version, name, args, kwargs)
        if made is None:
            return None
        call, new_args, new_kwargs = made
        if call == name and new_args is args and new_kwargs is kwargs:
            # It may name what is gone, and the worker says so.
            return arguments
        parts, _ = _message.pack_stored(stored if call == name else cast(Any, call), new_args, new_kwargs)
        return _message.to_variant(b"".join(parts))
    except Exception:
        # The task cannot be run, and stays.
        sys.excepthook(*cast(Any, sys.exc_info()))
        return None
