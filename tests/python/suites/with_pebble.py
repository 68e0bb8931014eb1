# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pebble's tests of its ProcessPool, with ferry.Executor: the folder test of its source.

A call of pebble's is a task with a deadline here, and a future that cancels it.
"""

import concurrent.futures
import os

import ferry

import pebble

VERSION = pebble.__version__


class Future(concurrent.futures.Future):
    """Of pebble's kind: what runs can be cancelled."""

    def __init__(self, task):
        super().__init__()
        self._task = task
        task._call_at_end(self._note_end)

    def cancel(self):
        return not self.done() and self._task.cancel()

    def _note_end(self, task):
        try:
            self.set_result(task.result())
        except concurrent.futures.CancelledError:
            super().cancel()
            self.set_running_or_notify_cancel()
        except ferry.WorkerLost as error:
            self.set_exception(pebble.ProcessExpired(str(error), error.exit_status or 0))
        except BaseException as error:
            self.set_exception(error)


class MapFuture(concurrent.futures.Future):
    """Its result is an iterator, which goes on behind a failure."""

    def __init__(self, futures):
        super().__init__()
        self._futures = futures
        self.set_result(Results(futures))

    def cancel(self):
        return all([future.cancel() for future in self._futures])


class Results:
    def __init__(self, futures):
        self._values = (value for future in futures for value in self._values_of(future))

    def _values_of(self, future):
        try:
            yield from future.result()
        except BaseException as error:
            yield error, None

    def __iter__(self):
        return self

    def __next__(self):
        error, value = next(self._values)
        if error is not None:
            raise error
        return value


def _run_chunk(function, rows):
    """In a worker: an error or a value of each row."""
    return [_outcome_of(function, row) for row in rows]


def _outcome_of(function, row):
    try:
        return None, function(*row)
    except Exception as error:
        return error, None


class ProcessPool:
    def __init__(self, max_workers=None, max_tasks=0, initializer=None, initargs=(), context=None):
        self._executor = ferry.Executor(max_workers, initializer=initializer, initargs=initargs)
        self._executor.pool.props.max_tasks = max_tasks
        self._futures = set()
        self.active = True

    def schedule(self, function, args=(), kwargs={}, timeout=None):
        if not self.active or self._executor.pool.get_error() is not None:
            raise RuntimeError("The pool is not active")
        try:
            task = ferry.Task(function, *args, **kwargs)
        except Exception as error:
            future = concurrent.futures.Future()
            future.set_exception(error)
            return future
        if timeout is not None:
            task.props.run_timeout = int(timeout * 1e6)
        self._executor.submit(task)
        future = Future(task)
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        return future

    def submit(self, function, timeout, /, *args, **kwargs):
        return self.schedule(function, args, kwargs, timeout)

    def map(self, function, *iterables, chunksize=1, timeout=None):
        if chunksize < 1:
            raise ValueError("chunksize must be positive")
        rows = list(zip(*iterables))
        return MapFuture([self.schedule(_run_chunk, (function, rows[start:start + chunksize]), timeout=timeout)
                          for start in range(0, len(rows), chunksize)])

    def close(self):
        self.active = False

    def stop(self):
        self.active = False
        self._executor.cancel_all()

    def join(self, timeout=None):
        if self.active:
            raise RuntimeError("The pool is active")
        if concurrent.futures.wait(list(self._futures), timeout).not_done:
            raise TimeoutError("Tasks are still running")
        self._executor.shutdown()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
        self.join()


def prepare():
    pebble.ProcessPool = ProcessPool
    path = os.path.join(os.path.dirname(os.path.dirname(pebble.__file__)), "test", "test_process_pool_spawn.py")
    os.stat(path)
    return [path]
