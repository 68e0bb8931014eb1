# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""traits-futures' own tests, for ferry.traits: they are a part of its package, traits_futures.tests.

What its modules have of ferry.traits is replaced by that. Its tests of threads are run with workers, and its helper runs
the loop.
"""

import concurrent.futures
import contextlib
import glob
import importlib
import logging
import os

import ferry.concurrent
import ferry.traits

VERSION = "1.0.0.dev"

# Modules whose names are those of ferry.traits, as far as they are there.
MODULES = ("api", "asyncio.event_loop", "base_future", "background_call", "background_iteration", "background_progress",
           "ets_event_loop", "executor_states", "future_states", "i_event_loop", "i_parallel_context", "i_task_specification",
           "multiprocessing_context", "multiprocessing_router", "multithreading_context", "traits_executor")
OTHER_NAMES = {"MultithreadingContext": ferry.traits.MultiprocessingContext}

# What these test is not Ferry's: traits-futures' own list of names, its loops of Qt and Wx, and its helpers of tests.
OTHERS = ("test_api.py", "test_ets_event_loop.py", "test_exception_handling.py", "test_multithreading_router.py",
          "test_test_assistant.py", "test_event_loop_helper.py")


def _worker_pool(self, *, max_workers=None):
    """Workers have the names of ferry.traits, too."""
    return ferry.concurrent.Executor(max_workers, initializer=replace)


def replace():
    names = {name: getattr(ferry.traits, name) for name in ferry.traits.__all__} | OTHER_NAMES
    for module in (importlib.import_module("traits_futures." + name) for name in MODULES):
        for name, value in names.items():
            if hasattr(module, name):
                setattr(module, name, value)


@contextlib.contextmanager
def _block_workers(test):
    """The tests' own one asks for a private name."""
    pool, event = test.executor._pool, test._context.event()
    futures = [pool.submit(event.wait) for _ in range(pool._max_workers)]
    try:
        yield
    finally:
        event.set()
        concurrent.futures.wait(futures)


def prepare():
    package = importlib.import_module("traits_futures")
    helper = importlib.import_module("traits_futures.asyncio.event_loop_helper")
    replace()
    ferry.traits.MultiprocessingContext.worker_pool = _worker_pool
    ferry.traits.AsyncioEventLoop.helper = lambda self: helper.EventLoopHelper(self._loop)
    ferry.traits.logger = logging.getLogger("traits_futures")
    importlib.import_module("traits_futures.i_message_router").IMessageReceiver.register(ferry.traits.MultiprocessingReceiver)
    importlib.import_module("traits_futures.i_pingee").IPingee.register(ferry.traits.Pingee)
    for name in ("call", "iteration", "progress"):
        module = importlib.import_module("traits_futures.tests.test_background_" + name)
        getattr(module, "TestBackground" + name.capitalize()).block_worker_pool = _block_workers
    folder = os.path.dirname(package.__file__)
    paths = glob.glob(os.path.join(folder, "tests", "test_*.py"))
    paths += glob.glob(os.path.join(folder, "asyncio", "tests", "test_*.py"))
    return sorted(path for path in paths if os.path.basename(path) not in OTHERS)
