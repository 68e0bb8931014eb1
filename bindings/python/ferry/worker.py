# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The worker program: `python3 -m ferry.worker [--objects] [--main-file FILE | --main-name NAME]
[--initializer NAME] [MODULE...]`

It imports the modules, and serves calls of the functions in them. Where it can be forked it imports them once, and each
worker is a copy. With --objects, one object lives in it, whose methods it serves.
"""

import argparse
import atexit
import contextlib
import ctypes
import faulthandler
import functools
import gc
import importlib
import itertools
import json
import os
import pickle
import signal
import sys
import traceback
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from . import _by_value, _fault, _function, _imports, _job, _main, _message, _native, _notices, _objects, _offer, _pipe, _share, _text, _unguarded
from ._library import PYTHON_ERROR, Ferry, GLib
from ._names import CALL, END, EXCEPTION, PART, PATHS, STREAM
from .errors import Cancelled

# While modules are imported, GTK finds no display: workers have no window, and a display would bring threads.
NO_DISPLAY = {"DISPLAY": "", "WAYLAND_DISPLAY": "", "GDK_BACKEND": "x11"}

# The variable that a fork server is started with.
FORK_SERVER = "FERRY_FORK_SERVER"


def _fail(job: Any, exception: BaseException) -> None:
    """Sends what the application raises, then fails the task."""
    fault = _fault.describe(exception, globals())
    try:
        job.send(EXCEPTION, _message.to_variant(pickle.dumps(fault, 5)))
    except GLib.Error:
        # The task was cancelled, and its error is that.
        pass
    job.fail(GLib.Error(_text.display(_fault.say(exception)), PYTHON_ERROR, 0), _text.display(fault[3]))


def _load(job: Any, arguments: Any) -> Any:
    if _share.mapped:
        _share.let_go()
    try:
        data = _message.from_variant(arguments)
        return _pipe.opening(job, _message.count_memories(data),
                             lambda: _message.unpack(data, lambda: int(job.dup_descriptor(0))))
    except Exception as exception:
        _main.explain(exception)
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
        if isinstance(error, GLib.Error) and size > _message.PART_SIZE:
            own.append(os.dup(descriptor))
            return descriptor
        os.close(descriptor)
        if not isinstance(error, GLib.Error):
            raise
        return -1
    return descriptor


def _pack(value: Any, function: Any, share_memory: Callable[[int], int] | None = None) -> Any:
    try:
        return _message.to_variant(_message.pack_value(value, share_memory))
    except Exception as exception:
        _fault.note_unsent(exception, value, function)
        raise


def _pack_outcome(value: Any, function: Any, args: tuple[Any, ...], share_memory: Callable[[int], int]) -> Any:
    """What a function has returned. Of a map's items, those fail whose results cannot be sent."""
    try:
        return _pack(value, function, share_memory)
    except Exception:
        maps = sys.modules.get("ferry._map")
        if maps is None or function not in (maps.run_chunk, maps.run_items):
            raise
        return _pack(maps.without_unsent(value, args[0]), function, share_memory)


def _run(job: Any, body: Callable[[], Any]) -> Any:
    """Runs body as the function of a job. A cancel raises in it, wherever it is."""
    _job.current = job
    try:
        try:
            _job.interruptible = job
            _native.begin(job, _job.INTERRUPT)
            if job.is_cancelled():
                raise Cancelled("The task was cancelled")
            return body()
        finally:
            _job.interruptible = None
    except BaseException as exception:
        _job.interruptible = None
        if isinstance(exception, (Cancelled, GLib.Error)) and job.is_cancelled():
            # Raises the error that says why: a cancel, or the end of the time.
            job.check()
        _fail(job, exception)
        return None
    finally:
        _job.current = None
        _native.end()


def _call(job: Any, arguments: Any) -> Any:
    def body() -> Any:
        function, args, kwargs = _load(job, arguments)
        value = _job.finish(function(*args, **kwargs))
        _offer.wait_for_answers()
        own: list[int] = []
        try:
            packed = _pack_outcome(value, function, args, lambda size: _share_memory(job, size, own))
            for part in itertools.chain.from_iterable(map(_message.read_parts, own)):
                _job.call_whole(job.send, PART, _message.to_variant(part))
            return packed
        finally:
            for descriptor in own:
                os.close(descriptor)

    return _run(job, body)


def _stream(job: Any, arguments: Any) -> Any:
    def body() -> Any:
        function, args, kwargs = _load(job, arguments)
        values = iter(function(*args, **kwargs))
        while True:
            try:
                value = next(values)
            except StopIteration as end:
                _offer.wait_for_answers()
                return _pack(end.value, function)
            # Waits where the application is behind.
            _job.call_whole(job.yield_, _pack(value, function))

    return _run(job, body)


def _end(_job: Any, _arguments: Any) -> None:
    """An orderly end is one for atexit, too: temporary folders are removed, and coverage writes what it has found."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if not stream.closed:
            stream.flush()


def _leave_finalizers() -> None:
    """What was made before the fork is there for all workers, and none of them ends it."""
    for finalizer in list(weakref.finalize._registry):  # type: ignore[attr-defined]
        finalizer.atexit = False


# In a fork server: what its environment had of the package. Where it has to execute a worker, that begins with it.
_begun_with: dict[str, str] = {}


def _set_environment(paths: dict[str, Any]) -> None:
    """It becomes that of the application."""
    del os.environ[PATHS]
    os.environ.pop("PYTHONPATH", None)
    if paths["pythonpath"] is not None:
        os.environ["PYTHONPATH"] = paths["pythonpath"]


def _take_paths() -> dict[str, Any] | None:
    """sys.path, sys.argv and PYTHONPATH become those of the application. Returns what else it has told, if anything."""
    text = os.environ.get(PATHS)
    if text is None:
        return None
    paths: dict[str, Any] = json.loads(text)
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


def _import_all(options: argparse.Namespace) -> None:
    """Imports what functions are in. What cannot be imported is the error of the calls that need it."""
    kept = {name: os.environ.get(name) for name in NO_DISPLAY}
    os.environ.update(NO_DISPLAY)
    try:
        if options.main_file or options.main_name:
            _main.load("file" if options.main_file else "name", options.main_file or options.main_name)
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
    return _run(job, lambda: _function.call_here(_function.functions[name], arguments))


def _register_functions() -> None:
    """Those with a name and types of the modules."""
    for name, found in _function.functions.items():
        Ferry.function_register(name, _function.type_of(found.takes), _function.type_of(found.gives),
                                functools.partial(_call_by_name, name))


def prepare(options: argparse.Namespace, paths: dict[str, Any] | None) -> bool:
    _imports.when_imported("multiprocessing.shared_memory", _imports.track_own_memory)
    _unguarded.begin()
    # A program reads its arguments and files while it is imported, as it did at its start.
    if paths is not None:
        sys.argv[:] = paths["argv"]
    with _in_folder(None if paths is None else paths["folder"]):
        _import_all(options)
    _register_functions()
    _notices.begin(None if paths is None else paths["level"])
    _set_signals()
    os.environ.update(_begun_with)
    # What all workers share stays as it is: the collector would write to it, and so copy it.
    gc.collect()
    gc.freeze()
    return True


def _set_signals() -> None:
    """Sets what each worker has to set for itself, since a forked one begins with the defaults of the system."""
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored, signal.SIG_IGN)
    signal.signal(_job.INTERRUPT, _job.take_interrupt)
    faulthandler.disable()
    faulthandler.enable()


def _seed() -> None:
    """Random numbers of libraries that keep theirs in a process, where the fork server has loaded them. Python's own are
    seeded by its handlers, and those of other libraries by what they have given to os.register_at_fork().
    """
    for name in ("numpy.random", "torch"):
        seed = getattr(sys.modules.get(name), "seed", None)
        if seed is not None:
            seed()


def _after_fork(*_: Any) -> None:
    """CPython's own handlers: random numbers are seeded anew, locks and threads are as in a new process.

    The second call lets go of what the first one takes. CPython 3.13 ends a process that has it otherwise.
    """
    ctypes.pythonapi.PyOS_BeforeFork()
    ctypes.pythonapi.PyOS_AfterFork_Child()
    _leave_finalizers()
    _seed()
    _set_signals()
    if _begun_with:
        _set_environment(json.loads(_begun_with[PATHS]))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ferry.worker", description="A worker of an application with Ferry.")
    parser.add_argument("--main-file", help="the program, which is imported as __mp_main__")
    parser.add_argument("--main-name", help="the module that is the program")
    parser.add_argument("--objects", action="store_true", help="serves an object, and no functions")
    parser.add_argument("--initializer", help="the name of what calls functions before the first task")
    parser.add_argument("modules", nargs="*", help="what is imported before workers are forked")
    return parser.parse_args()


def begin() -> tuple[argparse.Namespace, dict[str, Any] | None]:
    """What the application has told this process, for prepare()."""
    options = _options()
    paths = _take_paths()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True)
    return options, paths


def main() -> None:
    options, paths = begin()
    Ferry.function_register(CALL, "ay", "ay", _call)
    if options.initializer:
        Ferry.function_register(options.initializer, "ay", "ay", _call)
    Ferry.function_register(STREAM, "ay", "ay", _stream)
    Ferry.function_register(END, "", "", _end)
    Ferry.Worker.add_fork_handler(_after_fork)
    Ferry.Worker.add_initialiser("import", lambda *_: prepare(options, paths))
    Ferry.Worker.main(list(map(_text.display, sys.argv)))
    if options.objects:
        prepare(options, paths)
        _objects.serve()
        return
    sys.exit("This is a part of an application that uses Ferry, which starts it.")


if __name__ == "__main__":
    main()
