# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""loky's tests of its executors, for ferry.concurrent.Executor: the folder tests of its source.

What their classes ask of private names around each test, whether a pool is broken and how many processes there are, is not
asked here.
"""

import concurrent.futures.process
import importlib
import os
import pickle

import ferry.concurrent

import cloudpickle
import loky
import loky.process_executor

VERSION = loky.__version__


class ByValue:
    """A function that a worker cannot find by its name."""

    def __init__(self, function):
        self._data = cloudpickle.dumps(function)

    def __call__(self, *args, **kwargs):
        return pickle.loads(self._data)(*args, **kwargs)


def _sendable(function):
    try:
        pickle.dumps(function)
        return function
    except Exception:
        return ByValue(function)


class Executor(ferry.concurrent.Executor):
    """The arguments of loky's. What they want beyond those of the standard library is not here."""

    def __init__(self, max_workers=None, job_reducers=None, result_reducers=None, timeout=None, context=None,
                 initializer=None, initargs=(), env=None):
        if job_reducers or result_reducers or env:
            raise NotImplementedError("no reducers, no environment")
        super().__init__(max_workers, context, initializer, initargs)

    def submit(self, function, /, *args, **kwargs):
        return super().submit(_sendable(function), *args, **kwargs)

    def map(self, function, *iterables, **settings):
        return super().map(_sendable(function), *iterables, **settings)

    def shutdown(self, wait=True, kill_workers=False):
        if kill_workers:
            self._cancel_all()
        super().shutdown(wait)


_reused = [None, None]


def get_reusable_executor(max_workers=None, reuse="auto", kill_workers=False, **settings):
    """That of the last call, if it has the same settings, or another one."""
    executor, last = _reused
    settings["max_workers"] = executor._max_workers if max_workers is None and executor else max_workers
    if executor is None or executor._is_shut_down or reuse is False or (reuse == "auto" and settings != last):
        if executor is not None:
            executor.shutdown(kill_workers=kill_workers)
        _reused[:] = Executor(**settings), settings
    return _reused[0]


def replace():
    loky.get_reusable_executor = loky.reusable_executor.get_reusable_executor = get_reusable_executor
    loky.process_executor.TerminatedWorkerError = ferry.concurrent.WorkerLost
    loky.process_executor.BrokenProcessPool = concurrent.futures.process.BrokenProcessPool
    loky.process_executor.ShutdownExecutorError = RuntimeError
    loky.ProcessPoolExecutor = loky.process_executor.ProcessPoolExecutor = Executor


def prepare():
    replace()
    # What a message has of a signal or of a status is each library's own text.
    importlib.import_module("tests.utils").filter_match = lambda _: None
    folder = os.path.dirname(importlib.import_module("tests._executor_mixin").__file__)
    mixins = importlib.import_module("tests._executor_mixin")
    mixins._check_subprocesses_number = lambda *_, **__: None
    mixins.ExecutorMixin.teardown_method = lambda self, _: self.executor and self.executor.shutdown(kill_workers=True)
    return ["--loky-verbosity=50", "--skip-high-memory"] + [
        os.path.join(folder, name) for name in ("test_process_executor_loky.py", "test_reusable_executor.py")]
