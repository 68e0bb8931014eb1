# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The worker program, which an executor starts: it calls functions, and sends back what they return, yield or raise.

Its arguments: `python3 -m ferry.worker [--objects] [--whole] [--main-file FILE | --main-name NAME] [--initializer NAME] [MODULE...]`

It imports the modules, and serves calls of the functions in them. Where it can be forked it imports them once, and each
worker is a copy, with random numbers of its own. With --objects, one object lives in it, whose methods it serves.

PyGObject and the library's introspection data are most of what a start would take. So nothing here imports them, but where
the program does, or uses what needs them.
"""

import atexit
import contextlib
import faulthandler
import functools
import gc
import importlib
import itertools
import logging
import os
import pickle
import signal
import sys
import traceback
import types
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from . import _by_value, _fault, _imports, _job, _main, _message, _native, _notices, _text, _travel, _unguarded
from ._names import CALL, END, EXCEPTION, PART, PATHS, STREAM
from .errors import Cancelled

# While modules are imported, GTK finds no display: workers have no window, and a display would bring threads.
NO_DISPLAY = {"DISPLAY": "", "WAYLAND_DISPLAY": "", "GDK_BACKEND": "x11"}

# The variable that a fork server is started with.
FORK_SERVER = "FERRY_FORK_SERVER"


def _fail(job: Any, exception: BaseException) -> None:
    """Sends what the application raises, then fails the task. Of an initializer, the error has the message alone."""
    fault = _fault.describe(exception, globals(), vars(_job))
    if _job.current is None:
        logging.getLogger("concurrent.futures").critical("Exception in initializer:\n%s", fault[3].rstrip())
    else:
        try:
            job.send(EXCEPTION, pickle.dumps(fault, 5))
        except _native.Failure:
            # The task was cancelled, and its error is that.
            pass
    job.fail(_text.display(_fault.say(exception)), _text.display(fault[3]))


def _load(job: Any, data: memoryview) -> Any:
    share = sys.modules.get("ferry._share")
    if share is not None and share.mapped:
        share.let_go()
    try:
        return _travel.opening(job, _message.count_memories(data), _message.unpack, data, lambda: int(job.dup_descriptor(0)))
    except Exception as exception:
        _main.explain(exception)
        if _message.is_stored(data) and not _main.failures:
            raise _message.explain_unreadable(exception) from exception
        raise


def _share_memory(job: Any, size: int, own: list[int]) -> int:
    """A descriptor of memory that the task has too, or -1 where a sandbox lets the worker make none.

    Where the task takes none, what fits into a message needs none, and a larger result has its own, to be sent in parts.
    """
    try:
        descriptor = _message.make_memory()
    except OSError:
        return -1
    try:
        _job.call_whole(job.return_descriptor, descriptor)
    except BaseException as error:
        if isinstance(error, _native.Failure) and size > _message.PART_SIZE:
            own.append(os.dup(descriptor))
            return descriptor
        os.close(descriptor)
        if not isinstance(error, _native.Failure):
            raise
        return -1
    return descriptor


def _pack(value: Any, function: Any, share_memory: Callable[[int], int] | None = None) -> bytes:
    try:
        return _message.pack_value(value, share_memory)
    except Exception as exception:
        _fault.note_unsent(exception, value, function)
        raise


def _pack_outcome(value: Any, function: Any, args: tuple[Any, ...], share_memory: Callable[[int], int] | None) -> bytes:
    """What a function has returned. Of a map's items, those fail whose results cannot be sent."""
    try:
        return _pack(value, function, share_memory)
    except Exception:
        maps = sys.modules.get("ferry._map")
        if maps is None or function not in (maps.run_chunk, maps.run_items):
            raise
        return _pack(maps.without_unsent(value, args[0]), function, share_memory)


def _is_cancel(exception: BaseException) -> bool:
    """Whether it may be how a function has heard of a cancel: by Ferry, or by a call of GIO that it has cancelled itself."""
    error: Any = getattr(sys.modules.get("gi.repository.GLib"), "Error", Cancelled)
    return isinstance(exception, (Cancelled, _native.Failure, error))


def _run(job: Any, body: Callable[..., Any], *arguments: Any) -> Any:
    """Runs body as the function of a job. A cancel raises in it, wherever it is, and here as well."""
    _job.current = job
    _job.waited.clear()
    try:
        return _job.call(job, body, job, *arguments)
    except BaseException as exception:
        _job.interruptible = None
        if job.is_cancelled() and _is_cancel(exception):
            # The library knows why: a cancel, or the end of the time.
            if job.end(_text.display(_fault.where(exception, _job.waited, globals(), vars(_job)))):
                return None
            raise Cancelled("The task was cancelled") from None
        _fail(job, exception)
        return None
    finally:
        _job.current = None


