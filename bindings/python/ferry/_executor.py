# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ferry.Executor: starts worker processes, with modules, has them call functions, with the arguments of map(), and ends them.

The workers are those of a Ferry.Pool. What they run is worker.py.
"""

import functools
import logging
import os
import pickle
import sys
import weakref
from collections.abc import Callable, Coroutine, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, Self, TypeVar, cast, overload

from . import _by_value, _frozen, _home, _main, _message, _native
from ._library import Ferry, GLib
from ._task import Task, make_call, name_of
from ._names import END, PATHS
from .errors import Error, ExecutorEnded

if TYPE_CHECKING:
    # Methods import the modules that they need, as few programs need all.
    from ._command import Argument, Command
    from ._map import Map
    from ._pipe import Receiver, Sender
    from ._proxy import Connection, Proxy
    from ._stream import Stream, Yielding

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
P = ParamSpec("P")
AnyTask = TypeVar("AnyTask", bound=Task[Any])

# How long a shutdown waits for functions that were cancelled, in seconds.
CANCEL_TIME = 5

# What says how many threads the libraries under numpy have, and others that calculate.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "NUMBA_NUM_THREADS",
           "NUMEXPR_NUM_THREADS")

# How many workers the shared executor may have: what begins waits for no other.
MAX_SHARED = 4096


# Flags of the interpreter that a plain start has not, and a worker takes over.
FLAGS = ("bytes_warning", "debug", "dev_mode", "dont_write_bytecode", "ignore_environment", "inspect", "interactive", "isolated",
         "no_site", "no_user_site", "optimize", "quiet", "utf8_mode", "verbose", "warn_default_encoding")


def _interpreter_arguments() -> list[str]:
    """As multiprocessing takes them over, whose module takes long to import, and is asked where there are any."""
    if not sys.warnoptions and not sys._xoptions and not any(getattr(sys.flags, flag) for flag in FLAGS):
        return []
    import subprocess

    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    return flags


def _worker_arguments(modules: Iterable[str], options: Iterable[str], program: str) -> list[str]:
    if _frozen.is_frozen():
        return [sys.executable, _frozen.WORKER, *options, *modules]
    main = _main.find()
    options = [*options, "--main-%s" % main[0], main[1]] if main else options
    # -P: the current directory is no place of its modules.
    return [sys.executable, "-P", *_interpreter_arguments(), "-m", program, *options, *modules]


def _find_authkey() -> str | None:
    """The key of multiprocessing's managers, where the program has imported it: an argument may be a proxy of one."""
    process = sys.modules.get("multiprocessing.process")
    return None if process is None else process.current_process().authkey.hex()


def _make_launcher(modules: Iterable[str], *options: str, program: str = _main.WORKER) -> Any:
    launcher = Ferry.Launcher.new(_worker_arguments(modules, options, program))
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    inherited = os.environ.get("PYTHONPATH")
    launcher.setenv("PYTHONPATH", own if inherited is None else own + os.pathsep + inherited)
    launcher.setenv(PATHS, pickle.dumps({"path": [os.path.abspath(path) for path in sys.path], "pythonpath": inherited,
                                         "level": logging.getLogger().level, "authkey": _find_authkey(), "argv": sys.argv,
                                         "folder": _main.start_folder, "by_value": _by_value.is_on()}, 5).hex())
    return launcher


def _count_processors() -> int:
    return len(os.sched_getaffinity(0))


