# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""CPython's tests of ProcessPoolExecutor, for ferry.concurrent.Executor (Debian: libpython3.11-testsuite and its like)."""

import concurrent.futures
import importlib
import pkgutil
import platform

import ferry.concurrent

VERSION = platform.python_version()


def _modules():
    """One until Python 3.11, and those of a package from 3.12 on."""
    suite = importlib.import_module("test.test_concurrent_futures")
    places = getattr(suite, "__path__", None)
    if places is None:
        return [suite]
    return [importlib.import_module("%s.%s" % (suite.__name__, found.name)) for found in pkgutil.iter_modules(places)
            if found.name.startswith("test_") or found.name == "util"]


def prepare():
    modules = _modules()
    base = next(module.ProcessPoolSpawnMixin for module in modules if hasattr(module, "ProcessPoolSpawnMixin"))
    # Some ask for the class by its name.
    base.executor_type = concurrent.futures.ProcessPoolExecutor = ferry.concurrent.Executor
    importlib.import_module("test.support").verbose = False
    for module in modules:
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, base) and kind is not base:
                # pytest looks here.
                globals()[kind.__name__.removeprefix("ProcessPoolSpawn")] = kind
    return [__file__]