def _call_and_pack(job: Any, data: memoryview) -> bytes:
    function, args, kwargs = _load(job, data)
    value = function(*args, **kwargs)
    if type(value) is types.CoroutineType:
        value = _job.finish(value)
    if _job.unanswered:
        _job.wait_for_answers()
    own: list[int] = []
    # What is stored has no memory.
    share = None if _message.is_stored(data) else lambda size: _share_memory(job, size, own)
    packed = _pack_outcome(value, function, args, share)
    if own:
        try:
            for part in itertools.chain.from_iterable(map(_message.read_parts, own)):
                _job.call_whole(job.send, PART, part)
        finally:
            for descriptor in own:
                os.close(descriptor)
    return packed


def _call(job: Any, data: memoryview) -> Any:
    return _run(job, _call_and_pack, data)


def _initialize_and_pack(job: Any, data: memoryview) -> bytes:
    # Nobody hears what is sent: what is logged goes to standard error, as outside of a task.
    _job.current = None
    return _call_and_pack(job, data)


def _initialize(job: Any, data: memoryview) -> Any:
    return _run(job, _initialize_and_pack, data)


def _yield_all(job: Any, data: memoryview) -> bytes:
    function, args, kwargs = _load(job, data)
    values = iter(function(*args, **kwargs))
    while True:
        try:
            value = next(values)
        except StopIteration as end:
            _job.wait_for_answers()
            return _pack(end.value, function)
        # Waits where the application is behind.
        _job.call_whole(job.yield_, _pack(value, function))


def _stream(job: Any, data: memoryview) -> Any:
    return _run(job, _yield_all, data)


def _end(_job: Any, _data: memoryview) -> bytes:
    """An orderly end is one for atexit, too: temporary folders are removed, and coverage writes what it has found."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if not stream.closed:
            stream.flush()
    return b""


def _leave_finalizers() -> None:
    """What was made before the fork is there for all workers, and none of them ends it."""
    weakref = sys.modules.get("weakref")
    for finalizer in [] if weakref is None else list(weakref.finalize._registry):
        finalizer.atexit = False


# In a fork server: what its environment had of the package. Where it has to execute a worker, that begins with it.
_begun_with: dict[str, str] = {}


def _set_environment(paths: dict[str, Any]) -> None:
    """It becomes that of the application."""
    del os.environ[PATHS]
    os.environ.pop("PYTHONPATH", None)
    if paths["pythonpath"] is not None:
        os.environ["PYTHONPATH"] = paths["pythonpath"]


def _read_paths(text: str) -> dict[str, Any]:
    """As _executor.py has written it. It is the application's own, whose pickles a worker takes."""
    paths: dict[str, Any] = pickle.loads(bytes.fromhex(text))
    return paths


def _take_paths() -> dict[str, Any] | None:
    """sys.path, sys.argv and PYTHONPATH become those of the application. Returns what else it has told, if anything."""
    text = os.environ.get(PATHS)
    if text is None:
        return None
    paths: dict[str, Any] = _read_paths(text)
    if FORK_SERVER in os.environ:
        _begun_with.update({name: os.environ[name] for name in (PATHS, "PYTHONPATH")})
    sys.path[:] = paths["path"]
    _by_value.is_told = paths["by_value"]
    _set_environment(paths)
    if paths["authkey"] is not None:
        # As multiprocessing's own workers have it. Programs ask for the name, which is not MainProcess, and records have it.
        multiprocessing = importlib.import_module("multiprocessing.process")
        multiprocessing.current_process().authkey = bytes.fromhex(paths["authkey"])
        multiprocessing.current_process().name = "FerryWorker"
    return paths


@contextlib.contextmanager
def _in_folder(folder: str | None) -> Iterator[None]:
    """In the folder, if it is still there."""
    before = os.open(".", os.O_PATH | os.O_CLOEXEC)
    try:
        if folder is not None:
            with contextlib.suppress(OSError):
                os.chdir(folder)
        yield
    finally:
        os.chdir(before)
        os.close(before)


def _import_all(options: "Options") -> None:
    """Imports what functions are in. What cannot be imported is the error of the calls that need it."""
    kept = {name: os.environ.get(name) for name in NO_DISPLAY}
    os.environ.update(NO_DISPLAY)
    try:
        if options.main_file:
            _main.load("file", options.main_file)
        elif options.main_name:
            _main.load("name", options.main_name)
        for module in options.modules:
            importlib.import_module(module)
    except BaseException as exception:
        _main.failures.append((exception, traceback.format_exc()))
    finally:
        for name, value in kept.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _call_by_name(name: str, job: Any, arguments: Any) -> Any:
    """A function with a name and types. The job is PyGObject's."""
    from . import _function

    try:
        return _run(_native.begin(job), lambda _: _function.call_here(_function.functions[name], arguments))
    except Cancelled:
        job.check()
        raise
    finally:
        _native.end()