def _set_threads(launcher: Any, workers: int | None, threads: int | None) -> None:
    """Workers have as many threads of libraries together as there are processors, where the user has not said how many."""
    given = threads if threads is not None else max(1, _count_processors() // (workers or _count_processors()))
    for name in THREADS:
        if threads is not None or name not in os.environ:
            launcher.setenv(name, str(given))


def _pack_initializer(initializer: Callable[..., Any], initargs: tuple[Any, ...]) -> bytes:
    from . import _inherited

    parts, memory = _message.pack_call(initializer, initargs, {}, pickled=_inherited.pickled)
    if memory >= 0:
        os.close(memory)
        raise Error("The arguments of the initializer are too large; have it read them from a file")
    return b"".join(parts)


class Executor(_home.Staying):
    """Runs functions in worker processes, up to `workers` of them; as many as there are processors by default.

    `modules` are imported once, before workers are forked. Signals of tasks come on the thread that the rule in
    docs/python.md says; `context` is a GLib.MainContext for what the rule does not see. `fork=False` has each worker
    start as a program of its own. Each worker calls `initializer(*initargs)` before its first task.
    `threads` is how many numpy's libraries have in each worker: by default, all workers together have as many as there are
    processors, unless the environment says otherwise.

    With `program`, workers are that program with its arguments, in any language. call() is for its functions.

    What workers are copies of begins right behind this, beside the program: Python, and what the program imports. Until the
    first worker starts, settings of the pool and of its launcher can be changed.
    """

    # Whether it begins before there is a task.
    _begins_ahead = True
    # Whether workers start only where all can be imported that is to be.
    _is_whole = False
    _instead = "pass the arguments of its tasks, and make an executor there"

    def __init__(self, workers: int | None = None, *, max_workers: int | None = None, modules: Iterable[str] = (),
                 context: Any = None, fork: bool = True, initializer: Callable[..., Any] | None = None,
                 initargs: tuple[Any, ...] = (), program: Iterable[str] | None = None, threads: int | None = None) -> None:
        if workers is not None and max_workers is not None:
            raise TypeError("`max_workers` is another name of `workers`; give one of them")
        workers = max_workers if workers is None else workers
        if _main.importing:
            raise _main.refusal("starts workers")
        _frozen.check()
        if not sys.executable:
            raise Error("sys.executable does not say which Python the workers are; set it")
        if workers is not None and workers < 1:
            raise ValueError("An executor has at least one worker, and not %d" % workers)
        if threads is not None and threads < 1:
            raise ValueError("A library has at least one thread, and not %d" % threads)
        if program is not None and initializer is not None:
            raise ValueError("A program of another language has no initializer of Python; set the pool's initialiser")
        self._home = self._find_home(context)
        self._objects: list[Any] = []
        self._commands: "_Commands | None" = None
        self._pause = (False, False)
        self._has_ended = False
        # Of the workers, once they are told to end.
        self._workers_ended: _home.Event | None = None
        self._modules = list(modules)
        self._threads = workers, threads
        self._connections: "weakref.WeakSet[Connection]" = weakref.WeakSet()
        self._streams: "weakref.WeakSet[Yielding[Any]]" = weakref.WeakSet()
        first = None if initializer is None else (name_of(initializer) + "()", _pack_initializer(initializer, initargs))
        # What workers open in this process stays open.
        self._initargs = initargs
        self._program = None if program is None else list(program)
        self._home.call(lambda: self._make(workers, self._modules, fork, first))
        # The last references are dropped where the objects are at home.
        self._finalizer = weakref.finalize(self, _home.post, self._home.context, self._objects.clear)
        if self._begins_ahead and self._program is None and fork:
            if self._home.is_here() and GLib.main_depth() == 0:
                # What comes before the loop runs, such as the first window, takes as long.
                self._begin()
            else:
                _home.post(self._home.context, _home.weakly(self._begin))

    def _find_home(self, context: Any) -> _home.Home:
        return _home.find(context)

    def _make(self, workers: int | None, modules: list[str], fork: bool, first: tuple[str, bytes] | None) -> None:
        # The initializer has a name of its own, as what is said of its failure names it.
        options = ("--whole",) * self._is_whole + (() if first is None else ("--initializer", first[0]))
        pool = Ferry.Pool.new(self._home.router, self._make_launcher(modules, *options))
        if workers is not None:
            pool.props.max_workers = workers
        pool.props.use_fork_server = fork
        if self._program is None:
            pool.props.finaliser = END
            pool.props.finaliser_arguments = _message.to_variant(b"")
        if first is not None:
            pool.props.initialiser = first[0]
            pool.props.initialiser_arguments = _message.to_variant(first[1])
        self.workers: int = pool.props.max_workers
        self._objects += [Ferry.Executor.new(pool), pool]

    def _begin(self) -> None:
        """On the home's thread, on its next turn if it runs: what workers are copies of starts, and prepares itself."""
        executor, pool = self._objects
        if executor.props.state == Ferry.ExecutorState.RUNNING:
            try:
                pool.start()
            except GLib.Error:
                # The first task says it.
                pass

    def _make_launcher(self, modules: list[str], *options: str) -> Any:
        if self._program is not None:
            return Ferry.Launcher.new(self._program)
        return self._make_python_launcher(modules, *options)

    def _make_python_launcher(self, modules: list[str], *options: str) -> Any:
        launcher = _make_launcher(modules, *options)
        _set_threads(launcher, *self._threads)
        return launcher

    @property
    def ferry_executor(self) -> Any:
        """The `Ferry.Executor`: a Gio.ListModel of tasks, for a list in a window."""
        return self._objects[0]

    @property
    def pool(self) -> Any:
        """The `Ferry.Pool`, for its settings. What is asked of it is done on the thread where signals come."""
        return self._home.share(self._objects[1])

    @property
    def props(self) -> Any:
        """The properties of the `Ferry.Executor`, such as `keep_finished`, on any thread."""
        return _home.Properties(self._home, self._objects[0].props)

    @overload
    def submit(self, function: AnyTask, /) -> AnyTask:
        ...

    @overload
    def submit(self, function: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **kwargs: P.kwargs) -> Task[T]:
        ...

    @overload
    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Task[T]:
        ...

    def submit(self, function: Callable[..., Any] | Task[Any], /, *args: Any, **kwargs: Any) -> Any:
        """Has a worker call function(*args, **kwargs), and returns the task. Any thread may call this."""
        task = function if isinstance(function, Task) else None
        if task is not None and task._is_program:
            return self.commands._send(task, False)
        if self._program is not None:
            if task is None or not task._has_types:
                raise Error("The workers are '%s', which knows no functions of Python; use call() with a name"
                            % self._program[0])
            task._takes_pickles = False
        if task is not None:
            return self._send(task, False)
        return self._send(make_call(cast(Callable[..., Any], function), args, kwargs), True)

    def submit_named(self, name: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Task[T]:
        """Submits as submit() does, by a name for users: the title in a list of tasks."""
        task = make_call(function, args, kwargs)
        task.props.name = name
        return self.submit(task)

    def _send(self, task: AnyTask, is_new: bool) -> AnyTask:
        if task._home is not None:
            raise Error("Task '%s' was submitted before; make a new task" % task._name)
        task._submit_to(self._home, is_new)
        mistake = _native.submit(self._objects[0], task, isinstance(self._home, _home.ThreadHome))
        if mistake is not None:
            task._home = None
            raise self._end_error() if self._has_ended else Error(mistake)
        if task._yields_values:
            self._streams.add(cast(Any, task))
        return task

    def _end_error(self) -> ExecutorEnded:
        return ExecutorEnded("The executor was shut down, and takes no more; make another one")

    def call(self, name: str, /, *args: Any, signature: str | None = None) -> Task[Any]:
        """Has a worker call a function of this name, which may be of any language, and returns the task.

        Arguments are packed by the signature, such as "su". Without one it is that of ferry.function(), where this
        process has imported that, and else what the values are: "x" for whole numbers, "d", "s", "b" and "ay".
        """
        from ._function import functions, make_task

        if self._program is None and name in functions:
            _message.check_importable(functions[name].call)
        return self.submit(make_task(name, args, signature))

    def stream(self, function: Callable[P, Iterable[T]], /, *args: P.args, **kwargs: P.kwargs) -> "Stream[T]":
        """Has a worker call a function that yields, and returns an iterator of the values.

        The end of the executor cancels a stream whose function waits for a reader.
        """
        from ._stream import Stream

        return self.submit(Stream(function, *args, **kwargs))

    # Items of more iterables than three may have any type.
    @overload
    def map(self, function: Callable[[A], T], items: Iterable[A], /, *,
            ordered: bool = ..., chunksize: int | None = ..., buffersize: int | None = ..., timeout: float | None = ...,
            return_exceptions: Literal[False] = ...) -> "Map[T]":
        ...

    @overload
    def map(self, function: Callable[[A], T], items: Iterable[A], /, *,
            ordered: bool = ..., chunksize: int | None = ..., buffersize: int | None = ..., timeout: float | None = ...,
            return_exceptions: Literal[True]) -> "Map[T | Exception]":
        ...

    @overload
    def map(self, function: Callable[[A, B], T], items: Iterable[A], second: Iterable[B], /, *,
            ordered: bool = ..., chunksize: int | None = ..., buffersize: int | None = ..., timeout: float | None = ...,
            return_exceptions: Literal[False] = ...) -> "Map[T]":
        ...

    @overload
    def map(self, function: Callable[[A, B], T], items: Iterable[A], second: Iterable[B], /, *,
            ordered: bool = ..., chunksize: int | None = ..., buffersize: int | None = ..., timeout: float | None = ...,
            return_exceptions: Literal[True]) -> "Map[T | Exception]":
        ...

    @overload
    def map(self, function: Callable[[A, B, C], T], items: Iterable[A], second: Iterable[B], third: Iterable[C], /, *,
            ordered: bool = ..., chunksize: int | None = ..., buffersize: int | None = ..., timeout: float | None = ...,
            return_exceptions: Literal[False] = ...) -> "Map[T]":
        ...

    @overload
    def map(self, function: Callable[[A, B, C], T], items: Iterable[A], second: Iterable[B], third: Iterable[C], /, *,
            ordered: bool = ..., chunksize: int | None = ..., buffersize: int | None = ..., timeout: float | None = ...,
            return_exceptions: Literal[True]) -> "Map[T | Exception]":
        ...

    @overload
    def map(self, function: Callable[..., T], items: Iterable[Any], second: Iterable[Any], third: Iterable[Any],
            fourth: Iterable[Any], /, *iterables: Iterable[Any],
            ordered: bool = ..., chunksize: int | None = ..., buffersize: int | None = ..., timeout: float | None = ...,
            return_exceptions: Literal[False] = ...) -> "Map[T]":
        ...

    @overload
    def map(self, function: Callable[..., T], items: Iterable[Any], second: Iterable[Any], third: Iterable[Any],
            fourth: Iterable[Any], /, *iterables: Iterable[Any],
            ordered: bool = ..., chunksize: int | None = ..., buffersize: int | None = ..., timeout: float | None = ...,
            return_exceptions: Literal[True]) -> "Map[T | Exception]":
        ...

    def map(self, function: Callable[..., Any], /, *iterables: Iterable[Any], ordered: bool = True, chunksize: int | None = None,
            buffersize: int | None = None, timeout: float | None = None, return_exceptions: bool = False) -> "Map[Any]":
        """Calls a function for many items, and returns an iterator of the results, in order or as they come.

        A worker takes chunks of items, by itself as large as some milliseconds of work and a megabyte, and those of
        `chunksize` however large they are. A lost worker costs the chunk that it ran. At most `buffersize` items are taken
        and have no result that was given. A result that has not come `timeout` seconds after this call raises TimeoutError.

        An item that failed raises where its result would stand. With return_exceptions=True, as in asyncio.gather(), the
        exception is its result, and each item of a chunk that was lost has one. What ends the map still raises.
        """
        from ._map import Map

        return Map(self.submit, self.workers, function, iterables, ordered, chunksize, buffersize, timeout, return_exceptions)

    @overload
    def run(self, args: "Iterable[Argument]", *, text: Literal[True], **keywords: Any) -> "Command[str]":
        ...

    @overload
    def run(self, args: "Iterable[Argument]", *, encoding: str, **keywords: Any) -> "Command[str]":
        ...

    @overload
    def run(self, args: "Iterable[Argument]", *, text: Literal[False] = ..., encoding: None = ...,
            **keywords: Any) -> "Command[bytes]":
        ...

    def run(self, args: "Iterable[Argument]", **keywords: Any) -> Any:
        """Runs a program, and returns the task, whose result is a subprocess.CompletedProcess.

        A status that is no success raises ferry.CommandError, a subprocess.CalledProcessError. The keywords are those
        of ferry.Command.
        """
        from ._command import Command

        return self.submit(Command(args, **keywords))

    @property
    def commands(self) -> "Executor":
        """The executor that this one has for programs: for a list of them in a window, and for their pool."""
        if self._commands is None:
            self._home.call(self._make_commands)
        assert self._commands is not None
        return self._commands

    def _make_commands(self) -> None:
        if self._objects[0].props.state != Ferry.ExecutorState.RUNNING:
            raise self._end_error()
        if self._commands is None:
            self._commands = _Commands(self._home, self.workers)
            self._commands._objects[0].set_paused(*self._pause)

    def pipe(self, *, latest: bool = False) -> "tuple[Sender, Receiver]":
        """A sender, for functions to send with, and its receiver, whose signals come where those of tasks do."""
        from . import _pipe

        return _pipe.make(self._home, latest)

    def create(self, class_: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Proxy[T]":
        """Makes an object in a worker of its own, and returns a proxy of it. The worker ends with the proxy.

        A failure of the class is raised by what is asked of the proxy, and by `with` and `await`.
        """
        from . import _proxy

        if self._has_ended:
            raise self._end_error()
        _message.check_importable(class_)
        launcher: Any = self._home.call(functools.partial(self._make_python_launcher, self._modules, "--objects"))
        proxy: Proxy[T] = _proxy.create(self._home, launcher, class_, args, kwargs)
        self._connections.add(proxy._connection)
        return proxy

    def __iter__(self) -> Iterator[Any]:
        """Over the tasks in its list, as they are now: those that wait or run, and those that ended a moment ago. Any thread."""
        return iter(self._home.call(lambda: list(self.ferry_executor)))

    def cancel_all(self) -> None:
        """Cancels all tasks that are not done."""
        for executor in self._with_commands():
            self._home.call(executor._objects[0].cancel_all)

    def set_paused(self, paused: bool, running: bool = False) -> None:
        """Begins no more tasks, until set_paused(False). With running=True, the tasks that run are paused as well."""
        self._pause = (paused, running)
        for executor in self._with_commands():
            self._home.call(functools.partial(executor._objects[0].set_paused, paused, running))

    def _with_commands(self) -> "list[Executor]":
        return [self] if self._commands is None else [self, self._commands]

    def _is_broken(self) -> bool:
        """Whether the pool has given up. Any thread."""
        return not self._home.is_over and self.pool.get_error() is not None

    def _stop_workers(self, pool: Any) -> _home.Event:
        """On the home's thread: has the workers end, which they have some time for. Returns what happens when they have."""
        if self._workers_ended is None:
            ended = self._workers_ended = _home.Event()
            pool.stop_async(CANCEL_TIME * GLib.USEC_PER_SEC, None, lambda *_: ended.set())
        return self._workers_ended

    def _stop(self, ended: _home.Event, cancel: bool) -> None:
        # At the end of the program, the objects go while the tasks end.
        executor, pool = self._objects
        for connection in list(self._connections):
            connection.close()

        def end(*_: Any) -> None:
            if executor.props.state == Ferry.ExecutorState.STOPPED and executor.handler_is_connected(handler):
                # The handler refers to the executor: both would wait for the cyclic garbage collector.
                executor.disconnect(handler)
                self._stop_workers(pool).add_callback(ended.set)

        handler = executor.connect("notify::state", end)
        if cancel:
            executor.shutdown_async(CANCEL_TIME * GLib.USEC_PER_SEC, None, end)
        else:
            executor.stop()
        end()

    def _cancel_waiting(self, going: int) -> None:
        """On the home's thread, behind the end: cancels what no worker has begun, but for so many that are about to be."""
        for task in list(self.ferry_executor):
            if task.get_state() == Ferry.TaskState.WAITING:
                going -= 1
                if going < 0:
                    Ferry.Task.cancel(task)
            elif not task.get_done():
                going -= 1

    def _end_workers(self, number: int) -> None:
        """On the home's thread: sends the workers a signal, and starts no others."""
        executor, pool = self._objects
        executor.stop()
        self._cancel_waiting(0)
        for worker in list(pool.get_workers()):
            worker.send_signal(number)
        self._stop_workers(pool)

    def _begin_shutdown(self, cancel: bool, cancel_futures: bool = False) -> list[_home.Event]:
        self._has_ended = True
        ends = []
        for executor in self._with_commands():
            ends.append(_home.Event())
            self._home.call(functools.partial(executor._stop, ends[-1], cancel))
            if cancel_futures:
                # What was submitted is in the list now.
                self._home.call(functools.partial(executor._cancel_waiting, self.workers))
        if not cancel:
            # Those of programs whose lines are read, too.
            for stream in [stream for executor in self._with_commands() for stream in executor._streams]:
                _home.post(self._home.context, stream._leave)
        return ends

    def shutdown(self, wait: bool = True, *, cancel: bool = False, cancel_futures: bool = False) -> None:
        """Takes no more tasks, and ends the workers when the tasks are done, or at once with cancel=True. With
        cancel_futures=True, tasks that no worker has begun are cancelled, and those that a worker is there for are done.

        A callback of the main loop cannot wait for the tasks, so the shutdown goes on behind it.
        """
        ends = self._begin_shutdown(cancel, cancel_futures)
        if wait and self._home.can_wait():
            for ended in ends:
                ended.wait(self._home, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.shutdown(cancel=kind is not None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        for ended in self._begin_shutdown(kind is not None):
            await ended


class _Commands(Executor):
    """What an executor has for programs."""

    def __init__(self, home: _home.Home, workers: int) -> None:
        super().__init__(workers, context=home, program=["ferry-command"])

    def _find_home(self, context: Any) -> _home.Home:
        home: _home.Home = context
        return home

    def _make_launcher(self, *_: Any) -> Any:
        try:
            return Ferry.Launcher.new_for_commands()
        except GLib.Error as missing:
            raise Error(missing.message) from None

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(function, Task) or not function._is_program:
            raise Error("These workers run programs, and no functions; use run(), or another executor")
        return self._send(function, False)

    @property
    def commands(self) -> Executor:
        return self


class ThreadExecutor(Executor):
    """For programs that wait wherever they are: a callback of a main loop too, so the loop is not what brings results."""

    def _find_home(self, context: Any) -> _home.Home:
        return _home.own_thread()


class _Shared(ThreadExecutor):
    """It is made where it is used at once, or for programs, which need no worker of Python."""

    _begins_ahead = False


# What programs know of them.
ThreadExecutor.__name__ = _Shared.__name__ = _Commands.__name__ = "Executor"


@functools.cache
def _shared_of(_process: int) -> ThreadExecutor:
    return _Shared(MAX_SHARED, threads=_count_processors())


def shared() -> ThreadExecutor:
    """The executor of functions that need none of their own, but a worker at once."""
    # A forked process has none of the workers.
    return _shared_of(os.getpid())