def _register_functions() -> None:
    """Those with a name and types of the modules, where these have imported what makes them."""
    if "ferry._function" not in sys.modules:
        return
    from . import _function
    from ._library import Ferry

    for name, found in _function.functions.items():
        Ferry.function_register(name, _function.type_of(found.takes), _function.type_of(found.gives),
                                functools.partial(_call_by_name, name))


def prepare(options: "Options", paths: dict[str, Any] | None) -> None:
    _imports.when_imported("multiprocessing.shared_memory", _imports.track_own_memory)
    _unguarded.begin()
    # A program reads its arguments and files while it is imported, as it did at its start.
    if paths is not None:
        sys.argv[:] = paths["argv"]
    with _in_folder(None if paths is None else paths["folder"]):
        _import_all(options)
    if (paths is None or options.whole) and _main.failures:
        # Of a host, which is to take no tasks that it cannot run, or of a queue, whose tasks can wait.
        print(_main.failures[0][1], file=sys.stderr, flush=True)
        os._exit(1)
    _register_functions()
    _notices.begin(None if paths is None else paths["level"])
    _set_signals()
    os.environ.update(_begun_with)
    # What all workers share stays as it is: the collector would write to it, and so copy it.
    gc.collect()
    gc.freeze()


def _set_signals() -> None:
    """Sets what each worker has to set for itself, since a forked one begins with the defaults of the system."""
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored, signal.SIG_IGN)
    signal.signal(_job.INTERRUPT, _job.take_interrupt)
    faulthandler.disable()
    faulthandler.enable()
    # The library's own handler tells where the code of libraries is, when the time of a task is over. It stands in front, as
    # anybody may send the signal, and only the application asks by it.
    faulthandler.unregister(signal.SIGWINCH)
    if signal.getsignal(signal.SIGWINCH) in (signal.SIG_DFL, None):
        faulthandler.register(signal.SIGWINCH, all_threads=False)
        _native.lead()


def _seed() -> None:
    """Random numbers of libraries that keep theirs in a process, where the fork server has loaded them. Python's own are
    seeded by its handlers, and those of other libraries by what they have given to os.register_at_fork().
    """
    for name in ("numpy.random", "torch"):
        seed = getattr(sys.modules.get(name), "seed", None)
        if seed is not None:
            seed()


def _after_fork() -> None:
    """In each forked worker, behind CPython's own handlers."""
    _leave_finalizers()
    _seed()
    _set_signals()
    if _begun_with:
        _set_environment(_read_paths(_begun_with[PATHS]))


class Options(NamedTuple):
    """What stands behind the program's name. argparse takes as long as all else that is imported here."""

    # The program, which is imported as __mp_main__, or the module that it is.
    main_file: str | None
    main_name: str | None
    # What calls functions before the first task.
    initializer: str | None
    # Serves an object, and no functions.
    objects: bool
    # Does not start where something cannot be imported: the tasks wait, and are not to fail one by one.
    whole: bool
    # What is imported before workers are forked.
    modules: list[str]


def _options(arguments: list[str]) -> Options:
    values: dict[str, str | None] = dict.fromkeys(("--main-file", "--main-name", "--initializer"))
    arguments = list(arguments)
    objects = whole = False
    while arguments and arguments[0].startswith("-"):
        option = arguments.pop(0)
        if option == "--objects":
            objects = True
        elif option == "--whole":
            whole = True
        elif option in values and arguments:
            values[option] = arguments.pop(0)
        else:
            sys.exit("A worker of ferry takes no option %s; an application that uses Ferry starts it" % option)
    return Options(values["--main-file"], values["--main-name"], values["--initializer"], objects, whole, arguments)


def begin() -> tuple[Options, dict[str, Any] | None]:
    """What the application has told this process, for prepare()."""
    options = _options(sys.argv[1:])
    paths = _take_paths()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True)
    return options, paths


def main() -> None:
    options, paths = begin()
    for name, call in ((CALL, _call), (options.initializer, _initialize), (STREAM, _stream), (END, _end)):
        if name is not None:
            _native.serve(name, call, _job.INTERRUPT)
    _native.run(lambda: prepare(options, paths), _after_fork)
    if options.objects:
        from . import _objects

        prepare(options, paths)
        _objects.serve()
        return
    sys.exit("This is a part of an application that uses Ferry, which starts it.")


if __name__ == "__main__":
    main()
